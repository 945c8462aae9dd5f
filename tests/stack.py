"""The whole stack as a user starts it: `chat-agent up`, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.local.ports import free_port

ROOT = Path(__file__).parents[1]


@dataclass
class Stack:
    """A running stack; `ready` is the line that it printed."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]
    token: str = ""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    @property
    def api(self) -> str:
        """The API's address, without /v1."""
        return str(self.ready["api"])

    @property
    def space(self) -> str:
        """The Space's address."""
        return str(self.ready["space"])

    @property
    def login(self) -> tuple[str, str]:
        """The admin's name and password."""
        return self.ready["username"], self.ready["password"]

    def sign_in(self) -> str:
        """The token of a new session of the admin."""
        username, password = self.login
        body = {"username": username, "password": password}
        answer = self._client.post(f"{self.api}/v1/auth/login", json=body)
        self.token = str(answer.raise_for_status().json()["token"])
        return self.token

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call the API as the admin."""
        headers = {"Authorization": f"Bearer {self.token or self.sign_in()}"}
        return self._client.request(method, f"{self.api}/v1{path}", json=body, headers=headers)

    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to reach this stack."""
        return {**os.environ, **self.ready["env"]}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; answers the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)

    def kill_everything(self) -> None:
        """`kill -9` of every process of the stack, children first looked up, all at once."""
        import psutil

        everybody = [self.process.pid, *_descendants(self.process.pid)]
        for pid in everybody:
            with suppress(ProcessLookupError):  # a worker that ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([p for p in map(_process, everybody) if p], timeout=20)
        self.process.wait(20)


def _descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _process(pid: int) -> Any:
    import psutil

    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def start(*options: str, api_port: int = 0, space_port: int = 0, **environment: str) -> Stack:
    """Run `chat-agent up` with options, on free ports, and wait for its ready line."""
    ports = [f"--api-port={api_port or free_port()}", f"--space-port={space_port or free_port()}"]
    command = [sys.executable, "-c", "from infra.cli import main; main()", "up", *ports, *options]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"`chat-agent up` ended with {process.wait()} before it was ready")
    return Stack(process, json.loads(line))
