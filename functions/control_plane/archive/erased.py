"""What an erasure takes from archived executions: payload and salt; record and hash stay."""

from collections.abc import Mapping, Sequence
from typing import Any

from control_plane.canonical import stored
from control_plane.registry.builtin import is_erasable

type Spans = Sequence[Sequence[int]]
"""First and last seq of each erasure of a project."""


def without_payload(row: dict[str, Any], spans: Spans | None) -> dict[str, Any]:
    """An archived row as it is to be read: without payload and salt where that was erased."""
    if spans and any(first <= row["seq"] <= last for first, last in spans):
        record: Mapping[str, Any] = stored(row["record"])
        if is_erasable(record["action"]):
            return {**row, "payload": None, "salt": None}
    return row
