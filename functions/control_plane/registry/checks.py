"""What a declaration must be to hold: each refusal is a sentence that says what to do.

All of it is looked at when a template is loaded; decisions don't look again.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from control_plane.canonical import MAX_INTEGER
from control_plane.models import MAX_TEMPLATE_NAME, Risk, Role
from control_plane.registry.declared import Action, Check, Component, Migrate

ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
POINTER = re.compile(r"(/([^~/]|~[01])*)+", re.DOTALL)
"""A JSON Pointer to something inside a document (RFC 6901 §3)."""

_SLOT = re.compile(r"\{(\w+)\}")

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


def check_length(kind: str, name: str, most: int) -> None:
    """A name is no longer than one that may be asked for."""
    require(len(name) <= most, f"{kind} {name[:40]}…: name it in at most {most} characters.")


def check_name(name: object) -> None:
    """A template's name is a text that projects can be made by."""
    require(_is_text(name), f"Template {name!r}: name it with a text that says something.")
    check_length("Template", str(name), MAX_TEMPLATE_NAME)


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
    """Whether it answers when it is called: what must be awaited or gone through wouldn't."""
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    return callable(value) and not any(kind(value) for kind in kinds)


def _are_messages(value: Any) -> bool:
    """They are gone through anyway."""
    return value is None or is_function(value) or inspect.isgeneratorfunction(value)


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
    "messages": (_are_messages, "a function of the inputs"),
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
    if callable(function):
        _check_call(
            f"{where} must take the inputs by their names", function, **dict.fromkeys(inputs)
        )


def check_migration(where: str, function: Migrate) -> None:
    """A migration can be called with a state of the version before, by its place."""
    _check_call(f"{where} must take the state as its one parameter", function, None)


def _check_call(
    sentence: str, function: Callable[..., Any], /, *places: object, **names: object
) -> None:
    try:
        inspect.signature(function).bind(*places, **names)
    except TypeError as error:
        raise DeclarationError(f"{sentence}: {error}.") from error
    except ValueError:  # a built-in function that doesn't tell
        return
