"""Declaring: what can't hold is refused when it is loaded, with a sentence that says what to do."""

import inspect
from collections.abc import Callable, Sequence
from copy import replace
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, RootModel

from control_plane.engine.effects import tokens
from control_plane.models import MAX_ACTION_ID, Json
from control_plane.registry import checks, conditions, shapes
from control_plane.registry.checks import require
from control_plane.registry.declared import Action, Component, Handler, component_of

RESERVED = ("project.", "user.", "organization.")
"""Where built-in actions live: no template may declare an action there."""


@dataclass
class Template:
    """A named set of components and actions, declared once at import."""

    name: str
    title: str = ""
    components: dict[str, Component] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        checks.check_name(self.name)

    def component(
        self, id: str, model: type[BaseModel], initial: Json, *, title: str, **more: Any
    ) -> None:
        """Declare a component; see `Component` for what more there is."""
        checks.check_id("Component", id)
        require(id not in self.components, f"Component {id} is declared twice: rename one.")
        gone = f"Component {id} is declared and removed: do one of them, or give it another id."
        require(id not in self.removed, gone)
        checks.check_options(f"Component {id}", more, checks.COMPONENT_FIELDS)
        self.components[id] = _checked(Component(id, model, initial, title, **more))

    def remove_component(self, id: str) -> None:
        """Declare that a component of earlier days is gone: its state is removed, once."""
        checks.check_id("Component", id)
        require(id not in self.components, f"Component {id} is declared: it can't be removed.")
        self.removed.add(id)

    def action(
        self,
        id: str,
        *,
        changes: str | Sequence[str],
        targets: Sequence[str] | None = None,
        **more: Any,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as an action's handler; see `Action` for what more.

        Its parameters after the first become the inputs, its docstring the title and description.
        `targets` are the components that it sees; without them, those that it may change.
        """
        checks.check_id("Action", id)
        checks.check_length("Action id", id, MAX_ACTION_ID)
        checks.check_options(f"Action {id}", more, checks.ACTION_FIELDS)
        places = (changes,) if isinstance(changes, str) else changes

        def declare(handler: Handler) -> Handler:
            title, _, description = (inspect.getdoc(handler) or id).partition("\n")
            texts = {"title": title.rstrip("."), "description": description.strip(), **more}
            inputs = shapes.inputs_of(f"Action {id}", handler)
            action = Action(id, handler, inputs, changes=places, declared_targets=targets, **texts)
            self._check(action)
            self.actions[action.name] = action
            return handler

        return declare

    def _check(self, action: Action) -> None:
        where, inputs = f"Action {action.id}", list(action.inputs.model_fields)
        reserved = f"{where}: the name is reserved, choose another."
        require(not action.id.startswith(RESERVED), reserved)
        checks.check_fields(where, action)
        twice = f"Action {action.name} is declared twice: rename one, or raise its version."
        require(action.name not in self.actions, twice)
        _check_places(where, action, self.components)
        for phrase in action.phrases:
            checks.check_phrase(where, phrase, inputs)
        for name in ("cost", "messages"):
            checks.check_callable(f"{where}: {name}", getattr(action, name), inputs)
        conditions.check_conditions(where, action.requires, inputs)
        shapes.check_model(where, action.inputs)
        shapes.check_described(where, action)

    def including(self, other: "Template") -> "Template":
        """This template with another's declarations added; the same id in both is refused."""
        twice = (self.components.keys() & other.components) | (self.actions.keys() & other.actions)
        require(not twice, f"{self.name} and {other.name} both declare {sorted(twice)}: rename.")
        gone = (self.removed & other.components.keys()) | (other.removed & self.components.keys())
        sentence = f"{self.name} and {other.name}: {sorted(gone)} is declared and removed: do one."
        require(not gone, sentence)
        self.components.update(other.components)
        self.actions.update(other.actions)
        self.removed |= other.removed
        return self


def _checked(component: Component) -> Component:
    """The component with its initial state as plain JSON; refused where it can't hold."""
    where = f"Component {component.id}"
    checks.check_fields(where, component)
    older = set(range(1, min(component.schema_version, len(component.migrations) + 2)))
    for version in sorted(older - component.migrations.keys()):
        require(False, f"{where}: declare how state of schema version {version} is migrated.")
    for version in component.migrations.keys() - older:
        require(False, f"{where}: there is no schema version {version!r} to migrate: leave it out.")
    for version, migrate in component.migrations.items():
        checks.check_migration(f"{where}: the migration from version {version}", migrate)
    shapes.check_model(where, component.model)
    component = replace(component, initial=shapes.initial_of(where, component))
    conditions.check_conditions(where, component.invariants, None)
    shapes.check_described(where, component)
    return component


def _check_places(where: str, action: Action, components: dict[str, Component]) -> None:
    """Every place can be changed: it is a JSON Pointer into a target that has such a place."""
    for pointer in action.changes:
        is_pointer = checks.POINTER.fullmatch(pointer)
        require(is_pointer, f"{where}: {pointer!r} is no JSON Pointer (RFC 6901): correct it.")
    for id in action.targets:
        require(id in components, f"{where} targets {id!r}: declare that component first.")
    for pointer in action.changes:
        id = component_of(pointer)
        require(id in action.targets, f"{where}: path {pointer} is outside its targets: add {id}.")
        known, names = _members(components[id].model), tokens(pointer)[1:2]
        there = known is None or set(names) <= set(known)
        require(there, f"{where}: {id} has no {pointer}: name one of {', '.join(known or ())}.")


def _members(model: type[BaseModel]) -> list[str] | None:
    """The keys that a state of this model may have; None where the model alone doesn't tell."""
    fields = model.model_fields.items()
    if issubclass(model, RootModel) or any(field.validation_alias for _, field in fields):
        return None
    return [name for name, _ in fields]
