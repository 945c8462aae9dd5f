"""What one transaction will write: executions appended one after the other, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from control_plane.audit import Asking, Execution, enter
from control_plane.canonical import canonical
from control_plane.engine.context import Context
from control_plane.ids import uuid7
from control_plane.models import Decision, Held, Json, Message
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

    def append(self, decision: Decision, asking: Asking, *effects: Mapping[str, Json]) -> Execution:
        """Append one execution, with what else it brings about beside component state."""
        before = self.context
        after = before.after(decision)
        entry = enter(decision, before, after, asking)
        self.context = replace(after, seq=entry.execution.seq, hash=entry.execution.hash)
        self._rows.append(entry.row)
        self._changed |= decision.components
        self._effects += effects
        self._outbox += [_message(message, self.context.seq) for message in decision.messages]
        return entry.execution

    def batch(self, keys: Sequence[dict[str, Json]] = ()) -> Batch:
        """Everything appended so far, as one transaction's writes."""
        start, end = self._start, self.context
        return Batch(
            org=start.org,
            project=start.project,
            at=start.at,
            version=end.version,
            executions=self._rows,
            components=[_row(id, held) for id, held in self._changed.items() if held is not None],
            removed=[id for id, held in self._changed.items() if held is None],
            keys=keys,
            outbox=self._outbox,
            effects=self._effects,
            checkpoint=end.version // CHECKPOINT_EVERY > start.version // CHECKPOINT_EVERY,
        )


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
