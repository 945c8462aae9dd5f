"""What is known of the request that this thread works on; without one, nothing is collected.

Whoever learns something says so in one line. What is said is logged: ids, codes and numbers only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any

from control_plane.observing.traces import Trace

type Row = Mapping[str, Any]


@dataclass(slots=True)
class Observation:
    """A request's facts, what was measured (summed up), and the executions that it committed."""

    trace: Trace = field(default_factory=Trace)
    facts: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    executions: list[Row] = field(default_factory=list)


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


@contextmanager
def observing(trace: Trace) -> Iterator[Observation]:
    """Collect, in this thread, until the block is left."""
    observation = Observation(trace)
    token = _current.set(observation)
    try:
        yield observation
    finally:
        _current.reset(token)


def say(**facts: Any) -> None:
    """What the request is about; None says nothing."""
    if observation := _current.get():
        observation.facts |= {name: fact for name, fact in facts.items() if fact is not None}


def add(**amounts: float) -> None:
    """Amounts that are summed up over the request."""
    if observation := _current.get():
        for name, amount in amounts.items():
            observation.measured[name] = observation.measured.get(name, 0) + amount


def measure(**amounts: float) -> None:
    """Amounts of which only the last one counts."""
    if observation := _current.get():
        observation.measured |= amounts


def committed(executions: Sequence[Row]) -> None:
    """Rows of `executions` that have just been committed."""
    if observation := _current.get():
        observation.executions += executions


def trace_headers() -> dict[str, str]:
    """Headers that pass the request's trace on."""
    observation = _current.get()
    return {"traceparent": observation.trace.traceparent} if observation else {}


class timing:
    """Adds the milliseconds that a block takes, also where it raises."""

    __slots__ = ("_name", "_started")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        add(**{self._name: (perf_counter() - self._started) * 1000})
