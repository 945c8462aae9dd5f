"""Read what somebody wrote as a JSON value of the kind that a JSON Schema asks for."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from control_plane.agent.words import unquoted
from control_plane.canonical import MAX_DEPTH, MAX_INTEGER, deeper_than, parse
from control_plane.errors import Malformed
from control_plane.models import Json

type Schema = Mapping[str, Any]

_INTEGER = re.compile(r"([+-]?)([0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,16})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,16}(?:\.[0-9]{1,16})?(?:[eE][+-]?[0-9]{1,2})?")
_PERCENT = re.compile(r"(\S.{0,40}?) ?(?:%|per ?cent)", re.IGNORECASE)
_OF_PERCENT = re.compile(r"%|per ?cent", re.IGNORECASE)
_NUMBER_WORDS = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
# A value stands four levels deep in the request that carries it.
_DEPTH = MAX_DEPTH - 4

_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "null": "null",
    "object": "a JSON object",
    "array": "a JSON list",
}


def kinds(schema: Schema, root: Schema) -> frozenset[str]:
    """The JSON types that a schema allows; empty where it allows any.

    Follows `$ref` into the root's `$defs`, `anyOf`, `oneOf`, `enum` and `const`.
    """
    for _ in range(8):
        if not isinstance(reference := schema.get("$ref"), str):
            break
        schema = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
    if isinstance(declared := schema.get("type"), str):
        return frozenset({declared})
    if isinstance(declared, list):
        return frozenset(declared)
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    found = [kinds(option, root) for option in options if "$ref" not in option]
    return frozenset().union(*found) if len(found) == len(options) and all(found) else frozenset()


def readings(text: str, schema: Schema, allowed: frozenset[str], name: str = "") -> Iterator[Json]:
    """The values that a text may stand for, most particular first; none has been validated.

    A percentage is a number only where the schema, or the input's name, speaks of percent.
    """
    for option in [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]:
        if _words(str(option)) == _words(unquoted(text)):
            yield option
    if not allowed:
        yield from read_json(text, allowed)
    number = _without_percent(text) if _is_percentage(schema, name) else text
    for kind, read in _READERS.items():
        if kind in allowed:
            yield from read(number if kind in _NUMERIC else text)
    if allowed & {"object", "array"}:
        yield from read_json(text, allowed)
    if not allowed or "string" in allowed:
        yield _text(text)


def _words(text: str) -> list[str]:
    """The words of a name, however they are joined: `security_review` is said in two."""
    return re.split(r"[\s_-]+", text.lower())


def expected(schema: Schema, allowed: frozenset[str]) -> str:
    """What a schema asks for, in a few words."""
    if options := schema.get("enum"):
        return "one of " + ", ".join(str(option) for option in options[:10])
    return " or ".join(name for kind, name in _NAMES.items() if kind in allowed) or "another value"


def _integer(text: str) -> Iterator[int]:
    negative, bare = _without_minus(text)
    if bare in _NUMBER_WORDS:
        yield -_NUMBER_WORDS[bare] if negative else _NUMBER_WORDS[bare]
    elif found := _INTEGER.fullmatch(bare):
        number = int(found[1] + found[2].replace(",", ""))
        if abs(number) <= MAX_INTEGER:
            yield -number if negative else number


def _number(text: str) -> Iterator[int | float]:
    yield from _integer(text)
    negative, bare = _without_minus(text)
    if _NUMBER.fullmatch(bare):
        yield -float(bare) if negative else float(bare)


def _is_percentage(schema: Schema, name: str) -> bool:
    said = (name, schema.get("title"), schema.get("description"))
    return any(_OF_PERCENT.search(text) for text in said if isinstance(text, str))


def _without_percent(text: str) -> str:
    found = _PERCENT.fullmatch(text)
    return found[1] if found else text


def _without_minus(text: str) -> tuple[bool, str]:
    lowered = text.lower()
    for word in ("minus ", "negative "):
        if lowered.startswith(word):
            return True, lowered.removeprefix(word)
    return False, lowered


def _boolean(text: str) -> Iterator[bool]:
    if text.lower() in _TRUE | _FALSE:
        yield text.lower() in _TRUE


def _null(text: str) -> Iterator[None]:
    if text.lower() == "null":
        yield None


def read_json(text: str, allowed: frozenset[str]) -> Iterator[Json]:
    """The value of a JSON text, if it is one of the allowed types; empty `allowed` is any."""
    try:
        value = parse(text.encode())
    except (Malformed, UnicodeEncodeError):
        return
    kind = "object" if isinstance(value, dict) else "array" if isinstance(value, list) else ""
    if (not allowed or kind in allowed) and not deeper_than(value, _DEPTH):
        yield value


def _text(text: str) -> str:
    if text[:1] == '"':
        for value in read_json(text, frozenset()):
            return str(value)
    return unquoted(text)


_NUMERIC = frozenset({"integer", "number"})
_READERS = {"integer": _integer, "number": _number, "boolean": _boolean, "null": _null}
