"""What stands before every route: security headers, and the way to the sign-in page."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_space.auth import Door
from chat_space.client import ApiError

# Gradio's HTML components run their templates and listeners through `new Function`.
GRADIO_SCRIPTS = "'self' 'unsafe-inline' 'unsafe-eval'"
OWN_SCRIPTS = "'self'"
OPEN_PATHS = ("/login", "/logout", "/password", "/livez", "/space-static/")

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
        own = _path_of(scope).startswith(OPEN_PATHS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = self._own if own else self._gradio
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
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
