"""Everything real on one machine: `chat-agent up`.

PostgreSQL, the S3 server, the gateway with the Lambda handlers, the clock and the Space, each a
process of its own that ends with this one. One line of JSON goes to standard output when all
answer; what people read goes to standard error.
"""

import fcntl
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from infra.local.environment import child_env, ready_env
from infra.local.errors import LocalError
from infra.local.keys import Keys, load_keys
from infra.local.ports import answers, free_port, require_port, wait_for_port
from infra.local.postgres import Postgres
from infra.local.processes import Child, Supervisor
from infra.local.stopping import StopRequested, ignore_signals, say, stop_on_signals

ROOT = Path(__file__).parents[2]
READY_TIMEOUT = 120.0  # seconds; usual is 5 to 20, a first import on a slow disk takes longer
ADMIN = "admin"

# Brings the database to where the product can run: superuser URL, passwords by role, the
# admin's password, those of the demo's people by name. Repeatable. See `bootstrap.prepare`.
type Prepare = Callable[[str, Mapping[str, str], str, Mapping[str, str]], object]


@dataclass(frozen=True)
class Options:
    """What `chat-agent up` was asked for. `data` is None for `.local/` beside the code."""

    api_port: int = 8000
    space_port: int = 7860
    ephemeral: bool = False
    data: Path | None = None


def up(options: Options, prepare: Prepare | None = None) -> int:
    """Run the stack until it is asked to end. Call it from the main thread.

    `prepare` stands in for `bootstrap.prepare`, for tests. Returns the exit status: 0 when
    stopped by a signal, 1 when something was in the way, which has been said.
    """
    status = 0
    with stop_on_signals() as asked:
        try:
            with _directory(options) as directory:
                _run_and_stop(Stack(options, directory, Supervisor(say), asked), prepare)
        except StopRequested:
            say("Stopped.")
        except LocalError as error:
            say(str(error))
            status = 1
    return status


def _run_and_stop(stack: "Stack", prepare: Prepare | None) -> None:
    try:
        stack.run(prepare)
    finally:
        ignore_signals()  # a second Ctrl-C must not leave half of it behind
        stack.stop()


