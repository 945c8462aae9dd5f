"""What stands before every route: security headers, the way to the sign-in page, no files."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_space.auth import Door
from chat_space.client import ApiError

# Gradio's HTML components run their templates and listeners through `new Function`.
GRADIO_SCRIPTS = "'self' 'unsafe-inline' 'unsafe-eval'"
OWN_SCRIPTS = "'self'"
OPEN_PATHS = ("/login", "/logout", "/link/", "/password", "/livez", "/space-static/")
OWN_PATHS = (*OPEN_PATHS, "/tokens", "/executions/", "/audit")  # pages that are not Gradio's
# What Gradio offers around files; this Space has none.
FILE_ROUTES = re.compile(
    r"/gradio_api/(file|proxy|stream|upload|component_server|process_recording|deep_link)"
)
LARGEST_BODY = 6_000_000  # bytes

Unavailable = Callable[[HTTPConnection, ApiError], Awaitable[ASGIApp]]


def policy(scripts: str, framed_by: str) -> str:
    """The content security policy: nothing from elsewhere, nothing sent elsewhere."""
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            f"frame-ancestors 'self' {framed_by}".strip(),
        )
    )


class SecurityHeaders:
    """Adds the content security policy and its companions to every response."""

    def __init__(self, app: ASGIApp, framed_by: str = "") -> None:
        self._app = app
        self._own = policy(OWN_SCRIPTS, framed_by)
        self._gradio = policy(GRADIO_SCRIPTS, framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; put the headers on its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = _path_of(scope).startswith(OWN_PATHS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = self._own if own else self._gradio
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                headers["cross-origin-opener-policy"] = "same-origin"
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class ShowTheDoor:
    """Sends people without a session to the sign-in page, where scripts would get a bare 401.

    It protects nothing by itself: Gradio's routes ask `auth_dependency`, the API asks the token.
    """

    def __init__(self, app: ASGIApp, door: Door, root_path: str, unavailable: Unavailable) -> None:
        self._app = app
        self._door = door
        self._root = root_path
        self._unavailable = unavailable

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or redirect its sender (303)."""
        answer = await self._answer(scope) if _is_page(scope) else None
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> ASGIApp | None:
        request = HTTPConnection(scope)
        try:
            standing = (await self._door.look(request)).standing
        except ApiError as error:
            return await self._unavailable(request, error)
        if standing == "in":
            return None
        if standing == "password_due":
            return RedirectResponse(f"{self._root}/password", 303)
        wanted = _path_of(scope) + (f"?{request.url.query}" if request.url.query else "")
        asked = "" if wanted == "/" else f"?next={quote(wanted, safe='')}"
        return RedirectResponse(f"{self._root}/login{asked}", 303)


class NoFiles:
    """Keeps files out of Gradio's hands: none is taken, copied, fetched or served.

    Gradio would read whatever file or address an input names in the shape of its file data. So
    such a body is refused (422), never rewritten: everything else must reach the API as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the body that was looked at, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif FILE_ROUTES.search(scope["path"]):
            await _refusal(404, "This Space has no files.")(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
        else:
            await self._look(scope, receive, send)

    async def _look(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            refusal = _refusal(413, f"A request may have {LARGEST_BODY:,} bytes.")
            await refusal(scope, receive, send)
        elif _names_a_file(body):
            await _refusal(422, "Values in the shape of a file are not taken.")(
                scope, receive, send
            )
        else:
            await self._app(scope, _replay(body, receive), send)


def _refusal(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None where it is larger than allowed."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What the application receives: the body once, then whatever comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay


def _names_a_file(body: bytes) -> bool:
    """Whether Gradio could take any part of the body for a file, at whatever depth."""
    try:
        waiting = [json.loads(body)]
    except ValueError:
        return False  # Gradio reads it the same way, and refuses it
    except RecursionError:
        return True
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if _is_file(value):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def _is_file(value: dict[str, Any]) -> bool:
    """Gradio's file data, and what makes its test for file data fail: a `meta` of another kind."""
    meta = value.get("meta")
    if isinstance(meta, dict) and str(meta.get("_type", "")).startswith("gradio."):
        return True
    return "meta" in value and isinstance(value.get("path"), str)


def _path_of(scope: Scope) -> str:
    """The path inside the Space: without a prefix the proxy passed on."""
    path, root = scope["path"], scope.get("root_path", "")
    return path.removeprefix(root) if root else path


def _is_page(scope: Scope) -> bool:
    """Whether somebody's browser asks for a page that needs a session."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    if _path_of(scope).startswith(OPEN_PATHS):
        return False
    return "text/html" in HTTPConnection(scope).headers.get("accept", "")
