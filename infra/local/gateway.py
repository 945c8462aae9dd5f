"""API Gateway's HTTP API on this machine: the routes of template.yaml, the real handlers.

    python -m infra.local.gateway --port PORT

It matches routes, builds events, keeps limits and fails as API Gateway does. Handlers run in
processes of their own, one event at a time each, with this process's environment.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvicorn
from starlette.requests import Request

from infra.local.events import HttpRequest, HttpResponse, build_event, read_result
from infra.local.instances import InstanceDied, Instances
from infra.local.routes import Router
from infra.local.template import TEMPLATE, Template, load_template

# Execution environments per function; a handler keeps one database connection in each.
INSTANCES = 8
REQUEST_LIMIT = 10 * 1024 * 1024  # bytes of a request's body: API Gateway's payload quota
PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes of an event or result: Lambda's synchronous quota
INTEGRATION_TIMEOUT = 30.0  # seconds: an HTTP API waits no longer
KEEP_ALIVE = 75  # seconds that a connection may rest: longer than any client keeps one

type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class Gateway:
    """An ASGI application that serves a template's routes.

    `timeout` is the integration timeout in seconds. One environment of each function is started
    with the application, so that a broken handler is found then.
    """

    def __init__(self, template: Template, timeout: float = INTEGRATION_TIMEOUT) -> None:
        self._router = Router(template.routes)
        self._functions = {
            route.function: Instances(template.functions[route.function], INSTANCES)
            for route in template.routes
        }
        self._timeout = timeout

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await _send(await self._answer(Request(scope, receive)), send)

    async def _answer(self, request: Request) -> HttpResponse:
        body = await _read_body(request)
        if body is None:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        received = _received(request, body)
        found = self._router.find(received.method, received.path)
        if found is None:
            return _message(HTTPStatus.NOT_FOUND, "Not Found")
        route, parameters = found
        event = build_event(received, route.key, parameters)
        answer = await self._invoke(self._functions[route.function], event)
        answer.headers.append(("apigw-requestid", event["requestContext"]["requestId"]))
        return answer

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.gather(*(instances.warm() for instances in self._functions.values()))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for instances in self._functions.values():
            await instances.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _invoke(self, function: Instances, event: dict[str, Any]) -> HttpResponse:
        if _size(event) > PAYLOAD_LIMIT:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        try:
            # A function that reaches its own timeout is a failed function: 500, not 503.
            return read_answer(await asyncio.wait_for(function.invoke(event), self._timeout))
        except InstanceDied as died:
            log.error("%s: %s", function.spec.name, died)
            return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
        except TimeoutError:
            log.error("%s took more than %s s", function.spec.name, self._timeout)
            return _message(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")


def read_answer(answer: dict[str, Any]) -> HttpResponse:
    """What came from a worker as HTTP; a failed or unreadable result is API Gateway's 500."""
    try:
        if "failed" in answer:
            raise ValueError("the handler failed; its error is logged above")
        if _size(answer["result"]) > PAYLOAD_LIMIT:
            raise ValueError("the result is larger than Lambda's 6 MB")
        return read_result(answer["result"])
    except ValueError as error:
        log.error("%s", error)
        return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")


def _size(payload: Any) -> int:
    """Bytes of an event or result as Lambda's runtime client writes it: UTF-8, few escapes."""
    return len(json.dumps(payload, ensure_ascii=False).encode())


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is over API Gateway's limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > REQUEST_LIMIT:
            return None
        parts.append(part)
    return b"".join(parts)


def _received(request: Request, body: bytes) -> HttpRequest:
    scope = request.scope
    return HttpRequest(
        method=request.method,
        target=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]],
        body=body,
        source_ip=request.client.host if request.client else "127.0.0.1",
        protocol=f"HTTP/{scope['http_version']}",
    )


def _message(status: HTTPStatus, message: str) -> HttpResponse:
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return HttpResponse(status, [("content-type", "application/json")], body)


async def _send(answer: HttpResponse, send: Send) -> None:
    kept = [pair for pair in answer.headers if pair[0] != "content-length"]
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in kept]
    if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def main() -> None:
    """Read the command line and serve until SIGTERM; requests under way get 5 s to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--template", type=Path, default=TEMPLATE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    uvicorn.run(
        Gateway(load_template(options.template)),
        host=options.host,
        port=options.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
        lifespan="on",
    )


if __name__ == "__main__":
    main()
