"""Models of states and of inputs: what pydantic would else find out only when they are used."""

import inspect
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, create_model

from control_plane.canonical import canonical, for_pydantic, storable, stored
from control_plane.errors import Malformed
from control_plane.models import Json
from control_plane.registry.checks import DeclarationError, is_function, require
from control_plane.registry.declared import STRICT, Action, Component, Handler

MAX_COMPONENT_BYTES = 256 * 1024

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_BY_PLACE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
_OBJECTS = ("model", "dataclass", "typed-dict")
_NUMBERS = ("int", "float", "bool")
_DATA = frozenset({"default", "expected", "members", "metadata", "config", "serialization"})
"""What holds no schemas in a node of pydantic's core schema."""


def inputs_of(where: str, handler: Handler) -> type[BaseModel]:
    """The model of a handler's inputs, from its signature."""
    fields: dict[str, Any] = {}
    for parameter in _parameters(where, handler):
        name, default = parameter.name, parameter.default
        require(parameter.kind in _BY_NAME, f"{where}: let input {name} be given by its name.")
        require(not name.startswith("_"), f"{where}: begin the name of input {name} with a letter.")
        typed = parameter.annotation is not parameter.empty
        require(typed, f"{where}: give input {name} a type.")
        fields[name] = (parameter.annotation, ... if default is parameter.empty else default)
    try:
        model = create_model(f"{where[7:]} inputs", __config__=STRICT, **fields)
    except Exception as error:
        raise DeclarationError(f"{where}: correct its inputs' types: {error}") from error
    for name in fields.keys() - model.model_fields.keys():
        require(False, f"{where}: rename input {name}: pydantic keeps that name for itself.")
    for name, info in model.model_fields.items():
        plain = not (info.alias or info.validation_alias or info.exclude)
        require(plain, f"{where}: let input {name} have one name, its own, and keep it.")
    return model


def _parameters(where: str, handler: Handler) -> list[inspect.Parameter]:
    """A handler's parameters after its first, the view."""
    plain = is_function(handler)
    require(plain, f"{where}: let its handler be a plain function that returns the new state.")
    try:
        parameters = list(inspect.signature(handler, eval_str=True).parameters.values())
    except Exception as error:
        sentence = f"{where}: import the types that its handler names where it is declared: {error}"
        raise DeclarationError(sentence) from error
    seen = bool(parameters) and parameters[0].kind in _BY_PLACE and _may_be_view(parameters[0])
    require(seen, f"{where}: let its handler take the view as its first parameter.")
    return parameters[1:]


def _may_be_view(parameter: inspect.Parameter) -> bool:
    """Whether its type, where it is a plain class, is one that a read-only mapping can be."""
    typed = parameter.annotation
    plain = isinstance(typed, type) and typed not in (parameter.empty, dict)
    return not plain or issubclass(MappingProxyType, typed)


def check_model(where: str, model: type[BaseModel]) -> None:
    """A model is complete, strict all the way down, and its defaults are of their own types."""
    try:
        model.model_rebuild()
        schema = model.__pydantic_core_schema__
    except Exception as error:
        raise DeclarationError(f"{where}: {model.__name__} can't be built: {error}") from error
    for node in _nodes(schema):
        name = getattr(node.get("cls"), "__name__", node["type"])
        lax = f"{where}: {name} takes wrong types or unknown keys"
        require(not _is_lax(node), f"{lax}: derive it from State or RootState.")
        if node["type"] == "model" and not node["root_model"]:
            _check_defaults(f"{where}: {name}", node["cls"])


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every node of a core schema (pydantic-core's `CoreSchema`) that has a type."""
    if isinstance(schema, dict):
        is_node = isinstance(schema.get("type"), str)
        if is_node:
            yield schema
        for key, value in schema.items():
            if not is_node or key not in _DATA:
                yield from _nodes(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _nodes(value)


def _is_lax(node: dict[str, Any]) -> bool:
    if node["type"] in _NUMBERS:
        return node.get("strict") is False
    if node["type"] not in _OBJECTS:
        return False
    config = node.get("config", {})
    if node.get("root_model"):  # any JSON has no types to be strict about
        return not config.get("strict") and node["cls"].model_fields["root"].annotation != JsonValue
    return not config.get("strict") or config.get("extra_fields_behavior") != "forbid"


def _check_defaults(where: str, model: type[BaseModel]) -> None:
    """Pydantic doesn't validate defaults, so a model of nothing else is made, and used once."""
    given = model.model_fields.items()
    fields: Any = {name: (info.annotation, info) for name, info in given if not info.is_required()}
    if not fields:
        return
    try:
        config: ConfigDict = {**STRICT, "validate_default": True}
        defaults = create_model("defaults", __config__=config, **fields)
        plain_json(defaults().model_dump(mode="json"))
    except Exception as error:
        raise DeclarationError(f"{where}: correct its defaults: {error}") from error


def check_described(where: str, declared: Action | Component) -> None:
    """What the registry lists of it, JSON Schema included, can be made and hashed."""
    try:
        canonical(declared.described)
    except Exception as error:
        raise DeclarationError(f"{where} has no JSON Schema: {error}") from error


def initial_of(where: str, component: Component) -> Json:
    """A component's initial state as plain JSON that fits its model."""
    try:
        initial = plain_json(component.initial)
        component.model.model_validate_json(for_pydantic(canonical(initial)))
    except Exception as error:
        raise DeclarationError(f"{where}: its initial state doesn't fit: {error}") from error
    return initial


def plain_json(value: Json) -> Json:
    """A copy as it is stored. Raises `Malformed` for what can't be."""
    text = canonical(value)
    if len(text.encode()) > MAX_COMPONENT_BYTES:
        raise Malformed(f"Keep it within {MAX_COMPONENT_BYTES} bytes.")
    copy = stored(text)
    storable(copy)
    return copy
