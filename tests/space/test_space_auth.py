"""The session cookie: sealed, expiring, and out of scripts' reach."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from chat_space.auth import COOKIE, Door, Seal, give_cookie
from chat_space.client import Api, ApiError
from chat_space.middleware import policy
from starlette.requests import Request
from starlette.responses import Response


def request(**headers: str) -> Request:
    """A request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": raw, "query_string": b""}
    return Request(scope | {"scheme": "http", "server": ("space", 80)})


def cookie_of(asked: Request) -> SimpleCookie:
    """The cookie that signing in over this request sets."""
    response = Response()
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    give_cookie(response, asked, Seal("key"), "the-token", end)
    return SimpleCookie(response.headers["set-cookie"])


@pytest.fixture
def door() -> Door:
    return Door(Api("http://127.0.0.1:9"), Seal("key"))


def test_the_cookie_hides_the_token_and_gives_it_back():
    """Nobody reads the token off the cookie; the Space does."""
    value = Seal("key").close("the-token", time.time() + 60)
    assert "the-token" not in value
    assert Seal("key").open(value) == "the-token"


def test_a_cookie_that_is_forged_expired_or_sealed_elsewhere_opens_nothing():
    """A changed byte, a past expiry, another key and plain nonsense are all no session."""
    value = Seal("key").close("the-token", time.time() + 60)
    changed = value[:-4] + ("AAAA" if value[-4:] != "AAAA" else "BBBB")
    expired = Seal("key").close("the-token", time.time() - 1)
    other = Seal("another key").close("the-token", time.time() + 60)
    for bad in (changed, expired, other, "the-token", "", "é"):
        assert Seal("key").open(bad) is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites():
    """HttpOnly, SameSite=Lax, the whole Space as its path, and no longer than the token lives."""
    morsel = cookie_of(request())[COOKIE]
    assert morsel["httponly"]
    assert morsel["samesite"] == "lax"
    assert morsel["path"] == "/"
    assert 3500 < int(morsel["max-age"]) <= 3600


def test_a_bearer_header_wins_over_the_cookie(door):
    """A script's own token counts, whatever cookie comes with it; other schemes don't count."""
    cookie = f"{COOKIE}={Seal('key').close('from-cookie', time.time() + 60)}"
    assert door.token_of(request(authorization="Bearer mine", cookie=cookie)) == "mine"
    assert door.token_of(request(authorization="Basic eDp5", cookie=cookie)) == "from-cookie"
    assert door.token_of(request(authorization="Bearer ")) is None


def test_no_token_is_no_caller(door):
    """There is no default user to fall back on."""
    with pytest.raises(ApiError, match="unauthenticated"):
        door.caller(request())


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (httpx.Response(401, json={"code": "unauthenticated"}), "out"),
        (httpx.Response(403, json={"code": "password_change_required"}), "password_due"),
        (httpx.Response(200, json={"user": {"username": "ada"}}), "in"),
    ],
)
def test_the_api_says_where_a_caller_stands(answer, standing):
    """Only a token the API knows, with no password change due, comes in."""
    door = Door(Api("http://api", httpx.MockTransport(lambda _: answer)), Seal("key"))
    known = asyncio.run(door.look(request(authorization="Bearer t")))
    assert known.standing == standing


def test_the_policy_allows_nothing_from_elsewhere():
    """No directive names another origin, and no page may frame the Space unless it is meant to."""
    assert "http" not in policy("'self'", "")
    assert policy("'self'", "").endswith("frame-ancestors 'self'")
    assert policy("'self'", "https://huggingface.co").endswith("'self' https://huggingface.co")
