"""`chat-agent up`: one command, everything real, and no trace of it when it ends or is killed."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
from control_plane.settings import SettingRefused

from infra.local.errors import LocalError
from infra.local.keys import load_keys
from infra.local.ports import free_port
from infra.local.processes import MAX_DEATHS, Child, Supervisor

START = """
import sys
from pathlib import Path
from infra.local.stack import Options, up
data = Path(sys.argv[3]) if sys.argv[3] else None
sys.exit(up(Options(int(sys.argv[1]), int(sys.argv[2]), ephemeral=data is None, data=data)))
"""
PARTS = {"space", "s3", "gateway", "postgres", "clock"}


class Stack:
    """A stack as a process; `ready` is its ready line."""

    def __init__(self, data: Path | None, temporary: Path) -> None:
        self.api_port, self.space_port = free_port(), free_port()
        words = [str(self.api_port), str(self.space_port), str(data or "")]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(temporary)},
        )

    def wait_until_ready(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.ready: dict[str, Any] = json.loads(line)
        return self.ready

    def token(self) -> str:
        answer = httpx.post(
            f"{self.ready['api']}/v1/auth/login",
            json={"username": self.ready["username"], "password": self.ready["password"]},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}"}
        answer = httpx.request(method, self.ready["api"] + path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal, wait, and return exit status and what was said on standard error."""
        self.process.send_signal(how)
        said = self.process.communicate(timeout=30)[1]
        return self.process.returncode, said


