"""What a declaration must be to hold: each refusal is a sentence that says what to do.

All of it is looked at when a template is loaded; decisions don't look again.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from control_plane.canonical import MAX_INTEGER
from control_plane.engine.expression_form import VARIABLES
from control_plane.engine.expressions import (
    Expression,
    ExpressionFailed,
    ExpressionRefused,
    Scope,
    compile_expression,
)
from control_plane.models import Json, Risk, Role
from control_plane.registry.declared import Action, Check, Component

ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
POINTER = re.compile(r"(/([^~/]|~[01])*)+", re.DOTALL)
"""A JSON Pointer to something inside a document (RFC 6901 §3)."""

_SLOT = re.compile(r"\{(\w+)\}")
_SOME_TIME = "2026-01-01T00:00:00Z"

type Fits = Callable[[Any], bool]
type Fields = Mapping[str, tuple[Fits, str]]


class DeclarationError(Exception):
    """A declaration that can't hold; the message says what to do."""


def require(holds: object, otherwise: str) -> None:
    """Refuse with this sentence where something doesn't hold."""
    if not holds:
        raise DeclarationError(otherwise)


def check_id(kind: str, id: object) -> None:
    """Ids are lower-case words joined by dots."""
    holds = isinstance(id, str) and ID.fullmatch(id)
    require(holds, f"{kind} id {id!r}: use lower-case words joined by dots.")


def _is_storable(value: Any) -> bool:
    """Whether it is a text without U+0000 and lone surrogates, which can't be stored."""
    return isinstance(value, str) and not re.search("[\x00\ud800-\udfff]", value)


def _is_text(value: Any) -> bool:
    return _is_storable(value) and bool(value.strip())


def _is_check(value: Any) -> bool:
    texts = (value.id, value.expression, value.message) if isinstance(value, Check) else ("",)
    return all(map(_is_text, texts))


def _is_number(value: Any) -> bool:
    return type(value) is int and 1 <= value <= MAX_INTEGER


def is_function(value: Any) -> bool:
    """Whether it answers when it is called: what must be awaited never would."""
    waits = inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value)
    return callable(value) and not waits


def _is_cost(value: Any) -> bool:
    return is_function(value) or (type(value) is int and 0 <= value <= MAX_INTEGER)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _are_migrations(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(is_function, value.values()))


def _each(fits: Fits) -> Fits:
    return lambda value: isinstance(value, list | tuple) and all(map(fits, value))


def _one_of(*values: object) -> Fits:
    return lambda value: any(type(value) is type(each) and value == each for each in values)


_TEXT = (_is_text, "a text that says something")
_TEXTS = (_each(_is_text), "a list of texts that say something")
_CHECKS = (_each(_is_check), "a list of Check(id, expression, sentence)")
_FLAG = (_one_of(True, False), "True or False")
_NUMBER = (_is_number, "an integer from 1")

ACTION_FIELDS: Fields = {
    "title": _TEXT,
    "description": (_is_storable, "a text"),
    "version": _NUMBER,
    "phrases": _TEXTS,
    "requires": _CHECKS,
    "risk": (_one_of(*get_args(Risk)), "low, medium or high"),
    "confirmation": _FLAG,
    "cost": (_is_cost, "an integer from 0 to 2^53−1, or a function of the inputs"),
    "visibility": (_one_of("user", "developer"), "user or developer"),
    "required_role": (_one_of(None, *get_args(Role)), "viewer, operator, admin or None"),
    "messages": (lambda value: value is None or is_function(value), "a function of the inputs"),
}
"""What the decorator takes beside an action's id and its places."""

_PLACES: Fields = {
    "changes": (_each(_is_text), "a JSON Pointer or a list of them"),
    "declared_targets": (
        lambda value: value is None or _each(_is_text)(value),
        "a list of component ids",
    ),
}

COMPONENT_FIELDS: Fields = {
    "description": (_is_storable, "a text"),
    "schema_version": _NUMBER,
    "migrations": (_are_migrations, "a function for each older schema version"),
    "invariants": _CHECKS,
    "readable": _FLAG,
    "tags": _TEXTS,
}
"""What `Template.component` takes beside id, model, initial state and title."""

_SHAPE: Fields = {
    "model": (_is_model, "a class derived from State or RootState"),
    "title": _TEXT,
}


def check_options(where: str, given: Mapping[str, object], known: Fields) -> None:
    """Refuse what a declaration can't have."""
    unknown = ", ".join(sorted(given.keys() - known.keys()))
    require(not unknown, f"{where} has {unknown}: leave it out, or say one of {', '.join(known)}.")


