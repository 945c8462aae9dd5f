"""One client process: asks again and again for a while, and says when each request ran."""

import os
import random
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

from control_plane import execution, templates
from control_plane.archive.reader import Archive
from control_plane.ids import uuid7
from control_plane.store import Store
from handlers import api

from tests.bench.cores import keep
from tests.bench.databases import request, targets
from tests.bench.template import ACTION, TEMPLATES
from tests.handlers.events import Context, event

type Ask = Callable[[], None]
type Spans = list[tuple[float, float]]
"""When each request began and ended, by the machine's monotonic clock."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process does in each round: through what, as whom, in how many threads, where."""

    kind: Literal["engine", "handler"]
    url: str
    token: str
    slugs: tuple[str, ...]
    threads: int
    cores: list[int]


def serve(job: Job, pipe: Connection) -> None:
    """Answer each `(start, seconds)` that comes with a round's spans, until the pipe ends."""
    # Standard output is the report's; what the function logs is written all the same.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    keep(0, job.cores)
    ask = _engine(job) if job.kind == "engine" else _handler(job)
    # The threads outlive a round: each keeps its connection, as a warm Lambda does.
    with ThreadPoolExecutor(job.threads) as clients:
        while True:
            try:
                start, seconds = pipe.recv()
            except EOFError:
                return
            try:
                pipe.send(_round(clients, ask, job.threads, start, seconds))
            except Exception:
                pipe.send(traceback.format_exc())
                raise


def _round(
    clients: ThreadPoolExecutor, ask: Ask, threads: int, start: float, seconds: float
) -> Spans:
    running = [clients.submit(_client, ask, start, start + seconds) for _ in range(threads)]
    return [span for client in running for span in client.result()]


def _client(ask: Ask, start: float, end: float) -> Spans:
    time.sleep(max(0.0, start - time.monotonic()))
    spans, began = [], start
    while began < end:
        ask()
        ended = time.monotonic()
        spans.append((began, ended))
        began = ended
    return spans


def _engine(job: Job) -> Ask:
    """The use case itself, in process."""
    store = Store(job.url)
    projects, archive = targets(store, job.token, job.slugs), Archive(store)

    def ask() -> None:
        answer = execution.execute(store, archive, random.choice(projects), request())
        if answer["status"] != "success":
            raise RuntimeError(f"The engine answered {answer}")

    return ask


def _handler(job: Job) -> Ask:
    """The api function with true HTTP API events (payload format 2.0), in process."""
    os.environ["CHAT_AGENT_DATABASE_URL"] = job.url
    vars(templates)["BUILT_IN"] = (*templates.BUILT_IN, *TEMPLATES)

    def ask() -> None:
        path = f"/v1/projects/{random.choice(job.slugs)}/executions"
        body = {"request_id": uuid7(), "action": ACTION, "inputs": {}}
        answer = api.handler(event("POST", path, body, job.token), Context())
        if answer["statusCode"] != 200 or '"status":"success"' not in answer["body"]:
            raise RuntimeError(f"The handler answered {answer}")

    return ask
