"""Differences: exact, reversible in effect, and checked against an independent implementation."""

import copy

import jsonpatch
import pytest
from control_plane.canonical import canonical
from control_plane.engine.effects import (
    MAX_OPERATIONS,
    Divergence,
    apply,
    compact,
    diff,
    frozen,
    thawed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_canonical import JSON, TEXTS

KEYS = st.sampled_from(["a", "b", "a.b", "a/b", "~", "~1", "", "ключ", "0"]) | TEXTS
STATES = st.dictionaries(KEYS, JSON, max_size=5)


@given(STATES, STATES)
def test_a_diff_leads_from_before_to_after(before: dict, after: dict) -> None:
    """Applied to what was, a diff gives what is."""
    operations = list(diff(before, after))
    assert canonical(apply(copy.deepcopy(before), operations)) == canonical(after)


@given(STATES, STATES)
def test_any_rfc_6902_implementation_agrees(before: dict, after: dict) -> None:
    """A diff without its old values is a plain JSON Patch."""
    operations = [
        {name: value for name, value in operation.items() if name != "before"}
        for operation in diff(before, after)
    ]
    patched = jsonpatch.apply_patch(before, operations)
    assert canonical(patched) == canonical(after)


@given(STATES)
def test_equal_states_differ_in_nothing(state: dict) -> None:
    """No operation is made up."""
    assert list(diff(state, copy.deepcopy(state))) == []


@given(STATES, STATES)
def test_a_diff_is_refused_where_an_old_value_is_another(before: dict, after: dict) -> None:
    """Each operation is bound to the value that it takes away."""
    for operation in diff(before, after):
        if operation["op"] == "add":
            continue
        with pytest.raises(Divergence):
            apply(copy.deepcopy(before), [{**operation, "before": ["another", "value"]}])


def test_true_and_one_are_different() -> None:
    """Python says True == 1; JSON doesn't."""
    assert list(diff({"a": True}, {"a": 1})) == [
        {"op": "replace", "path": "/a", "before": True, "value": 1}
    ]


def test_lists_grow_and_shrink_at_their_end() -> None:
    """Places are compared one by one; what is too much goes from the end."""
    assert [o["op"] + o["path"] for o in diff([1, 2, 3], [1, 9])] == ["replace/1", "remove/2"]
    assert [o["op"] + o["path"] for o in diff([1], [1, 2, 3])] == ["add/1", "add/2"]


def test_a_missing_place_diverges() -> None:
    """An operation below something that isn't there is refused."""
    with pytest.raises(Divergence):
        apply({}, [{"op": "add", "path": "/a/b", "value": 1}])


def test_a_frozen_view_can_not_be_changed() -> None:
    """A handler that writes to its view raises instead."""
    view = frozen({"a": {"b": [1]}})
    with pytest.raises(TypeError):
        view["a"]["b"] = 1
    with pytest.raises(AttributeError):
        view["a"]["b"].append(2)
    assert thawed(view) == {"a": {"b": [1]}}


@given(STATES, STATES)
def test_a_compact_diff_leads_to_the_same_state(before: dict, after: dict) -> None:
    """However it is cut, a diff gives what is."""
    operations = compact(before, after, "")
    assert canonical(apply(copy.deepcopy(before), operations)) == canonical(after)


def test_what_changes_throughout_is_replaced_as_one() -> None:
    """A diff never costs many times what it is about."""
    before, after = {"k": [0] * 1000, "n": 1}, {"k": [1] * 1000, "n": 2}
    operations = compact(before, after, "/memory")
    assert [(o["op"], o["path"]) for o in operations] == [
        ("replace", "/memory/k"),
        ("replace", "/memory/n"),
    ]
    few = compact([0] * MAX_OPERATIONS, [1] * MAX_OPERATIONS, "/a")
    assert len(few) == MAX_OPERATIONS
