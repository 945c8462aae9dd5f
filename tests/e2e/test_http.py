"""The stack over HTTP: the main job, strict order, examples, commands."""

import http.client
import itertools
import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack import ROOT, Stack

ADD = {"action": "demo.counter.increment", "inputs": {"amount": 1}}


def counter(stack: Stack) -> int:
    """The counter's value now."""
    state = stack.call("GET", "/projects/demo/state").json()
    return int(state["components"]["demo.counter"]["value"])


def test_the_ready_line_says_how_to_reach_everything(stack: Stack) -> None:
    """Addresses, the admin, the project, and an environment for commands and S3 clients."""
    ready = stack.ready
    assert ready["ready"] is True
    assert ready["project"] == "demo"
    assert not ready["api"].endswith("/v1")
    assert {
        "CHAT_AGENT_DATABASE_URL",
        "CHAT_AGENT_ARCHIVER_DATABASE_URL",
        "CHAT_AGENT_OWNER_DATABASE_URL",
        "CHAT_AGENT_ARCHIVE_BUCKET",
        "CHAT_AGENT_ANCHOR_BUCKET",
        "CHAT_AGENT_API_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    } <= set(ready["env"])


def test_the_demo_begins_at_zero_without_limits(stack: Stack) -> None:
    """Project `demo` has a counter at 0 and an empty memory."""
    state = stack.call("GET", "/projects/demo/state?version=2").json()
    assert state["components"] == {"demo.counter": {"value": 0}, "memory": {}}


def test_the_chat_proposes_and_never_acts(stack: Stack) -> None:
    """A sentence becomes a proposal with its preview; only its digest, confirmed, changes state."""
    before = counter(stack)
    body = {"message": "set the counter to 5, then add 3", "mode": "assisted"}
    answer = stack.call("POST", "/projects/demo/chat", body).json()
    assert answer["kind"] == "proposal"
    assert "key" in answer["interpreter"]["note"]
    assert counter(stack) == before
    plan = {
        "request_id": "from-chat",
        "steps": answer["steps"],
        "confirm": answer["preview"]["digest"],
    }
    assert stack.call("POST", "/projects/demo/plans", plan).json()["status"] == "success"
    assert counter(stack) == 8


def status_of(connection: socket.socket) -> int:
    """What `/livez` is answered on this very connection."""
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n")
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def test_a_connection_may_rest_for_as_long_as_clients_keep_one(stack: Stack) -> None:
    """Who closes first loses what is being sent just then; clients keep theirs for five seconds."""
    addresses = [urlsplit(address) for address in (stack.api, stack.space)]
    resting = [socket.create_connection((str(at.hostname), at.port)) for at in addresses]
    assert list(map(status_of, resting)) == [200, 200]
    time.sleep(6)
    assert list(map(status_of, resting)) == [200, 200]
    for connection in resting:
        connection.close()


def increments(api: str, token: str, count: int) -> None:
    """One process's share of the work."""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for _ in range(count):
            answer = client.post(f"{api}/v1/projects/demo/executions", json=ADD)
            assert answer.json()["status"] == "success", answer.text


def test_eight_processes_make_a_thousand_increments(stack: Stack) -> None:
    """Strict order: the counter is 1,000 higher, versions and seq have no gap."""
    before = stack.call("GET", "/projects/demo").json()
    value = counter(stack)
    token = stack.sign_in()
    with ProcessPoolExecutor(8) as pool:
        for done in [pool.submit(increments, stack.api, token, 125) for _ in range(8)]:
            done.result()
    after = stack.call("GET", "/projects/demo").json()
    assert counter(stack) == value + 1000
    assert after["seq"] == before["seq"] + 1000
    assert after["version"] == before["version"] + 1000
    items: list[dict[str, Any]] = []
    cursor = ""
    while len(items) < 1000:
        page = stack.call("GET", f"/projects/demo/executions?limit=200{cursor}").json()
        items += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    seqs = [item["seq"] for item in items[:1000]]
    assert seqs == list(range(after["seq"], after["seq"] - 1000, -1))
    for newer, older in itertools.pairwise(items):
        assert newer["prev_hash"] == older["hash"]
        assert newer["at"] >= older["at"]


@pytest.mark.parametrize("script", ["http_script.py", "gradio_script.py"])
def test_the_examples_run(stack: Stack, script: str) -> None:
    """What the README shows works as it stands."""
    address = stack.api if script.startswith("http") else stack.space
    command = [sys.executable, f"examples/{script}", address, *stack.login]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "plan:" in done.stdout
    assert "'demo.counter.increment', 'success'" in done.stdout
    assert counter(stack) == 8


def test_the_http_example_says_why_it_could_not_go_on(stack: Stack) -> None:
    """The API's own sentence, with its code."""
    refused = [stack.login[0], "another password"]
    command = [sys.executable, "examples/http_script.py", stack.api, *refused]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("unauthenticated: ")


def command(stack: Stack, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run a `chat-agent` command against the stack, as its ready line tells."""
    return subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", *arguments],
        cwd=ROOT,
        env={**stack.environment(), **changed},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_archive_command_moves_everything_and_the_list_reads_on(stack: Stack) -> None:
    """A drill: `archive run --older-than 0d`, then the log and the state are as before."""
    before = stack.call("GET", "/projects/demo/executions?limit=5").json()["items"]
    done = command(stack, "archive", "run", "--older-than", "0d")
    assert done.returncode == 0, done.stderr
    assert "Archived" in done.stdout
    again = command(stack, "archive", "run", "--older-than", "0d")
    assert "Archived 0 executions in 0 objects." in again.stdout
    after = stack.call("GET", "/projects/demo/executions?limit=5").json()["items"]
    assert after == before
    item = json.loads(command(stack, "archive", "list").stdout.splitlines()[0])
    assert item["key"].startswith(f"executions/org={item['org']}/dt=")
    done_now = stack.call("POST", "/projects/demo/executions", ADD).json()
    assert done_now["seq"] == before[0]["seq"] + 1


def test_commands_tell_what_is_missing(stack: Stack) -> None:
    """Without its environment a command says which variable it needs."""
    done = subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", "migrate"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "CHAT_AGENT_OWNER_DATABASE_URL is not set" in done.stderr
    nowhere = {"CHAT_AGENT_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    odd = {"CHAT_AGENT_ARCHIVE_AFTER_DAYS": "soon"}
    for failed, sentence in (
        (command(stack, "organizations", "create", "x", **nowhere), "answer: connection failed"),
        (command(stack, "archive", "run", **odd), "write days"),
    ):
        assert failed.returncode == 1
        assert sentence in failed.stderr
        assert "Traceback" not in failed.stderr
    assert command(stack, "migrate").stdout.startswith("The schema is at version")


def test_organizations_are_made_by_command(stack: Stack) -> None:
    """It prints the first admin, who signs in by the organization's slug and must change it."""
    made = json.loads(command(stack, "organizations", "create", "second").stdout)
    body = {"username": made["username"], "password": made["password"], "organization": "second"}
    answer = httpx.post(f"{stack.api}/v1/auth/login", json=body).json()
    assert answer["must_change_password"] is True
    taken = command(stack, "organizations", "create", "second")
    assert taken.returncode == 1
    assert "already" in taken.stderr


def test_people_and_tokens_are_made_by_command(stack: Stack) -> None:
    """A made token reads and no more, is listed without its text, and ends when it is revoked."""
    assert command(stack, "users", "create", "robin").returncode == 0
    assert command(stack, "users", "create", "ruth", "--admin").returncode == 0
    everybody = map(json.loads, command(stack, "users", "list").stdout.splitlines())
    admins = {person["username"]: person["admin"] for person in everybody}
    assert (admins["robin"], admins["ruth"]) == (False, True)
    assert command(stack, "projects", "create", "passing").returncode == 0
    assert command(stack, "projects", "member", "passing", "robin", "viewer").returncode == 0
    made = command(
        stack, "tokens", "create", "admin", "--name", "reports", "--scope", "read",
        "--project", "passing",
    )  # fmt: skip
    token = json.loads(made.stdout)
    headers = {"Authorization": f"Bearer {token['token']}"}
    address = f"{stack.api}/v1/projects/passing"
    assert httpx.get(f"{address}/state", headers=headers).status_code == 200
    refused = httpx.post(f"{address}/pause", json={}, headers=headers)
    assert refused.json()["code"] == "insufficient_scope"
    listed = command(stack, "tokens", "list").stdout
    assert json.loads(listed.splitlines()[0])["id"] == token["id"]
    assert token["token"] not in listed
    assert command(stack, "tokens", "revoke", token["id"]).returncode == 0
    assert httpx.get(f"{address}/state", headers=headers).status_code == 401
    wrong = command(stack, "projects", "purge", "passing", "--confirm", "demo")
    assert (wrong.returncode, wrong.stderr) == (
        1, "That is not this project's slug. Type it exactly, to show that you mean it.\n",
    )  # fmt: skip
    assert command(stack, "projects", "purge", "passing", "--confirm", "passing").returncode == 0
    assert stack.call("GET", "/projects/passing/state").status_code == 404
    bad = command(stack, "tokens", "create", "admin", "--name", "x", "--scope", "all")
    assert "is no scope" in bad.stderr
    for words, sentence in (
        (("users", "create", "Not A Name"), "can't be signed in with"),
        (("projects", "create", "Not A Slug"), "is no slug"),
        (("tokens", "revoke", "not-an-id"), "Invalid value"),
    ):
        said = command(stack, *words)
        assert (said.returncode != 0, said.stdout) == (True, "")
        assert sentence in said.stderr
        assert "Traceback" not in said.stderr
