"""A real HTTP server for an ASGI application, in a thread of the tests."""

import socket
import threading
import time
from typing import Any

import uvicorn
from chat_space.main import KEEP_ALIVE


class Server:
    """An ASGI application on a free port of 127.0.0.1, served from a thread until `stop`."""

    def __init__(self, app: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        config = uvicorn.Config(
            app,
            "127.0.0.1",
            self.port,
            log_level="warning",
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> "Server":
        """Start, and return when it answers."""
        self._thread.start()
        end = time.monotonic() + 30
        while not self._server.started:
            if time.monotonic() > end:
                raise TimeoutError("the server did not start")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Stop, and return when it has."""
        self._server.should_exit = True
        self._thread.join(10)
