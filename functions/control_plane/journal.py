"""What one transaction will write: executions appended one after the other, and what follows."""

from collections.abc import Mapping, Sequence
from copy import replace
from typing import Any

from control_plane.audit import Asking, Execution, enter
from control_plane.canonical import canonical
from control_plane.engine.context import Context, counted
from control_plane.engine.counters import BUDGET, PERSONAL, stored_counter, window_end
from control_plane.ids import uuid7
from control_plane.models import Approval, Decision, Held, Json, Message
from control_plane.observing.current import measure
from control_plane.registry.builtin import PURGE
from control_plane.store import Batch

CHECKPOINT_EVERY = 64
"""Versions between two checkpoints: the most diffs that reading an old version folds."""


class Journal:
    """Appends executions to a project's chain, in memory, until `batch` is committed."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._start = context
        self._rows: list[Mapping[str, Json]] = []
        self._changed: dict[str, Held | None] = {}
        self._effects: list[Mapping[str, Json]] = []
        self._outbox: list[Mapping[str, Json]] = []
        self._usage: Mapping[str, int] = {}

    def append(self, decision: Decision, asking: Asking, *effects: Mapping[str, Json]) -> Execution:
        """Append one execution, with what else it brings about beside component state."""
        before = self.context
        left = before.left_by(decision) if decision.changes else before.components
        entry = enter(decision, before, left, asking)
        done = entry.execution
        self.context = replace(
            before,
            seq=done.seq,
            version=before.version if done.version is None else done.version,
            hash=done.hash,
            components=left,
            usage=counted(before.usage, entry.usage),
        )
        self._rows.append(entry.row)
        self._usage = counted(self._usage, _counters(entry.usage, asking.principal.owner))
        self._effects += effects
        if decision.changes:
            self._changed |= decision.components
            self._effects += [{"seq": done.seq, **effect} for effect in decision.effects]
            self._outbox += [_message(message, self.context.seq) for message in decision.messages]
        return done

    def act_as(self, approval: Approval) -> None:
        """What follows is asked by this request's requester, with the rates of when they asked."""
        others = {n: used for n, used in self.context.usage.items() if n not in PERSONAL}
        self.context = replace(
            self.context,
            principal=approval.requester,
            person=approval.person,
            usage={**others, **approval.rates},
        )

    def also(self, *effects: Mapping[str, Json]) -> None:
        """What the transaction brings about beside what its executions say."""
        self._effects += effects

    def batch(self, keys: Sequence[dict[str, Json]] = ()) -> Batch:
        """Everything appended so far, as one transaction's writes."""
        start, end = self._start, self.context
        _measure_budget(end)
        batch = Batch(
            org=start.org,
            project=start.project,
            at=start.at,
            executions=self._rows,
            components=[_row(id, held) for id, held in self._changed.items() if held is not None],
            removed=[id for id, held in self._changed.items() if held is None],
            keys=keys,
            outbox=self._outbox,
            effects=self._effects,
            usage=[
                (name, window_end(name, start.at), amount) for name, amount in self._usage.items()
            ],
            checkpoint=self._checkpoint(),
        )
        return _purging(batch)

    def _checkpoint(self) -> tuple[int, int] | None:
        """Version and seq of the last execution that changed the state, where one is due."""
        start, end = self._start.version, self.context.version
        if start // CHECKPOINT_EVERY == end // CHECKPOINT_EVERY:
            return None
        return next((end, row["seq"]) for row in self._rows if row["version"] == end)


def _purging(batch: Batch) -> Batch:
    """The batch; where it purges the project, without what would outlive that or have no row left.

    What a batch brings about is carried out before its rows are written.
    """
    purge = [effect for effect in batch.effects if effect["kind"] == PURGE]
    if not purge:
        return batch
    return replace(
        batch, effects=purge, components=(), removed=(), outbox=(), usage=(), checkpoint=None
    )


def _counters(usage: Mapping[str, int], owner: str) -> Mapping[str, int]:
    """The counters as they are stored: a person's own carry the person's id."""
    return {stored_counter(name, owner): amount for name, amount in usage.items()}


def _measure_budget(context: Context) -> None:
    """How much of the day's budget is used, for operators; nothing where it has no limit."""
    limit = context.policy.limits.budget
    if limit:
        measure(budget_used_percent=100 * context.usage.get(BUDGET, 0) / limit)


def _message(message: Message, seq: int) -> dict[str, Json]:
    return {
        "id": uuid7(),
        "seq": seq,
        "topic": message.topic,
        "body": canonical(message.body),
    }


def _row(id: str, held: Held) -> dict[str, Any]:
    return {
        "id": id,
        "schema_version": held.schema_version,
        "version": held.version,
        "hash": held.hash,
        "state": held.text,
    }
