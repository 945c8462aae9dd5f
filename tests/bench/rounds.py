"""The run: for each crowd, all its cases' rounds one after the other, again and again."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from tests.bench.cases import KINDS, Crowd, Ground, name_of
from tests.bench.clients import Clients
from tests.bench.databases import Cluster
from tests.bench.figures import Figures, Round
from tests.bench.pgbench import Limit

BAR = 30


class Party(Protocol):
    """Clients that measure a round whenever they are asked to."""

    def measure(self, seconds: float) -> Round:
        """Go on for so long."""
        ...

    def close(self) -> None:
        """End them."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: so many paired rounds of so many seconds each."""

    crowds: Sequence[Crowd]
    grounds: Sequence[Ground]
    rounds: int
    seconds: float
    warm_up: float = 0.5

    @property
    def steps(self) -> int:
        """Everything that the progress bar counts: preparations, warm-ups and rounds."""
        places = len(self.crowds) * len(self.grounds)
        return places + places * len(KINDS) * (1 + self.rounds)


class Progress:
    """A bar on standard error."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = 0

    def step(self, doing: str) -> None:
        """One more step begins."""
        full = BAR * self._done // self._steps
        bar = "#" * full + "-" * (BAR - full)
        print(f"\r[{bar}] {self._done}/{self._steps} {doing:<50}", end="", file=sys.stderr)
        sys.stderr.flush()
        self._done += 1

    def end(self) -> None:
        """Leave the bar's line."""
        print(f"\r[{'#' * BAR}] {self._steps}/{self._steps} {'done':<50}", file=sys.stderr)


def run(cluster: Cluster, plan: Plan) -> list[Figures]:
    """Measure every case of the plan."""
    progress = Progress(plan.steps)
    figures = [one for crowd in plan.crowds for one in _crowd(cluster, crowd, plan, progress.step)]
    progress.end()
    return figures


def _crowd(
    cluster: Cluster, crowd: Crowd, plan: Plan, step: Callable[[str], None]
) -> Iterator[Figures]:
    """A crowd's cases. Their rounds are interleaved: what slows the machine slows all of them."""
    with ExitStack() as stack:
        parties: dict[tuple[str, Ground], Party] = {}
        for ground in plan.grounds:
            step(f"preparing {crowd.name}/{ground.name}")
            parties |= _parties(cluster, crowd, ground, stack)
        cluster.make_room(crowd)
        cluster.settle()
        rounds = defaultdict(list)
        for number, (ground, kind) in product(range(plan.rounds + 1), product(plan.grounds, KINDS)):
            step(name_of(kind, crowd, ground))
            party = parties[kind, ground]
            measured = party.measure(plan.seconds if number else plan.warm_up)
            if number:
                rounds[kind, ground].append(measured)
    for ground, kind in product(plan.grounds, KINDS):
        limits = rounds["limit", ground]
        yield Figures.of(name_of(kind, crowd, ground), rounds[kind, ground], limits)


def _parties(
    cluster: Cluster, crowd: Crowd, ground: Ground, stack: ExitStack
) -> dict[tuple[str, Ground], Party]:
    """Each kind's clients on a copy of one database; all gone when the stack is left."""
    prepared = cluster.prepare(crowd, ground)
    stack.callback(cluster.drop, prepared)
    copies = [cluster.copy(prepared) for _ in KINDS]
    for copy in copies:
        stack.callback(cluster.drop, copy)
    limit, engine, handler = copies
    parties: dict[tuple[str, Ground], Party] = {
        ("limit", ground): Limit(limit, crowd),
        ("engine", ground): Clients("engine", engine, crowd),
        ("handler", ground): Clients("handler", handler, crowd),
    }
    for party in parties.values():
        stack.enter_context(closing(party))
    return parties
