"""Addresses, parameters and headers that nobody sends on purpose: nothing breaks."""

import httpx
from handlers import api

from tests.handlers.events import Context, event

DEMO = "/v1/projects/demo"
EXECUTIONS = f"{DEMO}/executions"
ADDRESSES = [
    ("/v1/projects/%00", 400),
    ("/v1/projects/demo%0A", 400),
    ("/v1/projects/demo%7F/state", 400),
    ("/v1/projects/%zz/state", 404),
    ("/v1/projects/%/state", 404),
    ("/v1/projects/%C3/state", 404),
    ("/v1/projects/%ED%A0%80/state", 404),
    ("/v1/projects/" + "x" * 5_000, 404),
    ("/v1/projects/demo/executions/" + "9" * 5_000, 422),
    ("/v1/projects/demo/members/%F0%9F%8D%89", 404),
    ("/v1/projects//state", 404),
    ("/v1//me", 404),
    ("/v1/projects/demo/../demo/state%2F", 404),
    (f"{DEMO}/chat/", 404),
]


def test_addresses_may_be_odd(client: httpx.Client) -> None:
    """Whatever stands in one, the answer is a problem."""
    for path, status in ADDRESSES:
        request = client.build_request("GET", "/v1/me")
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = client.send(request)
        assert answer.status_code == status, path
        assert answer.json()["code"] in ("malformed", "not_found", "invalid_body")


QUERIES = [
    ("limit=0", 422),
    ("limit=-1", 422),
    ("limit=" + "9" * 300, 200),
    ("limit=" + "9" * 5_000, 422),
    ("limit=1&limit=2", 422),
    ("limit=1.5", 422),
    ("limit=NaN", 422),
    ("limit=", 422),
    ("status=success&status=failed", 422),
    ("action=a&action=b", 422),
    ("cursor=a&cursor=b", 422),
    ("cursor=" + "A" * 60_000, 400),
    ("cursor=%00", 400),
    ("cursor=%ED%A0%80", 400),
    ("cursor=", 400),
    ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 400),
    ("cursor=LTE=", 400),
    ("action=%00", 400),
    ("action=%FF", 200),
    ("action=" + "x" * 60_000, 200),
    ("principal=%", 200),
    ("since=2026-13-01T00:00:00Z", 422),
    ("since=2026-01-01T00:00:00", 422),
    ("since=2026", 422),
    ("since=1795576721.5", 422),
    ("since=0001-01-01T00:00:00%2B14:00", 422),
    ("since=9999-12-31T23:59:59-14:00", 422),
    ("since=1e400", 422),
    ("until=99999999999999999999", 422),
    ("=&&=", 200),
    ("%00=1", 200),
]


def test_parameters_may_be_odd(client: httpx.Client) -> None:
    """Bounds hold, of two values none is chosen, and nothing breaks."""
    for query, status in QUERIES:
        answer = client.get(f"{DEMO}/executions?{query}")
        assert answer.status_code == status, (query, answer.text)


def test_a_version_is_a_number(client: httpx.Client) -> None:
    """In the address as in a body; 1.0 is 1."""
    for version in ("-1", "9007199254740992", "1" * 5_000, "0x1", "null", "1&version=2"):
        assert client.get(f"{DEMO}/state?version={version}").status_code == 422, version
    assert client.post(f"{DEMO}/revert", json={"version": "1"}).status_code == 422
    one = client.post(f"{DEMO}/revert", content='{"version": 1.0}')
    assert one.json()["inputs"] == {"version": 1}


HEADERS = [
    ({"idempotency-key": "x" * 128}, 200),
    ({"idempotency-key": "x" * 129}, 422),
    ({"idempotency-key": ""}, 422),
    ({"idempotency-key": "\x00"}, 400),
    ({"idempotency-key": "\ud800"}, 400),
    ({"idempotency-key": "é"}, 200),
    ({"if-none-match": "\x00"}, 400),
    ({"authorization": "Bearer \x00"}, 400),
    ({"authorization": "Bearer é"}, 401),
    ({"authorization": "Bearer " + "x" * 10_000}, 401),
    ({"authorization": "Bearer"}, 401),
]


def test_headers_may_be_odd(token: str) -> None:
    """What can't be stored is refused; what can is taken as it is."""
    for headers, status in HEADERS:
        given = event("POST", EXECUTIONS, {"action": "nope"}, token)
        given["headers"] |= headers
        assert api.handler(given, Context())["statusCode"] == status, headers


def test_a_plans_key_leaves_room_for_its_steps(client: httpx.Client) -> None:
    """A step's id is the plan's, a slash and a number, and no longer than any other."""
    steps = [{"action": "demo.counter.increment"}]
    digest = client.post(f"{DEMO}/previews", json={"steps": steps}).json()["digest"]
    body = {"steps": steps, "confirm": digest}
    long = client.post(f"{DEMO}/plans", json=body, headers={"idempotency-key": "x" * 126})
    assert long.status_code == 422
    fits = client.post(f"{DEMO}/plans", json=body, headers={"idempotency-key": "x" * 125})
    assert fits.json()["executions"][0]["request_id"] == "x" * 125 + "/1"
