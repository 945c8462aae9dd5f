"""Declare components and actions. A template is a set of both that a project is made from.

The smallest action:

    @demo.action("demo.counter.set", changes="/demo.counter/value", phrases=["set it to {value}"])
    def set_counter(state: View, value: int) -> Changed:
        "Set the counter."
        return {"demo.counter": {"value": value}}

A handler is pure: it gets a read-only view of its targets and its inputs, and returns the whole
new state of each component that it changes.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from control_plane.canonical import canonical, sha256
from control_plane.models import Json, Message, Risk, Role

ENTRY_POINT_GROUP = "gradio_chat_agent.templates"

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_PHRASE_INPUT = re.compile(r"\{(\w+)\}")
_STRICT = ConfigDict(strict=True, extra="forbid")

type View = Mapping[str, Any]
"""What a handler sees: the read-only state of each of its targets, by component id."""
type Changed = Mapping[str, Json]
"""What a handler returns: the whole new state of each component that it changes."""
type Handler = Callable[..., Changed]


class DeclarationError(Exception):
    """A declaration that can't hold; the message says what to do."""


class State(BaseModel):
    """Base of state models: strict types, and nothing that isn't declared."""

    model_config = _STRICT


@dataclass(frozen=True)
class Component:
    """A typed part of a project's state, starting as `initial`."""

    id: str
    model: type[BaseModel]
    initial: Json
    title: str
    description: str = ""
    schema_version: int = 1
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
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class Action:
    """A declared pure change. `changes` are the JSON Pointers below which it may change state.

    `messages`, a pure function of the inputs, tells what to send once it has committed.
    """

    id: str
    handler: Handler
    inputs: type[BaseModel]
    title: str
    changes: Sequence[str]
    version: int = 1
    description: str = ""
    phrases: Sequence[str] = ()
    risk: Risk = "low"
    confirmation: bool = False
    cost: int = 0
    visibility: str = "user"
    required_role: Role | None = None
    messages: Callable[..., Sequence[Message]] | None = None

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
            "inputs": self.inputs.model_json_schema(),
            "risk": self.risk,
            "confirmation": self.confirmation,
            "cost": self.cost,
            "visibility": self.visibility,
            "required_role": self.required_role,
        }


def component_of(pointer: str) -> str:
    """The component id that a JSON Pointer (RFC 6901) starts with."""
    return pointer.split("/")[1].replace("~1", "/").replace("~0", "~")


@dataclass
class Template:
    """A named set of components and actions, declared once at import."""

    name: str
    title: str = ""
    components: dict[str, Component] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)

    def component(
        self, id: str, model: type[BaseModel], initial: Json, *, title: str, **more: Any
    ) -> None:
        """Declare a component. Refused if its id is taken or `initial` doesn't fit `model`."""
        _require(_ID.fullmatch(id), f"Component id {id!r}: use lower-case words joined by dots.")
        _require(id not in self.components, f"Component {id} is declared twice: rename one.")
        model.model_validate_json(canonical(initial))
        self.components[id] = Component(id, model, initial, title, **more)

    def action(
        self, id: str, *, changes: str | Iterable[str], phrases: Sequence[str] = (), **more: Any
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as an action's handler.

        Its parameters after the first become the inputs, its docstring the title and description.
        """

        def declare(handler: Handler) -> Handler:
            pointers = (changes,) if isinstance(changes, str) else tuple(changes)
            title, _, description = (inspect.getdoc(handler) or "").partition("\n")
            texts = {"title": title.rstrip("."), "description": description.strip(), **more}
            action = Action(id, handler, _inputs(id, handler), changes=pointers, **texts)
            self._check(action, phrases)
            self.actions[id] = Action(
                id, handler, action.inputs, changes=pointers, phrases=phrases, **texts
            )
            return handler

        return declare

    def _check(self, action: Action, phrases: Sequence[str]) -> None:
        id = action.id
        _require(_ID.fullmatch(id), f"Action id {id!r}: use lower-case words joined by dots.")
        _require(id not in self.actions, f"Action {id} is declared twice: rename one.")
        for target in action.targets:
            _require(target in self.components, f"{id} targets {target}: declare it first.")
        for phrase in phrases:
            for name in _PHRASE_INPUT.findall(phrase):
                known = name in action.inputs.model_fields
                _require(known, f"{id}: phrase {phrase!r} names {name}, which is not an input.")

    def including(self, other: "Template") -> "Template":
        """This template with another's declarations added."""
        self.components.update(other.components)
        self.actions.update(other.actions)
        return self


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise DeclarationError(otherwise)


def _inputs(id: str, handler: Handler) -> type[BaseModel]:
    fields = {}
    for name, parameter in list(inspect.signature(handler).parameters.items())[1:]:
        typed = parameter.annotation is not parameter.empty
        _require(typed, f"{id}: give input {name} a type.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (parameter.annotation, default)
    return create_model(f"{id} inputs", __config__=_STRICT, **fields)  # type: ignore[call-overload]


class Registry:
    """The declarations in force in projects of one template."""

    def __init__(self, template: Template) -> None:
        self.template = template.name
        self.components: Mapping[str, Component] = dict(sorted(template.components.items()))
        self.actions: Mapping[str, Action] = dict(sorted(template.actions.items()))

    @cached_property
    def described(self) -> dict[str, Json]:
        """All declarations as JSON: `{"components": [...], "actions": [...]}`."""
        return {
            "components": [component.described for component in self.components.values()],
            "actions": [action.described for action in self.actions.values()],
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the declarations, as records name them."""
        return sha256(canonical(self.described))

    def targets(self, actions: Iterable[str]) -> list[str]:
        """Ids of all components that these actions touch; unknown actions touch none."""
        known = (self.actions[id] for id in actions if id in self.actions)
        return sorted({target for action in known for target in action.targets})


def load_registries() -> dict[str, Registry]:
    """The registry of each installed template, by name; ours first, then entry points'."""
    from control_plane.templates import BUILT_IN

    templates = [*BUILT_IN, *(point.load() for point in entry_points(group=ENTRY_POINT_GROUP))]
    registries: dict[str, Registry] = {}
    for template in templates:
        _require(template.name not in registries, f"Template {template.name} is installed twice.")
        registries[template.name] = Registry(template)
    return registries
