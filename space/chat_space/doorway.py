"""Where a page of the Space's own can't be shown: the way in, or a sentence that says why not."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from chat_space import render
from chat_space.browsers import NO_STORE, wants_page
from chat_space.client import ApiError


def shut(request: Request, root: str, error: ApiError, back: str) -> Response:
    """The answer instead of the page at `back`; the page's script gets it as JSON."""
    if not wants_page(request):
        told = {"code": error.code, "detail": error.detail}
        return JSONResponse(told, error.status, headers=NO_STORE)
    if error.status == 401:
        return _to(f"{root}/login?next={quote(back, safe='')}")
    if error.code == "password_change_required":
        return _to(f"{root}/password")
    name = "missing.html" if error.status == 404 else "unavailable.html"
    page = render.page(name, root=root, error=error.detail)
    return HTMLResponse(page, error.status, headers=NO_STORE)


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, headers=NO_STORE)
