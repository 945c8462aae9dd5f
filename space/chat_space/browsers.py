"""What a browser's request says: is it one, where did its form come from, what was typed."""

from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import HTTPConnection

from chat_space.client import ApiError

NO_STORE = {"cache-control": "no-store"}


def wants_page(request: HTTPConnection) -> bool:
    """Whether a browser's navigation asks, not a script."""
    return "text/html" in request.headers.get("accept", "")


def refuse_foreign(request: HTTPConnection) -> None:
    """Refuse a form another site's page sent (login CSRF). Raises ApiError 403.

    Browsers say where a form came from in `Origin`; scripts send none.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    hosts = {request.headers.get("host"), request.headers.get("x-forwarded-host")}
    if urlsplit(origin).netloc not in hosts:
        raise ApiError(403, "foreign_origin", "This form was sent by another site.")


def origin_of(request: HTTPConnection) -> str:
    """Scheme and host of the address that the browser used."""
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    return f"{request.url.scheme}://{host}"


def text(form: FormData, name: str) -> str:
    """What was typed into a field, or an empty text."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def inside(path: str | None) -> str:
    """A path of this Space to go to after signing in; `/` for anything that leads elsewhere."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    return path if path.isprintable() else "/"