type Starter = Callable[..., Stack]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start stacks that end with the test."""
    started: list[Stack] = []
    (tmp_path / "tmp").mkdir()

    def begin(data: Path | None = None) -> Stack:
        started.append(Stack(data, tmp_path / "tmp"))
        return started[-1]

    yield begin
    for stack in started:
        if stack.process.poll() is None:
            stack.end(signal.SIGKILL)


def wait_until_gone(processes: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(processes, timeout=15)
    assert not left


def increment(stack: Stack, request_id: str) -> Any:
    body = {"request_id": request_id, "action": "demo.counter.increment", "inputs": {"amount": 1}}
    return stack.ask("POST", "/v1/projects/demo/executions", body)


def test_it_serves_survives_kill_9_and_ends_with_0(start: Starter, tmp_path: Path) -> None:
    """Ready within 20 s; kill -9 leaves no process and loses nothing; SIGTERM exits 0."""
    data = tmp_path / "data"
    stack = start(data)
    ready = stack.wait_until_ready()
    assert time.monotonic() - stack.began < 20
    assert ready["ready"] is True
    assert (ready["username"], ready["project"]) == ("admin", "demo")
    assert [each["username"] for each in ready["accounts"]] == ["operator", "approver", "viewer"]
    assert all(each["link"].startswith(f"{ready['space']}/link/") for each in ready["accounts"])
    assert increment(stack, "one")["status"] == "success"
    assert httpx.get(f"{ready['space']}/livez").status_code == 200
    version = put_object(ready["env"])
    assert_private(data)

    children = stack.children()
    assert len(children) >= len(PARTS)
    stack.end(signal.SIGKILL)
    wait_until_gone(children)

    again = start(data)
    second = again.wait_until_ready()
    assert second["password"] == ready["password"]
    state = again.ask("GET", "/v1/projects/demo/state")
    assert state["components"]["demo.counter"] == {"value": 1}
    assert object_at(second["env"], version) == b"kept"
    children = again.children()
    status, said = again.end(signal.SIGTERM)
    assert status == 0
    assert said.splitlines()[-1] == "chat-agent: Stopped."
    wait_until_gone(children)


def s3(env: dict[str, str]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_DEFAULT_REGION"],
    )


def put_object(env: dict[str, str]) -> str:
    """Put one object into the versioned archive; the anchors' bucket has Object Lock."""
    client = s3(env)
    lock = client.get_object_lock_configuration(Bucket=env["CHAT_AGENT_ANCHOR_BUCKET"])
    assert lock["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "GOVERNANCE"
    archive = env["CHAT_AGENT_ARCHIVE_BUCKET"]
    return str(client.put_object(Bucket=archive, Key="k", Body=b"kept")["VersionId"])


def object_at(env: dict[str, str], version: str) -> bytes:
    archive = env["CHAT_AGENT_ARCHIVE_BUCKET"]
    answer = s3(env).get_object(Bucket=archive, Key="k", VersionId=version)
    return bytes(answer["Body"].read())


def assert_private(data: Path) -> None:
    assert {path.stem for path in (data / "logs").iterdir()} == PARTS
    assert stat.S_IMODE((data / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_an_ephemeral_stack_restarts_its_parts_and_keeps_nothing(
    start: Starter, tmp_path: Path
) -> None:
    """A killed gateway and a killed database come back by themselves; Ctrl-C leaves no file."""
    stack = start()
    stack.wait_until_ready()
    increment(stack, "before")
    for words in ("infra.local.gateway", "bin/postgres"):
        kill_part(stack, words)
        deadline = time.monotonic() + 20
        while not ready_again(stack):
            assert time.monotonic() < deadline, f"{words} did not come back"
            time.sleep(0.1)
    assert increment(stack, "after")["version"] == increment(stack, "last")["version"] - 1
    status, said = stack.end(signal.SIGINT)
    assert status == 0
    assert "gateway ended unexpectedly; starting it again." in said
    assert "postgres ended unexpectedly; starting it again." in said
    assert not list((tmp_path / "tmp").iterdir())


def kill_part(stack: Stack, words: str) -> None:
    """Kill the one direct child whose command line has `words`, and wait until it is gone."""
    own = psutil.Process(stack.process.pid).children()
    found = [child for child in own if words in " ".join(child.cmdline())]
    assert len(found) == 1
    found[0].kill()
    time.sleep(0.5)


def ready_again(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.ready['api']}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("option", ["--api-port", "--space-port"])
def test_a_taken_port_ends_it_with_a_clear_sentence(start: Starter, option: str) -> None:
    """Whose port it is and which option chooses another is said, and the status is 1."""
    stack = start()
    with socket.socket() as taken:
        port = stack.api_port if option == "--api-port" else stack.space_port
        taken.bind(("127.0.0.1", port))
        taken.listen()
        said = stack.process.communicate(timeout=20)[1]
    assert stack.process.returncode == 1
    sentence = f"Port {port} is taken by another program. Choose another with {option}."
    assert said == f"chat-agent: {sentence}\n"


def test_a_second_stack_on_the_same_data_is_refused(start: Starter, tmp_path: Path) -> None:
    """Two stacks never share a directory."""
    import fcntl

    data = tmp_path / "data"
    data.mkdir()
    with (data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stack = start(data)
        assert "Another stack is running" in stack.process.communicate(timeout=20)[1]
    assert stack.process.returncode == 1


def test_a_part_that_keeps_dying_ends_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few deaths in a row the supervisor gives up, with the part's last words."""
    monkeypatch.setattr("infra.local.processes.FIRST_PAUSE", 0.0)
    script = tmp_path / "dying.py"
    script.write_text("raise SystemExit('I have no key')")
    said: list[str] = []
    supervisor = Supervisor(said.append)
    supervisor.start("part", Child([str(script)], os.environ, tmp_path / "part.log"))

    def watch() -> None:
        while True:
            supervisor.check()
            time.sleep(0.01)

    with pytest.raises(LocalError, match=r"part keeps ending; giving up.*(\n.*)*I have no key"):
        watch()
    assert len([line for line in said if "starting it again" in line]) == MAX_DEATHS


def test_a_part_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping never waits for ever."""
    monkeypatch.setattr("infra.local.processes.STOP_TIMEOUT", 0.3)
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    child = Child([str(script)], os.environ, tmp_path / "log")
    child.start()
    while not child.log.read_text():
        time.sleep(0.02)
    child.stop()
    assert not child.running


def test_the_admin_password_can_be_chosen(tmp_path: Path) -> None:
    """CHAT_AGENT_ADMIN_PASSWORD, or the file it names, counts at each start; else it is kept."""
    (tmp_path / "password").write_text("read from a file\n")
    by_file = {"CHAT_AGENT_ADMIN_PASSWORD_FILE": str(tmp_path / "password")}
    assert load_keys(tmp_path / "a", by_file).admin_password == "read from a file"
    given = load_keys(tmp_path / "b", {"CHAT_AGENT_ADMIN_PASSWORD": "given by somebody"})
    assert given.admin_password == "given by somebody"
    assert load_keys(tmp_path / "b", {}) == given
    assert load_keys(tmp_path / "b", by_file).admin_password == "read from a file"
    assert load_keys(tmp_path / "b", {}).admin_password == "read from a file"
    assert len(load_keys(tmp_path / "c", {}).admin_password) >= 16


def test_an_admin_password_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """It is as long as anybody's has to be; a file that isn't there is named."""
    with pytest.raises(LocalError, match="at least 12 characters"):
        load_keys(tmp_path / "a", {"CHAT_AGENT_ADMIN_PASSWORD": "short"})
    missing = {"CHAT_AGENT_ADMIN_PASSWORD_FILE": str(tmp_path / "none")}
    with pytest.raises(SettingRefused, match=r"CHAT_AGENT_ADMIN_PASSWORD_FILE is .*/none"):
        load_keys(tmp_path / "a", missing)
    assert not (tmp_path / "a").exists()
