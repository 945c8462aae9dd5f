"""What is declared: components, actions, and the checks that guard them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from control_plane.models import Json, Message, Risk, Role

STRICT = ConfigDict(strict=True, extra="forbid")

type View = Mapping[str, Any]
"""What a handler sees: the read-only state of each of its targets, by component id."""
type Changed = Mapping[str, Json]
"""What a handler returns: the whole new state of each component that it changes."""
type Handler = Callable[..., Changed]
type Migrate = Callable[[Any], Json]
"""A pure function from a component's state under one schema version to that under the next."""


class State(BaseModel):
    """Base of state models: strict types, and nothing that isn't declared."""

    model_config = STRICT


@dataclass(frozen=True, slots=True)
class Check:
    """A CEL expression that must hold, and the sentence for people where it doesn't.

    As a precondition it sees the state before, as an invariant the state after.
    """

    id: str
    expression: str
    message: str


@dataclass(frozen=True)
class Component:
    """A typed part of a project's state, starting as `initial`.

    `migrations` has, for each older schema version, the function to the next. One that isn't
    `readable` is shown to admins only.
    """

    id: str
    model: type[BaseModel]
    initial: Json
    title: str
    description: str = ""
    schema_version: int = 1
    migrations: Mapping[int, Migrate] = field(default_factory=dict)
    invariants: Sequence[Check] = ()
    readable: bool = True
    tags: Sequence[str] = ()

    @cached_property
    def described(self) -> dict[str, Json]:
        """As the registry lists it, with its JSON Schema 2020-12."""
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "schema_version": self.schema_version,
            "schema": self.model.model_json_schema(),
            "invariants": [_described(check) for check in self.invariants],
            "readable": self.readable,
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class Action:
    """A declared pure change. `changes` are the JSON Pointers below which it may change state.

    `cost` is an integer or a pure function of the inputs; so is `messages`, which tells what to
    send once it has committed.
    """

    id: str
    handler: Handler
    inputs: type[BaseModel]
    title: str
    changes: Sequence[str]
    version: int = 1
    description: str = ""
    phrases: Sequence[str] = ()
    requires: Sequence[Check] = ()
    risk: Risk = "low"
    confirmation: bool = False
    cost: int | Callable[..., int] = 0
    visibility: Literal["user", "developer"] = "user"
    required_role: Role | None = None
    messages: Callable[..., Sequence[Message]] | None = None

    @property
    def name(self) -> str:
        """The id with the version, which addresses this very declaration."""
        return f"{self.id}@v{self.version}"

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Ids of the components that it reads and may change."""
        return tuple(sorted({component_of(pointer) for pointer in self.changes}))

    @cached_property
    def described(self) -> dict[str, Json]:
        """As the registry lists it, with the JSON Schema 2020-12 of its inputs."""
        return {
            "id": self.id,
            "version": self.version,
            "title": self.title,
            "description": self.description,
            "phrases": list(self.phrases),
            "targets": list(self.targets),
            "changes": list(self.changes),
            "requires": [_described(check) for check in self.requires],
            "inputs": self.inputs.model_json_schema(),
            "risk": self.risk,
            "confirmation": self.confirmation,
            "cost": self.cost if isinstance(self.cost, int) else None,
            "visibility": self.visibility,
            "required_role": self.required_role,
        }


def _described(check: Check) -> dict[str, Json]:
    return {"id": check.id, "expression": check.expression, "message": check.message}


def component_of(pointer: str) -> str:
    """The component id that a JSON Pointer (RFC 6901) starts with."""
    return pointer.split("/")[1].replace("~1", "/").replace("~0", "~")
