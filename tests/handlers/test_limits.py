"""What no body may be or hold: refused before anything is read, stored or decided."""

import base64
from typing import Any

import httpx
import pytest
from handlers import api, chat

from tests.handlers.events import Context, event

DEMO = "/v1/projects/demo"
JSON, YAML = "application/json", "application/yaml"
KIB = 1024
ROUTES = {
    "api": f"{DEMO}/executions",
    "policy": f"{DEMO}/policy",
    "chat": f"{DEMO}/chat",
}
# A value of each kind that no body may hold, as JSON.
ODD = {
    "an integer too large": "9007199254740992",
    "an integer too small": "-9007199254740992",
    "a very long integer": "1" * 5_000,
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "a number beyond floats": "1e999",
    "U+0000": '"a\\u0000b"',
    "U+0000 in a key": '{"\\u0000": 1}',
    "a lone surrogate": '"\\ud800"',
    "a key twice": '{"a": 1, "a": 2}',
    "a key twice, spelled differently": '{"a": 1, "\\u0061": 2}',
    "33 levels": "[" * 33 + "]" * 33,
    "many levels": "[" * 100_000,
}


def send(client: httpx.Client, url: str, body: str | bytes, kind: str = JSON, **more: str) -> Any:
    """The answer to a body sent as it is."""
    method = "PUT" if url.endswith("/policy") else "POST"
    headers = {
        "content-type": kind,
        **{name.replace("_", "-"): each for name, each in more.items()},
    }
    return client.request(method, url, content=body, headers=headers)


@pytest.mark.parametrize("url", ROUTES.values(), ids=ROUTES)
def test_no_body_holds_what_readers_read_differently(client: httpx.Client, url: str) -> None:
    """In the API's bodies, in a policy and in a message to chat."""
    before = client.get(f"{DEMO}/executions").json()
    for name, odd in ODD.items():
        answer = send(client, url, f'{{"action": "x", "message": "x", "inputs": {{"a": {odd}}}}}')
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed"), name
    assert client.get(f"{DEMO}/executions").json() == before


def test_what_every_reader_reads_alike_is_taken(client: httpx.Client) -> None:
    """The largest integers, and floats."""
    for number in ("9007199254740991", "-9007199254740991", "1.5", "1e300"):
        body = f'{{"action": "memory.remember", "inputs": {{"key": "k", "value": {number}}}}}'
        assert send(client, ROUTES["api"], body).json()["status"] == "success", number


ODD_YAML = [
    "limits: {budget: {daily: 9007199254740992}}",
    "limits: {budget: {daily: .nan}}",
    "limits: {budget: {daily: -.inf}}",
    'rules: [{id: "a\\0b"}]',
    'rules: [{id: "\\ud800"}]',
    "limits: {}\nlimits: {}",
    "rules: " + "[" * 40 + "]" * 40,
    "rules: &a [*a]",
    "rules: !!python/object:os.system x",
    "x: " + "y" * 70_000,
    "[",
]


def test_no_policy_in_yaml_holds_it_either(client: httpx.Client) -> None:
    """The answer names the line."""
    for text in ODD_YAML:
        answer = send(client, ROUTES["policy"], text, YAML)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_policy"), text
        assert answer.json()["errors"][0]["line"] >= 1
    assert client.get(f"{DEMO}/policy").json()["version"] == 0


