"""Canonical JSON, and what is refused at the edge."""

import json
from typing import Any

import orjson
import pytest
import rfc8785
from control_plane.canonical import canonical, parse, stored
from control_plane.errors import Malformed
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30
)


@given(JSON)
def test_canonical_text_is_what_rfc_8785_says(value: Any) -> None:
    """The fast way writes the same bytes as the reference implementation."""
    assert canonical(value).encode() == rfc8785.dumps(value)


@given(JSON)
def test_stored_text_reads_back_to_the_same_text(value: object) -> None:
    """A text of ours survives reading and writing, large floats included."""
    assert canonical(stored(canonical(value))) == canonical(value)


@given(JSON)
def test_parse_reads_what_json_reads(value: object) -> None:
    """What is not refused is read as Python's json reads it."""
    text = json.dumps(value).encode()
    try:
        assert parse(text) == json.loads(text)
    except Malformed:
        assert b"\\u0000" in text or _depth(value) > 32


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@pytest.mark.parametrize(
    "text",
    [
        b"NaN",
        b"Infinity",
        b"[-Infinity]",
        b"1e400",
        b"9007199254740992",
        b"-9007199254740992",
        b"12345678901234567890123",
        b'"\\u0000"',
        b'{"\\u0000": 1}',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b"\xff",
        b"",
        b"{",
        b'{"a": 1} {}',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
    ],
)
def test_the_edge_refuses(text: bytes) -> None:
    """What can't be stored or hashed alike everywhere is refused, never bent into shape."""
    with pytest.raises(Malformed):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b"9007199254740991",
        b"1e20",
        b'"12345678901234567890"',
        b'"\\\\u0000"',
        b"[" * 32 + b"]" * 32,
    ],
)
def test_the_edge_lets_through(text: bytes) -> None:
    """What looks like the refused and isn't goes through."""
    assert parse(text) == orjson.loads(text)


@pytest.mark.parametrize("value", [2**53, float("nan"), float("inf"), "\ud800", object(), {1: 2}])
def test_what_has_no_canonical_form_is_malformed(value: object) -> None:
    """Nothing without a canonical form gets a hash."""
    with pytest.raises(Malformed):
        canonical(value)
