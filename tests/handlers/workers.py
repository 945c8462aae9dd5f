"""Functions in processes of their own, as the local stack runs them, and all that they write."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.template import load_template
from infra.local.worker import HEADER, frame, write_spec


class Worker:
    """A function that answers events; whatever its process writes goes to `log`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._receive()

    def __call__(self, event: Any) -> dict[str, Any]:
        """`{"result": what the handler returned}`, or `{"failed": True}` where it raised."""
        assert self._process.stdin is not None
        self._process.stdin.write(frame(event))
        self._process.stdin.flush()
        answer: dict[str, Any] = self._receive()
        return answer

    def status(self, event: Any) -> int:
        """The HTTP status that an event is answered with."""
        return int(self(event)["result"]["statusCode"])

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        header = self._process.stdout.read(HEADER.size)
        assert header, self._log.read_text()
        return json.loads(self._process.stdout.read(HEADER.unpack(header)[0]))

    @property
    def written(self) -> str:
        """Everything on standard output and standard error so far."""
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON among it, metrics left out."""
        read = [json.loads(line) for line in self.written.splitlines() if line.startswith("{")]
        return [line for line in read if "_aws" not in line]


@contextmanager
def working(function: str, log: Path, **variables: str) -> Iterator[Worker]:
    """Start a function of the template by its name there, with these variables."""
    command = (sys.executable, "-m", "infra.local.worker")
    spec = write_spec(load_template().functions[function])
    with log.open("wb") as written:
        process = subprocess.Popen(
            (*command, spec),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            env={**os.environ, **variables},
        )
    with process:
        yield Worker(process, log)
        process.kill()
