"""What the two trips carry, as models."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import orjson
from msgspec import Struct, field

from control_plane.models import Held, Json, Role


class KnownKey(Struct, frozen=True):
    """What an earlier request with the same id was, and was answered."""

    body_hash: str
    status: int
    answer: str


class Loaded(Struct, frozen=True):
    """A project as trip 1 found it under the lock. One not made yet has no head."""

    at: str
    person: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=dict)
    components: Mapping[str, Held] = field(default_factory=dict)
    keys: Mapping[str, KnownKey] = field(default_factory=dict)
    policy: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    approval: Mapping[str, Any] | None = None
    subject: Mapping[str, Any] | None = None

    @property
    def role(self) -> Role | None:
        """What the asking person is in the project; None for nobody."""
        role: Role | None = self.person.get("role")
        return role


def read_loaded(text: str) -> Loaded:
    """Trip 1's JSON text as a model."""
    loaded = orjson.loads(text)
    if "head" not in loaded:
        return Loaded(at=loaded["at"])
    return Loaded(
        at=loaded["at"],
        person=loaded["person"] or {},
        head=loaded["head"],
        components={id: Held(*held) for id, held in sorted((loaded["components"] or {}).items())},
        keys={id: KnownKey(**known) for id, known in (loaded["keys"] or {}).items()},
        policy=loaded["policy"],
        usage=loaded["usage"] or {},
        approval=loaded["approval"],
        subject=loaded["subject"],
    )


type Row = Mapping[str, Json]

_EXECUTION = (
    "seq", "version", "id", "request_id", "principal_id", "owner_id", "action", "status", "hash",
    "salt", "payload", "record",
)  # fmt: skip
_COMPONENT = ("id", "schema_version", "version", "hash", "state")
_KEY = ("request_id", "principal_id", "body_hash", "status", "answer")
_MESSAGE = ("id", "seq", "topic", "body")
_NOTHING: Row = {}
_NO_USAGE = (None, None, None)
_CARRIED_OUT_BY = {"project.erase": "erase", "project.purge": "purge"}


class Batch(Struct, frozen=True):
    """Everything that one transaction writes.

    `usage` has counter, its window's end, and amount; `checkpoint` the version and the seq of the
    execution after which the whole state is to be kept.
    """

    org: str
    project: str
    at: str
    executions: Sequence[Row]
    components: Sequence[Row] = ()
    removed: Sequence[str] = ()
    keys: Sequence[Row] = ()
    outbox: Sequence[Row] = ()
    effects: Sequence[Row] = ()
    usage: Sequence[tuple[str, str, int]] = ()
    checkpoint: tuple[int, int] | None = None

    def _usage(self) -> tuple[list[str] | None, ...]:
        """Counters, ends and amounts, as the first call has them."""
        if not self.usage:
            return _NO_USAGE
        counters, ends, amounts = zip(*self.usage, strict=True)
        return list(counters), list(ends), list(map(str, amounts))

    def calls(self) -> Iterator[tuple[str, list[Json]]]:
        """The database functions to call, in order, each with its arguments."""
        where = [self.org, self.project, self.at]
        for effect in self.effects:
            function = _CARRIED_OUT_BY.get(effect["kind"], "carry_out")
            yield function, [*where, orjson.dumps(effect).decode()]
        usage = self._usage()
        for rows in zip_longest(self.executions, self.components, self.keys, fillvalue=_NOTHING):
            execution, component, key = rows
            yield (
                "record",
                [
                    *where,
                    *map(execution.get, _EXECUTION),
                    *map(component.get, _COMPONENT),
                    *map(key.get, _KEY),
                    *usage,
                ],
            )
            usage = _NO_USAGE
        for id in self.removed:
            yield "remove_component", [self.project, id]
        for message in self.outbox:
            yield "send_later", [*where, *map(message.get, _MESSAGE)]
        if self.checkpoint:
            yield "keep_checkpoint", [*where, *self.checkpoint]
