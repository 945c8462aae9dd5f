"""What the two trips carry, as models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from control_plane.models import Held, Json, Role


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What an earlier request with the same id was, and was answered."""

    body_hash: str
    status: int
    answer: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project as trip 1 found it under the lock. `exists` is False for one not made yet."""

    at: str
    exists: bool
    role: Role | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    components: Mapping[str, Held] = field(default_factory=dict)
    keys: Mapping[str, KnownKey] = field(default_factory=dict)


def read_loaded(text: str) -> Loaded:
    """Trip 1's JSON text as a model."""
    loaded = orjson.loads(text)
    if "head" not in loaded:
        return Loaded(at=loaded["at"], exists=False)
    return Loaded(
        at=loaded["at"],
        exists=True,
        role=loaded["role"],
        head=loaded["head"],
        components={id: Held(**held) for id, held in sorted((loaded["components"] or {}).items())},
        keys={id: KnownKey(**known) for id, known in (loaded["keys"] or {}).items()},
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that one transaction writes; rows as `record_executions` takes them."""

    org: str
    project: str
    at: str
    first_seq: int
    seq: int
    version: int
    hash: str
    executions: Sequence[Mapping[str, Json]]
    components: Sequence[Mapping[str, Json]] = ()
    removed: Sequence[str] = ()
    keys: Sequence[Mapping[str, Json]] = ()
    outbox: Sequence[Mapping[str, Json]] = ()
    effects: Sequence[Mapping[str, Json]] = ()
    checkpoint: bool = False

    def text(self) -> str:
        """The batch as trip 2's only parameter."""
        return orjson.dumps(self).decode()
