"""docs/first-day.md shows what works."""

import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from infra.cli import app
from tests.conftest import ADMIN_PASSWORD
from tests.handlers.conftest import Call
from tests.handlers.gateway import InProcess

PAGE = (Path(__file__).parents[2] / "docs" / "first-day.md").read_text()
BLOCKS = re.findall(r"^```(python|bash)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def blocks(language: str) -> str:
    """All of the page's blocks in one language, as one text."""
    return "\n".join(text for written, text in BLOCKS if written == language)


def unrefused(answer: httpx.Response) -> None:
    """Raise for what is refused, also where the refusal is an execution of its own."""
    answer.read()
    answer.raise_for_status()
    assert '"status":"rejected"' not in answer.text


@pytest.mark.parametrize("password", [ADMIN_PASSWORD, "one that another set"])
def test_its_lines_over_http_run(call: Call, token: str, password: str) -> None:
    """One block after another: by whose password holds, and by whose must be changed first."""
    if password != ADMIN_PASSWORD:
        called = call("POST", "/v1/users/admin/password", {"password": password}, token=token)
        assert called.body["status"] == "success"
    hooks = {"response": [unrefused]}
    api = httpx.Client(transport=InProcess(), base_url="http://gateway/v1", event_hooks=hooks)
    names: dict[str, Any] = {"api": api, "password": password, "chosen": "one of their own"}
    exec(blocks("python"), names)
    mine = {"Authorization": f"Bearer {names['token']}"}
    assert api.get("/projects/desk", headers=mine).json()["title"] == "Release desk"
    [eve] = [u for u in api.get("/users").json()["items"] if u["username"] == "eve"]
    assert eve["attributes"] == {"team": "sre", "city": "Berlin"}
    policies = [api.get(f"{of}/policy").json()["document"] for of in ("", "/projects/desk")]
    assert policies[0] == policies[1] != {}


def test_its_commands_run(call: Call) -> None:
    """One after another, where the database's address is set."""
    assert call("GET", "/readyz").status == 200
    lines = list(filter(None, blocks("bash").splitlines()))
    assert len(lines) == 6
    for line in lines:
        command, *words = shlex.split(line.removeprefix("uv run "), comments=True)
        assert command == "chat-agent"
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
