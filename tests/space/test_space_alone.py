"""A copy of `space/` is a whole application: nothing of the rest of the repository is needed."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

SPACE = Path(__file__).parents[2] / "space"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for_page(url: str, process: subprocess.Popen[bytes]) -> httpx.Response:
    """The page at `url`, as soon as it answers within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return httpx.get(url, headers={"accept": "text/html"}, follow_redirects=True)
        except httpx.ConnectError:
            time.sleep(0.2)
    raise AssertionError(f"no page; the process says {process.poll()}")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `space/` with a virtual environment of just its requirements."""
    home = tmp_path_factory.mktemp("alone")
    shutil.copytree(SPACE, home / "space", ignore=shutil.ignore_patterns("__pycache__"))
    uv = shutil.which("uv") or os.environ.get("UV", "uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, home / "venv"], check=True)
    requirements, python = home / "space" / "requirements.txt", home / "venv" / "bin" / "python"
    install = [uv, "pip", "install", "-q", "--python", str(python), "-r", str(requirements)]
    subprocess.run(install, check=True)
    return home


def test_a_copy_of_the_folder_alone_runs(alone):
    """With its own requirements only, `python app.py` shows the sign-in page, ends on SIGTERM."""
    port = free_port()
    env = {
        "PATH": os.environ["PATH"], "HOME": str(alone), "PORT": str(port),
        "CHAT_AGENT_API_URL": "http://127.0.0.1:9", "SPACE_SECRET_KEY": "a long random text",
    }  # fmt: skip
    command = [alone / "venv" / "bin" / "python", "app.py"]
    process = subprocess.Popen(command, cwd=alone / "space", env=env)
    try:
        page = wait_for_page(f"http://127.0.0.1:{port}/", process)
        assert page.url.path == "/login"
        assert "Sign in" in page.text
        process.terminate()
        assert process.wait(15) in (0, -15)
    finally:
        process.kill()


def test_without_a_key_it_ends_with_a_sentence_that_says_what_to_do(alone):
    """No traceback, no key of its own that anybody could know: one line, and how to make a key."""
    env = {"PATH": os.environ["PATH"], "HOME": str(alone), "PORT": str(free_port())}
    command = [alone / "venv" / "bin" / "python", "app.py"]
    ended = subprocess.run(
        command,
        cwd=alone / "space",
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "SPACE_SECRET_KEY is missing" in ended.stderr
    assert "token_urlsafe(32)" in ended.stderr


def test_the_readme_is_a_valid_front_matter():
    """Hugging Face reads sdk, version and entry point from the README's first lines."""
    front = (SPACE / "README.md").read_text().split("---")[1]
    given = dict(re.findall(r"^(\w+): (.+)$", front, re.MULTILINE))
    pinned = re.search(r"^gradio==([\d.]+)", (SPACE / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert (given["sdk"], given["app_file"]) == ("gradio", "app.py")
    assert given["sdk_version"] == pinned[1]
    assert given["python_version"].strip('"') == "3.13"


def test_the_space_imports_nothing_of_the_control_plane():
    """No line of the Space names another package of this repository."""
    foreign = re.compile(r"^\s*(from|import) (control_plane|handlers|infra)\b", re.MULTILINE)
    assert [path for path in SPACE.rglob("*.py") if foreign.search(path.read_text())] == []
