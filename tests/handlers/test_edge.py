"""What every answer carries, and what no request may carry, whichever function serves it."""

import re

import httpx
import pytest
from control_plane import settings
from control_plane.settings import SettingRefused, read
from handlers import api, chat

from tests.handlers.events import Context, event

DEMO = "/v1/projects/demo"
CHAT = f"{DEMO}/chat"
ADD = {"action": "demo.counter.increment", "inputs": {"amount": 1}}
PAGE = "https://desk.example"

# A success, and each kind of failure, of both functions.
ANSWERS = [
    ("GET", "/v1/me", 200),
    ("GET", "/livez", 200),
    ("GET", "/openapi.json", 200),
    ("GET", f"{DEMO}/state", 200),
    ("HEAD", f"{DEMO}/state", 200),
    ("OPTIONS", f"{DEMO}/state", 204),
    ("GET", "/v1/nowhere", 404),
    ("DELETE", "/v1/me", 405),
    ("POST", f"{DEMO}/executions", 422),
    ("GET", "/v1/a%00b", 400),
    ("OPTIONS", CHAT, 204),
    ("GET", CHAT, 405),
    ("POST", CHAT, 400),
    ("POST", "/v1/projects/a_b/chat", 404),
]


@pytest.mark.parametrize(("method", "url", "status"), ANSWERS)
def test_every_answer_tells_browsers_and_caches_what_they_may_do(
    client: httpx.Client, method: str, url: str, status: int
) -> None:
    """Errors too: nothing is sniffed, framed, referred or kept; the request's id is there."""
    answer = client.request(method, url)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["vary"] == "Origin"
    assert re.fullmatch(r"[\w-]{15}=", headers["x-request-id"])
    kept = status == 200 and url.endswith("/state")
    assert headers["cache-control"] == ("private, no-cache" if kept else "no-store")
    assert "access-control-allow-origin" not in headers


def test_an_execution_bears_its_requests_id(client: httpx.Client) -> None:
    """Where the caller sends none, the gateway's id is the record's: logs and records meet."""
    answer = client.post(f"{DEMO}/executions", json=ADD)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    named = client.post(f"{DEMO}/executions", json=ADD, headers={"idempotency-key": "mine"})
    assert named.json()["request_id"] == "mine"
    assert named.headers["x-request-id"] != "mine"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\nb", "é", None, 7])
def test_an_unsound_id_is_replaced(token: str, given: object) -> None:
    """What can't stand in a header or a record gives way to an id of our own."""
    sent = event("POST", f"{DEMO}/executions", ADD, token)
    sent["requestContext"]["requestId"] = given
    answered = api.handler(sent, Context())
    assert answered["statusCode"] == 200
    assert re.fullmatch("[0-9a-f-]{36}", answered["headers"]["X-Request-Id"])
    assert f'"request_id":"{answered["headers"]["X-Request-Id"]}"' in answered["body"]


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("DELETE", "/v1/me", "GET, HEAD, OPTIONS"),
        ("GET", f"{DEMO}/executions/1/", None),
        ("PUT", f"{DEMO}/executions", "GET, HEAD, OPTIONS, POST"),
        ("GET", f"{DEMO}/revert", "OPTIONS, POST"),
        ("TRACE", "/v1/projects", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/livez", "GET, HEAD, OPTIONS"),
        ("BREW", "/openapi.json", "GET, HEAD, OPTIONS"),
        ("PATCH", CHAT, "OPTIONS, POST"),
        ("PATCH", "/v1/nowhere", None),
        ("OPTIONS", "/v1/nowhere", None),
    ],
)
def test_another_method_is_told_which_there_are(
    client: httpx.Client, method: str, url: str, allowed: str | None
) -> None:
    """405 with Allow where the address is there, 404 where it isn't."""
    answer = client.request(method, url)
    assert answer.headers.get("allow") == allowed
    found = (answer.status_code, answer.json()["code"])
    assert found == ((405, "method_not_allowed") if allowed else (404, "not_found"))


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    """The same status and headers, nothing else."""
    for url in (f"{DEMO}/state", "/v1/me", "/v1/projects/absent", "/livez"):
        got, head = client.get(url), client.head(url)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers.get("etag") == got.headers.get("etag")
        assert head.headers["content-type"] == got.headers["content-type"]


def test_options_needs_no_token(client: httpx.Client) -> None:
    """It tells what the description tells anyone."""
    del client.headers["authorization"]
    answer = client.options(f"{DEMO}/members/somebody")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


@pytest.fixture
def listed(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    """The client of a deployment that lists two origins."""
    monkeypatch.setenv("CHAT_AGENT_ALLOWED_ORIGINS", f"{PAGE}, http://localhost:7860")
    settings.settings.cache_clear()
    return client


@pytest.mark.parametrize(("method", "url", "status"), ANSWERS)
def test_a_listed_page_may_read_every_answer(
    listed: httpx.Client, method: str, url: str, status: int
) -> None:
    """Errors too, by its exact origin, and never with credentials."""
    answer = listed.request(method, url, headers={"origin": PAGE})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = "ETag, Next-Cursor, Retry-After, X-Request-Id"
    assert answer.headers["access-control-expose-headers"] == exposed
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("url", [f"{DEMO}/executions", CHAT])
def test_a_listed_page_may_ask_beforehand(listed: httpx.Client, url: str) -> None:
    """A preflight names the methods of that address and the headers that count."""
    del listed.headers["authorization"]
    asked = {"origin": PAGE, "access-control-request-method": "POST"}
    answer = listed.options(url, headers=asked)
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == (
        "Authorization, Content-Type, Idempotency-Key, If-None-Match, traceparent"
    )


@pytest.mark.parametrize(
    "origin",
    ["https://desk.example.evil", "http://desk.example", "https://DESK.example", "null", "*", "",
     "https://desk.example:8443", "https://desk.example, http://localhost:7860"],
)  # fmt: skip
def test_no_other_page_may_read_anything(listed: httpx.Client, origin: str) -> None:
    """An origin that isn't listed is never reflected."""
    for method, url in (("GET", "/v1/me"), ("OPTIONS", CHAT), ("GET", "/v1/nowhere")):
        answer = listed.request(method, url, headers={"origin": origin})
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("given", ["*", "null", "https://a.example/", "desk.example", "https://A"])
def test_what_is_no_origin_is_refused_as_a_setting(given: str) -> None:
    """A wrong list stops the function instead of opening it."""
    with pytest.raises(SettingRefused, match="CHAT_AGENT_ALLOWED_ORIGINS"):
        read({"CHAT_AGENT_ALLOWED_ORIGINS": f"https://a.example,{given}"}).allowed_origins  # noqa: B018
    assert read({"CHAT_AGENT_ALLOWED_ORIGINS": ""}).allowed_origins == frozenset()


def test_an_unexpected_error_carries_them_too(
    listed: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug's 500 is a problem that a listed page can read."""
    monkeypatch.setattr(chat, "_project", lambda _: 1 / 0)
    answer = listed.post(CHAT, headers={"origin": PAGE}, json={"message": "x"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["cache-control"] == "no-store"
