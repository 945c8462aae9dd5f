"""The template's routes and the real handlers, called in this process as API Gateway calls them."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from importlib import import_module
from typing import Any

import httpx

from infra.local.events import HttpRequest, HttpResponse, build_event
from infra.local.gateway import read_answer
from infra.local.routes import Router
from infra.local.template import load_template
from tests.handlers.events import Context


class InProcess(httpx.BaseTransport):
    """A gateway without a network: for httpx a transport, for WSGI clients an application."""

    def __init__(self) -> None:
        template = load_template()
        self._router = Router(template.routes)
        self._handlers = {
            route.function: _handler(template.functions[route.function].handler)
            for route in template.routes
        }

    def answer(self, request: HttpRequest) -> HttpResponse:
        """What the route's handler answers; the gateway's own 404 where there is no route."""
        found = self._router.find(request.method, request.path)
        if found is None:
            return HttpResponse(404, [("content-type", "application/json")], b"{}")
        route, parameters = found
        event = build_event(request, route.key, parameters)
        return read_answer({"result": self._handlers[route.function](event, Context())})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one of httpx's requests."""
        target, _, query = request.url.raw_path.decode().partition("?")
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers.raw]
        received = HttpRequest(request.method, target, query, headers, request.read(), "192.0.2.1")
        answer = self.answer(received)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a WSGI server's request."""
        answer = self.answer(_received(environ))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]


def _handler(named: str) -> Callable[[Any, Any], Any]:
    module, _, function = named.rpartition(".")
    found: Callable[[Any, Any], Any] = getattr(import_module(module), function)
    return found


def _received(environ: dict[str, Any]) -> HttpRequest:
    target, query = environ["RAW_URI"].partition("?")[0], environ["QUERY_STRING"]
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    ]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return HttpRequest(environ["REQUEST_METHOD"], target, query, headers, body, "192.0.2.1")
