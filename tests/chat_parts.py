"""Real parts for tests of the chat: servers that speak HTTP in place of the model and the API."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from control_plane.registry import load_registries

REGISTRY = {
    "project": {"id": "01", "slug": "demo", "title": "Demo"},
    **load_registries()["demo"].described,
}
STATE = {
    "version": 3,
    "at": "2026-01-01T00:00:00.000000Z",
    "components": {"demo.counter": {"value": 5}, "memory": {"the sky": "blue"}},
}
TOKEN = "Bearer good"


class LlmockServer:
    """llmock, an OpenAI-compatible server, as a process of its own, scripted over HTTP."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}"
        self.base_url = f"{self._root}/v1"

    def script(self, *behaviors: dict[str, Any]) -> None:
        """Forget everything before and do this with the requests to come."""
        httpx.post(f"{self._root}/_llmock/reset").raise_for_status()
        if behaviors:
            sent = {"behaviors": behaviors}
            httpx.post(f"{self._root}/_llmock/scenario", json=sent).raise_for_status()

    def calls(self, *calls: tuple[str, dict[str, Any]], **more: Any) -> None:
        """Answer the next request with these tool calls: `("tool_name", arguments)`."""
        listed = [{"name": name, "arguments": arguments} for name, arguments in calls]
        self.script({"type": "reply", "tool_calls": listed, **more})

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the requests since the last script."""
        answer = httpx.get(f"{self._root}/_llmock/requests").json()
        return [request["body"] for request in answer["requests"]]

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it answers; at most 30 s."""
        for _ in range(300):
            assert process.poll() is None, "llmock ended at its start"
            try:
                httpx.get(f"{self._root}/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("llmock did not start")


@contextmanager
def llmock_process() -> Iterator[LlmockServer]:
    """A running llmock on a free port."""
    program = shutil.which("llmock", path=str(Path(sys.executable).parent))
    assert program is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "serve", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            server = LlmockServer(port)
            server.wait(process)
            yield server
        finally:
            process.kill()  # it would wait for the answers that it delays


class Requests(list[tuple[str, str, dict[str, str], Any]]):
    """What a server was asked: method, path, headers by lower-case name, body."""


type Answer = tuple[int, dict[str, str], bytes]
type Respond = Callable[[str, str, dict[str, str], Any], Answer]


@contextmanager
def http_server(respond: Respond) -> Iterator[tuple[str, Requests]]:
    """A real HTTP server that answers as `respond` says; gives its URL and what it was asked."""
    asked = Requests()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def log_message(self, *_: object) -> None: ...

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = (method, self.path, headers, json.loads(body) if body else None)
            asked.append(request)
            status, more, content = respond(*request)
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def answered(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer of `http_server`."""
    kind = "application/json" if status == 200 else "application/problem+json"
    return status, {"content-type": kind, **headers}, json.dumps(body).encode()


def control_plane(method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
    """The parts of the API that chat asks, for the one token `TOKEN` and project `demo`."""
    if headers.get("authorization") != TOKEN:
        return answered(_problem(401, "unauthenticated"), 401, **{"www-authenticate": "Bearer"})
    match method, path:
        case "GET", "/v1/projects/demo/registry":
            return answered(REGISTRY)
        case "GET", "/v1/projects/demo/state":
            return answered(STATE)
        case "POST", "/v1/projects/demo/previews":
            return answered(_preview(body["steps"]))
    return answered(_problem(404, "not_found"), 404)


def _problem(status: int, code: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": code, "status": status, "detail": code, "code": code}


def _preview(steps: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [{**step, "status": "success", "reasons": [], "explanations": []} for step in steps]
    return {"digest": "d" * 64, "base_version": 3, "status": "success", "steps": shown}