class Stack:
    """The parts of one stack on one data directory, started by `run`, until `asked` to end."""

    def __init__(
        self, options: Options, directory: Path, supervisor: Supervisor, asked: threading.Event
    ) -> None:
        self._options = options
        self._directory = directory
        self._supervisor = supervisor
        self._asked = asked
        self._began = time.monotonic()
        self._keys: Keys = load_keys(directory / "secrets.json")
        self._postgres = Postgres(
            directory / "postgres",
            free_port(),
            durable=not options.ephemeral,
            log=self._log("postgres"),
        )
        self._s3_port = free_port()

    def run(self, prepare: Prepare | None) -> NoReturn:
        """Start everything, print the ready line, then watch; ends only by an exception."""
        if self._options.api_port == self._options.space_port:
            raise LocalError(
                "API and Space need two ports: give another --api-port or --space-port."
            )
        require_port(self._options.api_port, "--api-port")
        require_port(self._options.space_port, "--space-port")
        env = ready_env(self._keys, self._postgres.port, self._s3_port, self._options.api_port)
        self._start_overlapping(env)
        self._prepare(prepare, env)
        self._supervisor.start("clock", self._child(["infra.local.clock"], env, "clock"))
        self._wait_until_ready()
        self._print_ready(env)
        while True:
            self._check()
            time.sleep(0.25)

    def stop(self) -> None:
        """End all that was started."""
        self._supervisor.stop()

    def _check(self) -> None:
        """Look after the parts; end where it was asked for and that didn't get through."""
        if self._asked.is_set():
            raise StopRequested
        self._supervisor.check()

    def _start_overlapping(self, env: dict[str, str]) -> None:
        """Start what takes long first: the Space imports for seconds and needs nothing yet."""
        say(f"Starting; data is in {self._directory}.")
        self._supervisor.start("space", self._space(env))
        where = ["--dir", str(self._directory / "s3"), "--port", str(self._s3_port)]
        self._supervisor.start("s3", self._child(["infra.local.s3", *where], env, "s3"))
        port = ["--port", str(self._options.api_port)]
        gateway = self._child(["infra.local.gateway", *port], env, "gateway")
        self._supervisor.start("gateway", gateway)
        self._supervisor.start("postgres", self._postgres)
        self._say_when("PostgreSQL is up")

    def _prepare(self, prepare: Prepare | None, env: dict[str, str]) -> None:
        # Imported only now, while the processes are already starting.
        from infra.local import bootstrap
        from infra.local.buckets import create_buckets

        act = prepare or bootstrap.prepare
        keys = self._keys
        act(self._postgres.superuser_url(), keys.roles, keys.admin_password, keys.accounts)
        self._say_when("The database is migrated and seeded")
        if not wait_for_port(self._s3_port, READY_TIMEOUT):
            raise LocalError(f"The S3 server doesn't start:\n{self._supervisor.tail('s3')}")
        create_buckets(env)
        self._say_when("The buckets are there")

    def _wait_until_ready(self) -> None:
        waiting = {
            "gateway": (self._options.api_port, "/readyz"),
            "space": (self._options.space_port, "/livez"),
        }
        while waiting:
            self._check()
            for name in [name for name, (port, path) in waiting.items() if answers(port, path)]:
                del waiting[name]
                self._say_when(f"The {name} answers")
            if time.monotonic() - self._began > READY_TIMEOUT:
                late = next(iter(waiting))
                raise LocalError(f"The {late} isn't ready:\n{self._supervisor.tail(late)}")
            time.sleep(0.05)

    def _print_ready(self, env: dict[str, str]) -> None:
        space = f"http://127.0.0.1:{self._options.space_port}"
        accounts = self._accounts(env, space)
        line = {
            "ready": True,
            "api": env["CHAT_AGENT_API_URL"],
            "space": space,
            "username": ADMIN,
            "password": self._keys.admin_password,
            "project": "demo",
            "accounts": accounts,
            "env": env,
        }
        print(json.dumps(line), flush=True)
        self._say_when("Ready")
        for account in accounts:
            say(f"Or, once, as {account['username']}: {account['link']}")
        say(f"Open {space} and sign in as {ADMIN} with the password above. Ctrl-C ends it.")

    def _accounts(self, env: dict[str, str], space: str) -> list[dict[str, str]]:
        """The demo's people, each with a link that signs in once."""
        from infra.local import bootstrap

        links = bootstrap.links(env["CHAT_AGENT_DATABASE_URL"], self._keys.accounts)
        return [
            {"username": name, "password": password, "link": f"{space}/link/{links[name]}"}
            for name, password in self._keys.accounts.items()
            if name in links
        ]

    def _space(self, env: dict[str, str]) -> Child:
        more = {
            "PORT": str(self._options.space_port),
            "CHAT_AGENT_API_URL": env["CHAT_AGENT_API_URL"],
            "SPACE_SECRET_KEY": self._keys.space_secret_key,
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_ANALYTICS_ENABLED": "False",
            "GRADIO_TEMP_DIR": str(self._directory / "space"),
        }
        script, folder = str(ROOT / "space" / "app.py"), ROOT / "space"
        return Child([script], child_env(more), self._log("space"), folder)

    def _child(self, target: list[str], env: dict[str, str], name: str) -> Child:
        return Child(target, child_env(env), self._log(name))

    def _log(self, name: str) -> Path:
        return self._directory / "logs" / f"{name}.log"

    def _say_when(self, what: str) -> None:
        say(f"{what} ({time.monotonic() - self._began:.1f} s).")


@contextmanager
def _directory(options: Options) -> Iterator[Path]:
    """Yield the data directory, this process's alone; an ephemeral one is removed at the end."""
    if options.ephemeral:
        directory = Path(tempfile.mkdtemp(prefix="chat-agent-"))
        try:
            yield directory
        finally:
            shutil.rmtree(directory)
        return
    directory = (options.data or ROOT / ".local").absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LocalError(f"{directory} is no folder: {error.strerror}. Give --data.") from error
    with (directory / "lock").open("a") as lock:
        _take(lock, directory)
        yield directory


def _take(lock: IO[str], directory: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LocalError(f"Another stack is running on {directory}. Stop it first.") from error