def check_fields(where: str, declared: Action | Component) -> None:
    """Each field, by itself, is what it says."""
    own = {**ACTION_FIELDS, **_PLACES}
    if isinstance(declared, Component):
        own = {**COMPONENT_FIELDS, **_SHAPE}
    for name, (fits, what) in own.items():
        called = name.removeprefix("declared_")
        require(fits(getattr(declared, name)), f"{where}: {called} must be {what}.")


def check_phrase(where: str, phrase: str, inputs: Sequence[str]) -> None:
    """A phrase has words, and in braces nothing but inputs, each once."""
    where = f"{where}: phrase {phrase!r}"
    words, slots = _SLOT.sub(" ", phrase), _SLOT.findall(phrase)
    require(not set("{}") & set(words), f"{where}: put one input's name between two braces.")
    require(re.search(r"\w", words), f"{where}: say it with a word beside its inputs.")
    require(len(set(slots)) == len(slots), f"{where} names an input twice: name it once.")
    for slot in slots:
        require(slot in inputs, f"{where} names {slot}, which is not an input.")


def check_callable(where: str, function: object, inputs: Sequence[str]) -> None:
    """A function of the inputs can be called with all of them, by name."""
    if not callable(function):
        return
    try:
        inspect.signature(function).bind(**dict.fromkeys(inputs))
    except TypeError as error:
        raise DeclarationError(f"{where} must take the inputs by their names: {error}.") from error
    except ValueError:  # a built-in function that doesn't tell
        return


def check_conditions(where: str, checks: Sequence[Check], inputs: Sequence[str] | None) -> None:
    """Checks have ids of their own and can run; invariants, without `inputs`, read none."""
    ids = [check.id for check in checks]
    require(len(set(ids)) == len(ids), f"{where}: two checks have the same id: rename one.")
    for check in checks:
        here = f"{where}, check {check.id}"
        try:
            expression = compile_expression(check.expression)
        except ExpressionRefused as error:
            raise DeclarationError(f"{here}: {error}") from error
        if inputs is None:
            alone = not expression.reads("inputs")
            require(alone, f"{here}: an invariant can't read inputs: make it a precondition.")
        for name in sorted(_keys_of(expression, "inputs") - set(inputs or ())):
            require(False, f"{here} reads inputs.{name}: name one of the action's inputs.")


def check_against(states: Mapping[str, Json], where: str, checks: Iterable[Check]) -> None:
    """Checks name declared components and give a bool, seen on all components' initial states."""
    for check in checks:
        expression = compile_expression(check.expression)
        here = f"{where}, check {check.id}"
        for id in sorted(_keys_of(expression, "state") - states.keys()):
            require(False, f'{here} reads state["{id}"]: declare that component, or correct it.')
        if _reads_only_state(expression):
            require(not _is_never_bool(expression, states), f"{here}: compare, so it gives a bool.")


def check_beginning(component: Component) -> None:
    """A component's initial state holds what its own invariants say of it alone."""
    states = {component.id: component.initial}
    for check in component.invariants:
        expression = compile_expression(check.expression)
        alone = expression.components is not None and expression.components <= states.keys()
        if not alone or not _reads_only_state(expression):
            continue
        try:
            holds = expression.evaluate(_scope(states))
        except ExpressionFailed:
            holds = False
        broken = f"{component.id}: its initial state breaks its invariant {check.id}: correct one."
        require(holds, broken)


def _keys_of(expression: Expression, variable: str) -> set[str]:
    """The keys that an expression selects literally from a variable."""
    firsts = {
        path.steps[0][1] for path in expression._form.paths if path.root == variable and path.steps
    }
    return {key for key in firsts if isinstance(key, str)}


def _reads_only_state(expression: Expression) -> bool:
    return not any(map(expression.reads, VARIABLES - {"state"}))


def _is_never_bool(expression: Expression, states: Mapping[str, Json]) -> bool:
    """Whether it has an answer, and of another type; null may be a bool that isn't there yet."""
    try:
        typed = compile_expression(f"type({expression.text}) in [bool, null_type]")
        return not typed.evaluate(_scope(states))
    except (ExpressionRefused, ExpressionFailed):
        return False


def _scope(states: Mapping[str, Json]) -> Scope:
    empty: dict[str, Json] = {name: {} for name in VARIABLES - {"state", "now"}}
    return Scope(states, _SOME_TIME, **empty)
