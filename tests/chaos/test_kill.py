"""kill -9 of anything and everything under load: nothing acknowledged is lost, nothing doubled."""

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from infra.local.ports import free_port
from tests.stack import Stack, start

WRITERS = 4
PATIENCE_S = 60.0


class Load:
    """Writers that each increment again and again, and repeat a request until it is answered."""

    def __init__(self, api: str, token: str) -> None:
        self._url = f"{api}/v1/projects/demo/executions"
        self._headers = {"Authorization": f"Bearer {token}"}
        self.acknowledged: list[str] = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=[n]) for n in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, name: int) -> None:
        for number in itertools.count():
            if self._ended.is_set():
                return
            self._until_answered(f"writer-{name}-{number}")

    def _until_answered(self, request_id: str) -> None:
        body = {"request_id": request_id, "action": "demo.counter.increment", "inputs": {}}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = httpx.post(self._url, json=body, headers=self._headers, timeout=15)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            if answer.status_code == 200 and answer.json()["status"] == "success":
                self.acknowledged.append(request_id)
                return
            assert answer.status_code in (500, 503), answer.text
            time.sleep(0.1)
        raise TimeoutError(f"{request_id} was not answered within {PATIENCE_S} s")

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more requests have been acknowledged."""
        goal, deadline = len(self.acknowledged) + count, time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, "the stack didn't come back"
            time.sleep(0.02)

    def end(self) -> None:
        """Let every writer finish the request it is at."""
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def victims(stack: Stack, word: str) -> list[psutil.Process]:
    """Processes of the stack whose command line has a word in it."""
    below = psutil.Process(stack.process.pid).children(recursive=True)
    found = []
    for process in below:
        try:
            if word in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def kill_one(word: str) -> Callable[[Stack], None]:
    """Kill one process of the stack at random, of those whose command line has this word."""

    def kill(stack: Stack) -> None:
        os.kill(random.choice(victims(stack, word)).pid, signal.SIGKILL)

    return kill


def whole_log(stack: Stack) -> list[dict[str, Any]]:
    """Every execution, newest first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = stack.call("GET", f"/projects/demo/executions?limit=200{cursor}").json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.timeout(240)
def test_killing_everything_at_random_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Workers, gateway and database die under load, then all at once; the books still balance."""
    api_port, space_port = free_port(), free_port()
    stack = start(f"--data={tmp_path}", api_port=api_port, space_port=space_port)
    try:
        load = Load(stack.api, stack.sign_in())
        for kill in (
            kill_one("infra.local.worker"),
            kill_one("bin/postgres"),
            kill_one("infra.local.gateway"),
            kill_one("infra.local.worker"),
        ):
            load.wait_for_more(60)
            kill(stack)
        load.wait_for_more(60)
        stack.kill_everything()
        stack = start(f"--data={tmp_path}", api_port=api_port, space_port=space_port)
        load.wait_for_more(60)
        load.end()
        stack.sign_in()
        log = whole_log(stack)
        state = stack.call("GET", "/projects/demo/state").json()
    finally:
        if stack.process.poll() is None:
            assert stack.stop() == 0
    successes = [item for item in log if item["action"] == "demo.counter.increment"]
    ids = Counter(item["request_id"] for item in successes)
    assert set(ids.values()) == {1}
    assert set(load.acknowledged) == set(ids)
    assert state["components"]["demo.counter"] == {"value": len(load.acknowledged)}
    assert [item["seq"] for item in log] == list(range(len(log), 0, -1))
    assert all(new["prev_hash"] == old["hash"] for new, old in itertools.pairwise(log))
