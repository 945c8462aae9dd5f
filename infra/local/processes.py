"""Processes that are started, watched, started again when they die, and stopped together."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.local.errors import LocalError

STOP_TIMEOUT = 8.0  # seconds between SIGTERM and SIGKILL; the gateway gives requests 5
STEADY = 30.0  # seconds up, after which earlier deaths are forgotten
MAX_DEATHS = 5  # deaths in a row after which the stack gives up
FIRST_PAUSE = 0.5  # seconds before the first restart; each further one waits twice as long
LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log is put aside at the next start

type Say = Callable[[str], None]


class Service(Protocol):
    """What the supervisor needs of a process."""

    @property
    def running(self) -> bool:
        """Whether it is alive."""

    @property
    def log(self) -> Path:
        """The file that it writes to."""

    def start(self) -> None:
        """Start it (again)."""

    def terminate(self) -> None:
        """Ask it to end, without waiting."""

    def stop(self) -> None:
        """End it and wait for that."""


class Child:
    """A Python process tied to this one: see `infra.local.child`.

    `target` is a module or a script with its arguments, `env` its whole environment. Start it
    from a thread that lasts as long as it should.
    """

    def __init__(
        self, target: list[str], env: Mapping[str, str], log: Path, cwd: Path | None = None
    ) -> None:
        self.log = log
        self._words = [sys.executable, "-m", "infra.local.child", *target]
        self._env = dict(env)
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the supervisor."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=log, stderr=log,
                env=self._env, cwd=self._cwd, start_new_session=True,
            )  # fmt: skip

    def terminate(self) -> None:
        """Send SIGTERM, if it is alive."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Send SIGTERM, wait, and kill it if it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class _Watched:
    service: Service
    deaths: int = 0
    started: float = 0.0
    restart_at: float | None = None


class Supervisor:
    """Services by name, in the order in which they were started. `say` tells people."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._watched: dict[str, _Watched] = {}

    def start(self, name: str, service: Service) -> None:
        """Start a service and watch it from now on."""
        self._watched[name] = _Watched(service, started=time.monotonic())
        service.start()

    def check(self) -> None:
        """Look after every service once: tell of a death, and start again after a pause.

        Raises LocalError when one dies over and over.
        """
        for name, watched in self._watched.items():
            if watched.restart_at is not None:
                self._restart_when_due(name, watched)
            elif not watched.service.running:
                self._mourn(name, watched)

    def tail(self, name: str, lines: int = 8) -> str:
        """Return the last lines that a service logged."""
        log = self._watched[name].service.log
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])

    def stop(self) -> None:
        """Ask all to end, then wait for each, the last started first."""
        services = [watched.service for watched in reversed(self._watched.values())]
        for service in services:
            service.terminate()
        for service in services:
            service.stop()

    def _mourn(self, name: str, watched: _Watched) -> None:
        steady = time.monotonic() - watched.started > STEADY
        watched.deaths = 1 if steady else watched.deaths + 1
        last_lines = f"Its last lines in {watched.service.log}:\n{self.tail(name)}"
        if watched.deaths > MAX_DEATHS:
            raise LocalError(f"{name} keeps ending; giving up. {last_lines}")
        self._say(f"{name} ended unexpectedly; starting it again. {last_lines}")
        watched.restart_at = time.monotonic() + FIRST_PAUSE * 2 ** (watched.deaths - 1)

    def _restart_when_due(self, name: str, watched: _Watched) -> None:
        if watched.restart_at is not None and time.monotonic() >= watched.restart_at:
            watched.restart_at = None
            watched.started = time.monotonic()
            watched.service.start()
            self._say(f"{name} is started again.")
