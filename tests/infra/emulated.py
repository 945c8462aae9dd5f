"""A built function under AWS's runtime interface emulator, seeing nothing but its bundle."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infra.local.ports import free_port
from tests.infra import sam

_INVOKE = "2015-03-31/functions/function/invocations"
_START_S = 10.0


@dataclass(frozen=True)
class Runtime:
    """A bare Python and, apart from it, AWS's runtime client: what Lambda's image holds."""

    python: Path
    client: Path

    def environment(self, bundle: Path, variables: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a function: nothing of the test's own is inherited."""
        return {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(self.client),
            "LAMBDA_TASK_ROOT": str(bundle),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_XRAY_SDK_ENABLED": "false",
            **variables,
        }


def runtime(directory: Path, programs: Path) -> Runtime:
    """Install the runtime client, at this project's locked version, into a folder of its own."""
    client, python = directory / "runtime", programs / "python"
    wanted = f"awslambdaric=={version('awslambdaric')}"
    install = (sam.uv(), "pip", "install", "--quiet", "--python", str(python))
    sam.run(*install, "--target", str(client), wanted)
    return Runtime(python, client)


@dataclass(frozen=True)
class Function:
    """A function that waits for events."""

    url: str
    log: Path

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returns; an error it raised comes as Lambda's errorMessage."""
        request = urllib.request.Request(self.url, json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)


@contextmanager
def running(
    using: Runtime, bundle: Path, handler: str, variables: Mapping[str, str], log: Path
) -> Iterator[Function]:
    """Start a bundle's handler under the emulator, in the bundle's folder; stop it at the end."""
    front, back = free_port(), free_port()
    command = [
        *(sam.emulator(), "--runtime-interface-emulator-address", f"127.0.0.1:{front}"),
        *("--runtime-api-address", f"127.0.0.1:{back}"),
        *(str(using.python), "-m", "awslambdaric", handler),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=bundle,
            env=using.environment(bundle, variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(front, process, log)
        yield Function(f"http://127.0.0.1:{front}/{_INVOKE}", log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"The emulator did not start:\n{log.read_text()}")
