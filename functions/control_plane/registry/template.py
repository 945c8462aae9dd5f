"""Declaring: what can't hold is refused when it is loaded, with a sentence that says what to do."""

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from control_plane.canonical import canonical
from control_plane.engine.expressions import ExpressionRefused, compile_expression
from control_plane.models import Json
from control_plane.registry.declared import STRICT, Action, Check, Component, Handler

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_PHRASE_INPUT = re.compile(r"\{(\w+)\}")
RESERVED = ("project.", "user.", "organization.")
"""Where built-in actions live: no template may declare an action there."""


class DeclarationError(Exception):
    """A declaration that can't hold; the message says what to do."""


@dataclass
class Template:
    """A named set of components and actions, declared once at import."""

    name: str
    title: str = ""
    components: dict[str, Component] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def component(
        self, id: str, model: type[BaseModel], initial: Json, *, title: str, **more: Any
    ) -> None:
        """Declare a component; see `Component` for what more there is."""
        _require(_ID.fullmatch(id), f"Component id {id!r}: use lower-case words joined by dots.")
        _require(id not in self.components, f"Component {id} is declared twice: rename one.")
        component = Component(id, model, initial, title, **more)
        _check_initial(component)
        for version in range(1, component.schema_version):
            known = version in component.migrations
            _require(known, f"{id}: declare how state of schema version {version} is migrated.")
        _check_checks(id, component.invariants)
        self.components[id] = component

    def remove_component(self, id: str) -> None:
        """Declare that a component of earlier days is gone: its state is removed, once."""
        _require(id not in self.components, f"Component {id} is declared: it can't be removed.")
        self.removed.add(id)

    def action(
        self, id: str, *, changes: str | Iterable[str], **more: Any
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as an action's handler; see `Action` for what more.

        Its parameters after the first become the inputs, its docstring the title and description.
        """
        pointers = (changes,) if isinstance(changes, str) else tuple(changes)

        def declare(handler: Handler) -> Handler:
            title, _, description = (inspect.getdoc(handler) or id).partition("\n")
            texts = {"title": title.rstrip("."), "description": description.strip(), **more}
            action = Action(id, handler, _inputs(id, handler), changes=pointers, **texts)
            self._check(action)
            self.actions[action.name] = action
            return handler

        return declare

    def _check(self, action: Action) -> None:
        id = action.id
        _require(_ID.fullmatch(id), f"Action id {id!r}: use lower-case words joined by dots.")
        _require(not id.startswith(RESERVED), f"Action {id}: the name is reserved, choose another.")
        twice = f"Action {action.name} is declared twice: rename one, or raise its version."
        _require(action.name not in self.actions, twice)
        for pointer in action.changes:
            _check_pointer(action, pointer, self.components)
        for phrase in action.phrases:
            for name in _PHRASE_INPUT.findall(phrase):
                known = name in action.inputs.model_fields
                _require(known, f"{id}: phrase {phrase!r} names {name}, which is not an input.")
        _check_checks(id, action.requires)
        valid = callable(action.cost) or (type(action.cost) is int and action.cost >= 0)
        _require(valid, f"{id}: the cost is an integer from 0, or a function of the inputs.")

    def including(self, other: "Template") -> "Template":
        """This template with another's declarations added; the same id in both is refused."""
        twice = (self.components.keys() & other.components) | (self.actions.keys() & other.actions)
        _require(not twice, f"{self.name} and {other.name} both declare {sorted(twice)}.")
        self.components.update(other.components)
        self.actions.update(other.actions)
        self.removed |= other.removed
        return self


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise DeclarationError(otherwise)


def _check_initial(component: Component) -> None:
    try:
        component.model.model_validate_json(canonical(component.initial))
    except ValidationError as error:
        sentence = f"{component.id}: its initial state doesn't fit its model: {error}"
        raise DeclarationError(sentence) from error


def _check_pointer(action: Action, pointer: str, components: dict[str, Component]) -> None:
    _require(pointer.startswith("/"), f"{action.id}: {pointer!r} is no JSON Pointer: begin with /.")
    target = pointer.split("/")[1]
    _require(target in components, f"{action.id} targets {target!r}: declare that component first.")


def _check_checks(owner: str, checks: Sequence[Check]) -> None:
    ids = [check.id for check in checks]
    _require(len(set(ids)) == len(ids), f"{owner}: two checks have the same id: rename one.")
    for check in checks:
        try:
            compile_expression(check.expression)
        except ExpressionRefused as error:
            raise DeclarationError(f"{owner}, check {check.id}: {error}") from error


def _inputs(id: str, handler: Handler) -> type[BaseModel]:
    fields = {}
    for name, parameter in list(inspect.signature(handler).parameters.items())[1:]:
        typed = parameter.annotation is not parameter.empty
        _require(typed, f"{id}: give input {name} a type.")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (parameter.annotation, default)
    return create_model(f"{id} inputs", __config__=STRICT, **fields)  # type: ignore[call-overload]
