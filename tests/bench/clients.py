"""Clients in processes of their own: the engine's in threads, the handler's one a process."""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

from tests.bench.cases import Crowd
from tests.bench.cores import of_clients
from tests.bench.databases import Prepared
from tests.bench.figures import Round
from tests.bench.worker import Job, Spans, serve

# One import for all processes, and nothing of the parent's connections and threads in them.
_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(["tests.bench.worker"])
HEAD_START_S = 0.05
GRACE_S = 60.0


@dataclass(frozen=True, slots=True)
class _Process:
    process: multiprocessing.process.BaseProcess
    pipe: Connection

    def answer(self, within: float) -> Spans:
        if not self.pipe.poll(within):
            raise RuntimeError("A benchmark process does not answer.")
        try:
            answered: Spans | str = self.pipe.recv()
        except EOFError as error:
            raise RuntimeError("A benchmark process has ended: see its traceback.") from error
        if isinstance(answered, str):
            raise RuntimeError(f"A benchmark process failed:\n{answered}")
        return answered


class Clients:
    """A crowd's clients, ready and waiting; each round they all start at the same moment."""

    def __init__(
        self, kind: Literal["engine", "handler"], prepared: Prepared, crowd: Crowd
    ) -> None:
        # The api function answers one event at a time in a process, as Lambda sends them.
        processes = crowd.processes if kind == "engine" else crowd.clients
        threads, cores = crowd.clients // processes, of_clients(crowd)
        job = Job(kind, prepared.url, prepared.token, prepared.slugs, threads, cores)
        self._processes = [_started(job) for _ in range(processes)]

    def measure(self, seconds: float) -> Round:
        """One round of all clients, from the common start to the last one's end."""
        start = time.monotonic() + HEAD_START_S
        for process in self._processes:
            process.pipe.send((start, seconds))
        spans = [span for each in self._processes for span in each.answer(seconds + GRACE_S)]
        elapsed = max(end for _, end in spans) - start
        return Round.of([(end - began) * 1000 for began, end in spans], elapsed)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.pipe.close()
        for process in self._processes:
            process.process.join(GRACE_S)


def _started(job: Job) -> _Process:
    ours, theirs = _START.Pipe()
    process = _START.Process(target=serve, args=(job, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Process(process, ours)
