"""What is declared: components, actions, and the checks that guard them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, RootModel

from control_plane.models import Json, Message, Risk, Role

STRICT = ConfigDict(strict=True, extra="forbid")
ROLE_FOR_RISK: Mapping[Risk, Role] = {"low": "operator", "medium": "operator", "high": "admin"}
"""Who may ask for an action that doesn't say so itself."""

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


class RootState[Root](RootModel[Root]):
    """Base of state models that are one value, such as `dict[str, bool]`: strict types, too."""

    model_config = ConfigDict(strict=True)


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

    `declared_targets` are the components that it sees, where those are more than it may change.
    `cost` is an integer or a pure function of the inputs; so is `messages`, which tells what to
    send once it has committed. An `administrative` one is built in: limits, windows and a pause
    don't hold it up.
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
    administrative: bool = False
    declared_targets: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """The id with the version, which addresses this very declaration."""
        return f"{self.id}@v{self.version}"

    @property
    def needed_role(self) -> Role:
        """The least role that may ask for it: as declared, or as its risk demands."""
        return self.required_role or ROLE_FOR_RISK[self.risk]

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """Ids of the components that it reads and may change, sorted."""
        if self.declared_targets is not None:
            return tuple(sorted(set(self.declared_targets)))
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
