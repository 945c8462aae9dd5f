"""The values that travel between the rooms of the house: plain, typed, frozen, without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any  # dict[str, Json] | list[Json] | str | int | float | bool | None

Status = Literal["success", "rejected", "failed", "pending_approval"]
Role = Literal["viewer", "operator", "admin"]
Risk = Literal["low", "medium", "high"]

GENESIS_HASH = "0" * 64
"""`prev_hash` of a project's first execution."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as authentication found it; ids are opaque, `owner` is the person behind."""

    kind: Literal["user", "token", "webhook", "schedule", "system"]
    id: str
    owner: str
    via: str
    role: Role | None = None

    def record(self) -> dict[str, Json]:
        """The principal as records name it."""
        named = {"kind": self.kind, "id": self.id, "owner": self.owner, "via": self.via}
        return {**named, "role": self.role} if self.role else named


SYSTEM = Principal(kind="system", id="system", owner="system", via="system", role="admin")
"""Asks for what the declarations themselves bring about, such as migrations."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One asked-for action with inputs, as it came: neither has been checked."""

    action: str
    inputs: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Held:
    """A component as stored: `text` is its canonical state, None where it was not loaded."""

    hash: str
    schema_version: int
    version: int
    size: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is not a success: a stable code with ids and integers, no sentence."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def record(self) -> dict[str, Json]:
        """The reason as records hold it."""
        return {"code": self.code, **self.facts}


@dataclass(frozen=True, slots=True)
class Message:
    """What an action asks to send after it has committed: a topic and a JSON body."""

    topic: str
    body: Json


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer to one intent.

    `diff` is RFC 6902 (add, remove, replace, each with `before` where there was a value), rooted
    at the components object, and `effect_size` its size in bytes; `components` holds each changed
    component as it is to be stored, None where it is to be removed; `cost` is what the action costs
    if it succeeds; `messages` are sent only if it does.
    """

    action: str
    action_version: int
    inputs: Mapping[str, Json]
    status: Status
    reasons: Sequence[Reason] = ()
    diff: Sequence[dict[str, Json]] = ()
    components: Mapping[str, Held | None] = field(default_factory=dict)
    cost: int = 0
    title: str = ""
    risk: Risk = "low"
    confirmation: bool = False
    targets: Mapping[str, int] = field(default_factory=dict)
    messages: Sequence[Message] = ()
    effect_size: int = 0

    @property
    def changes(self) -> bool:
        """Whether it commits a new version."""
        return self.status == "success"
