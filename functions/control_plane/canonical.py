"""JSON at the edge and in records: strict reading (RFC 8259, I-JSON) and canonical text (RFC 8785).

What is hashed is always the text made by `canonical`; it is stored as that text, never re-made.
"""

import hashlib
import json
from typing import Any

import orjson
import rfc8785

from control_plane.errors import Malformed

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1  # beyond it, JavaScript's and jsonb's numbers part from Python's

_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 16


def canonical(value: Any) -> str:
    """The RFC 8785 text of a JSON value.

    orjson writes the same bytes, fifty times faster, where keys are ASCII and no number is a
    float; a property test keeps both equal. Raises `Malformed` for what RFC 8785 can't hold.
    """
    try:
        if _is_plain(value):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        return rfc8785.dumps(value).decode()
    except (rfc8785.CanonicalizationError, orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise Malformed(f"This value has no canonical form: {error}.") from error


def storable(value: Any) -> str:
    """The canonical text of plain JSON, which declared code made, as it can be stored.

    Raises `Malformed` for what has none, for U+0000, and for more than 32 levels.
    """
    if deeper_than(value, MAX_DEPTH):
        raise Malformed(f"Nest it at most {MAX_DEPTH} levels deep.")
    text = canonical(value)
    if "\\u0000" in text and holds_nul(value):
        raise Malformed("Leave the character U+0000 out.")
    return text


def canonical_of_ours(value: Any) -> str:
    """The same text for a value made here: its keys are ASCII and it holds no float.

    That isn't looked at again: never call it with anything that came from outside or from an
    action's code.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not _is_plain(item):
                return False
        return True
    if kind is list:
        return all(type(item) is str or _is_plain(item) for item in value)
    return kind is int and -MAX_INTEGER <= value <= MAX_INTEGER


def sha256(text: str) -> str:
    """Lower-case hex SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(body: bytes) -> Any:
    """Read JSON from outside.

    Refuses, with `Malformed`: NaN and Infinity, integers beyond ±(2^53−1), U+0000, lone
    surrogates, a key twice in one object, more than 32 levels, and what isn't JSON. Sizes are not
    checked here.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error}.") from error
    if _holds_long_number(body):
        json.loads(body, parse_int=_refuse_long_integer)
    if deeper_than(value, MAX_DEPTH):
        raise Malformed(f"The body is nested deeper than {MAX_DEPTH} levels.")
    json.loads(body, object_pairs_hook=_refuse_same_keys)
    if b"\\u0000" in body and holds_nul(value):
        raise Malformed("A text holds the character U+0000, which can't be stored.")
    return value


def stored(text: str) -> Any:
    """Read back a canonical text of our own: its integers beyond 2^53−1 were written as floats."""
    body = text.encode()
    if _holds_long_number(body):
        return json.loads(body, parse_int=_integer_or_float)
    return orjson.loads(body)


def for_pydantic(text: str) -> bytes:
    """A canonical text as `model_validate_json` takes it: 5.0 as 5, and 1e20 still a float."""
    body = text.encode()
    return orjson.dumps(stored(text)) if _holds_long_number(body) else body


def _holds_long_number(body: bytes) -> bool:
    """Whether 16 digits stand together. (A regular expression takes ten times as long.)"""
    return _LONG_NUMBER in body.translate(_DIGITS_TO_ZERO)


def _refuse_long_integer(digits: str) -> int:
    number = int(digits) if len(digits) < 18 else MAX_INTEGER + 1
    if abs(number) > MAX_INTEGER:
        raise Malformed("An integer is beyond ±(2^53−1). Send it as a string.")
    return number


def _refuse_same_keys(pairs: list[tuple[str, Any]]) -> None:
    """Readers differ in which of two values they take: one might check another than is kept."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise Malformed("A key stands twice in one object. Keep one.")


def _integer_or_float(digits: str) -> int | float:
    number = int(digits)
    return number if abs(number) <= MAX_INTEGER else float(number)


def holds_nul(value: Any) -> bool:
    """Whether a key or a text in a JSON value holds U+0000, which PostgreSQL can't store."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(holds_nul, value))


def deeper_than(value: Any, levels: int) -> bool:
    """Whether a JSON value is nested deeper than so many levels; looks no deeper itself."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(
        deeper_than(item, levels - 1) for item in items if type(item) is not str
    )
