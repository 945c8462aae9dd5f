"""Who is asking: the API token of a request, from its bearer header or its sealed cookie.

The Space keeps no sessions. The cookie holds the API token itself, encrypted and authenticated
(Fernet), so any replica with the same SPACE_SECRET_KEY serves any request.
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import HTTPConnection
from starlette.responses import Response

from chat_space.client import Api, ApiError, Caller

COOKIE = "chat_agent_session"
LOOK_AGAIN_AFTER = 10.0  # seconds for which an answer about a token is believed
MOST_REMEMBERED = 10_000  # tokens

Standing = Literal["in", "password_due", "out"]


class Seal:
    """Encrypts and opens cookie values with a key derived from SPACE_SECRET_KEY."""

    def __init__(self, secret_key: str) -> None:
        digest = hashlib.sha256(b"chat-space-cookie:" + secret_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def close(self, token: str, expires_at: float) -> str:
        """The cookie value that holds `token` until `expires_at` (epoch seconds)."""
        return self._fernet.encrypt(f"{int(expires_at)} {token}".encode()).decode()

    def open(self, value: str) -> str | None:
        """The token inside, or None: forged, sealed with another key, or expired."""
        try:
            opened = self._fernet.decrypt(value.encode("ascii")).decode("ascii")
        except (InvalidToken, UnicodeError):
            return None
        expires_at, _, token = opened.partition(" ")
        return token if float(expires_at) > time.time() else None


@dataclass(frozen=True)
class Known:
    """What the API said about a token: where its holder stands, and the holder's name."""

    standing: Standing
    username: str | None
    until: float


class Door:
    """Decides who may come in, by asking the API; believes an answer for ten seconds.

    It decides nothing else: every later call carries the token, and the API authorises it.
    """

    def __init__(self, api: Api, seal: Seal) -> None:
        self._api = api
        self._seal = seal
        self._known: dict[str, Known] = {}

    def token_of(self, request: HTTPConnection) -> str | None:
        """The request's API token: a bearer header wins over the cookie. Not checked here."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (token := token.strip()):
            return token if _can_be_sent(token) else None
        value = request.cookies.get(COOKIE)
        return self._seal.open(value) if value else None

    def caller(self, request: HTTPConnection) -> Caller:
        """The API as this request's caller. Raises ApiError 401 where there is no token."""
        if token := self.token_of(request):
            return self._api.caller(token)
        raise ApiError(401, "unauthenticated", "Sign in first.")

    async def look(self, request: HTTPConnection) -> Known:
        """Where the caller stands. Raises ApiError where the API can't say."""
        token = self.token_of(request)
        if token is None:
            return Known("out", None, 0.0)
        key = _fingerprint(token)
        known = self._known.get(key)
        if known is None or known.until < time.monotonic():
            known = self._remember(key, await self._ask(token))
        return known

    async def username(self, request: HTTPConnection) -> str | None:
        """Who the caller is, or None while signed out or while a password change is due."""
        known = await self.look(request)
        return known.username if known.standing == "in" else None

    def forget(self, token: str) -> None:
        """Ask the API about `token` next time."""
        self._known.pop(_fingerprint(token), None)

    async def _ask(self, token: str) -> Known:
        until = time.monotonic() + LOOK_AGAIN_AFTER
        try:
            me = await self._api.caller(token).me()
        except ApiError as error:
            if error.code == "password_change_required":
                return Known("password_due", None, until)
            if error.status == 401:
                return Known("out", None, until)
            raise
        due = me.get("must_change_password")
        return Known("password_due" if due else "in", me["user"]["username"], until)

    def _remember(self, key: str, known: Known) -> Known:
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = known
        return known


def _can_be_sent(token: str) -> bool:
    """Whether a header can carry the token; the API gives out no other."""
    return token.isascii() and token.isprintable()


def _fingerprint(token: str) -> str:
    """What a token is remembered by, so that no memory dump holds live tokens."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_https(request: HTTPConnection) -> bool:
    """Whether the browser's side of the connection is encrypted, as a trusted proxy says."""
    return request.url.scheme == "https"


def give_cookie(
    response: Response, request: HTTPConnection, seal: Seal, token: str, expires_at: str
) -> None:
    """Set the session cookie: HttpOnly, SameSite=Lax, Secure under https, for the token's life.

    `expires_at` is the API's ISO 8601 time.
    """
    end = datetime.fromisoformat(expires_at)
    left = int((end - datetime.now(UTC)).total_seconds())
    value = seal.close(token, end.timestamp())
    response.set_cookie(
        COOKIE, value, max_age=max(left, 0), path="/", httponly=True, samesite="lax",
        secure=is_https(request),
    )  # fmt: skip


def take_cookie(response: Response, request: HTTPConnection) -> None:
    """Remove the session cookie."""
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=is_https(request)
    )