@pytest.mark.parametrize(
    ("url", "kind", "most"),
    [
        (ROUTES["api"], JSON, 256 * KIB),
        (ROUTES["policy"], YAML, 256 * KIB),
        (ROUTES["chat"], JSON, 5 * KIB * KIB),
    ],
)
def test_bodies_have_a_largest_size(client: httpx.Client, url: str, kind: str, most: int) -> None:
    """One byte more is too much, whatever its parts are; bytes count, not characters."""
    assert send(client, url, "é" * (most // 2) + "x", kind).status_code == 413
    assert send(client, url, "é" * (most // 2), kind).status_code in (400, 422)
    assert send(client, url, "x" * most, kind, content_length="1").status_code in (400, 422)


@pytest.mark.parametrize("url", ROUTES.values(), ids=ROUTES)
def test_bodies_are_utf8(client: httpx.Client, url: str) -> None:
    """Neither other bytes, nor encoded surrogates, nor a byte order mark."""
    for sent in (b"\xff", b'{"a": "\xc3"}', b'{"a": "\xed\xa0\x80"}'):
        assert send(client, url, sent).status_code == 400, sent
        if url == ROUTES["policy"]:
            assert send(client, url, sent, YAML).status_code == 400, sent
    assert send(client, url, b"\xef\xbb\xbf{}").status_code == 400


OTHER_TYPES = [
    "text/plain",
    "application/jsonx",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "application/json+x",
    "json",
    "*/*",
    "; charset=utf-8",
]


@pytest.mark.parametrize("url", ROUTES.values(), ids=ROUTES)
def test_other_types_are_refused(client: httpx.Client, url: str) -> None:
    """415, and the sentence says which are taken."""
    for kind in OTHER_TYPES:
        answer = send(client, url, "{}", kind)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), kind
        assert JSON in answer.json()["detail"]


def test_only_policies_are_yaml(client: httpx.Client) -> None:
    """Elsewhere it is a type like any other, also where an address looks like a policy's."""
    assert send(client, ROUTES["api"], "{}", YAML).status_code == 415
    assert send(client, f"{DEMO}/members/policy", "{}", YAML).status_code == 415


def test_a_type_may_be_written_in_any_way(client: httpx.Client) -> None:
    """Types know no case."""
    for kind in ("Application/JSON", "application/json ;charset=UTF-8", " application/json"):
        assert send(client, ROUTES["api"], '{"action": "nope"}', kind).status_code == 200, kind


@pytest.mark.parametrize("kind", ["multipart/form-data", "text/plain", ""])
def test_an_empty_body_is_of_any_type(client: httpx.Client, kind: str) -> None:
    """Where one is needed, that is what is said; where none is, nothing is."""
    assert send(client, ROUTES["api"], "", kind).status_code == 422
    assert send(client, "/v1/auth/logout", "", kind).status_code == 204


@pytest.mark.parametrize("url", ROUTES.values(), ids=ROUTES)
def test_bodies_are_sent_as_they_are(client: httpx.Client, url: str) -> None:
    """Nothing is unpacked: what is small on the way could be large here."""
    assert send(client, url, b"\x1f\x8b", content_encoding="gzip").status_code == 415
    assert send(client, url, "{", content_encoding="identity").status_code == 400


@pytest.mark.parametrize("handler", [api.handler, chat.handler])
def test_what_is_said_to_be_base64_is(token: str, handler: Any) -> None:
    """Leniently read, two texts would be one body."""
    url = ROUTES["api" if handler is api.handler else "chat"]
    given = {**event("POST", url, "", token), "isBase64Encoded": True}
    for text in ("not base64!", "e30", "e30=\n=", "\ud800", "é"):
        assert handler({**given, "body": text}, Context())["statusCode"] == 400, text
    given |= {"body": base64.b64encode(b"[1]").decode()}
    assert handler(given, Context())["statusCode"] == 422


def test_a_body_is_an_object(client: httpx.Client) -> None:
    """An array's first item isn't taken for it."""
    for text in ("[]", "[{}]", '"{}"', "1", "null", '[{"action": "nope"}]'):
        for url in (ROUTES["api"], ROUTES["policy"], ROUTES["chat"], f"{DEMO}/pause"):
            assert send(client, url, text).status_code == 422, (url, text)
    assert client.get(DEMO).json()["paused"] is False


@pytest.mark.parametrize("handler", [api.handler, chat.handler])
def test_a_body_with_a_lone_surrogate_is_refused(token: str, handler: Any) -> None:
    """Also where the event itself holds it."""
    url = ROUTES["api" if handler is api.handler else "chat"]
    given = event("POST", url, '{"action": "\ud800", "message": "\ud800"}', token)
    assert handler(given, Context())["statusCode"] == 400
