"""What scripts receive never looks like a file to Gradio."""

from typing import Any

from chat_space.pointers import pointers
from hypothesis import given
from hypothesis import strategies as st

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("path"), inner),
)


def paths(value: Any) -> list[str]:
    """Every string under a key `path`, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in paths(item)]
    if not isinstance(value, dict):
        return []
    here = [value["path"]] if isinstance(value.get("path"), str) else []
    return here + [found for item in value.values() for found in paths(item)]


def size(value: Any) -> int:
    """How many values there are, at all depths."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + sum(size(item) for item in items)


@given(json_values)
def test_no_string_stays_under_a_key_path_and_nothing_is_lost(value):
    """Whatever the state holds, the renaming leaves no file-like dict and drops no member."""
    renamed = pointers(value)
    assert paths(renamed) == []
    assert size(renamed) == size(value)


def test_a_diff_keeps_its_paths_under_pointer():
    """An operation's path is found under `pointer`; a `path` that is no string stays."""
    diff = [{"op": "add", "path": "/a", "value": {"path": "/etc/passwd", "meta": None}}]
    assert pointers(diff) == [
        {"op": "add", "value": {"meta": None, "pointer": "/etc/passwd"}, "pointer": "/a"}
    ]
    assert pointers({"path": {"path": 1}}) == {"path": {"path": 1}}


def test_a_taken_name_is_not_overwritten():
    """A dict that has both `path` and `pointer` keeps both values."""
    assert pointers({"path": "a", "pointer": "b"}) == {"pointer": "b", "pointer_": "a"}
