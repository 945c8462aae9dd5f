"""The parts of data that expressions read: handing over no more than those is most of the time.

The library takes about a microsecond for each text that it is handed, however little it looks at.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import takewhile
from typing import Any

from control_plane.engine.expression_form import Form
from control_plane.models import Json

type Selection = tuple[str, ...]
"""A variable and the keys that are selected from it literally, as far as they are."""
type Tree = Mapping[str, Any]
"""Selections by their first key, those below them as a tree again; None: all that is there."""


def selections_of(form: Form) -> frozenset[Selection]:
    """What an expression reads of the scope's variables."""
    variables = [path for path in form.paths if path.owner is None]
    return frozenset((path.root, *_keys([key for _, key in path.steps])) for path in variables)


def _keys(keys: list[str | int | None]) -> list[str]:
    """The leading keys of objects; behind a place in a list or an unknown key is anything."""
    return [str(key) for key in takewhile(lambda key: isinstance(key, str), keys)]


@lru_cache(maxsize=1_024)
def tree_of(selections: frozenset[Selection]) -> Tree:
    """Selections together; where one takes a whole value, longer ones into it add nothing."""
    tree: dict[str, Any] = {}
    for *above, last in sorted(selections, key=len):
        node: dict[str, Any] | None = tree
        for key in above:
            node = node.setdefault(key, {}) if node is not None else None
        if node is not None:
            node.setdefault(last, None)
    return tree


def part(value: Json, tree: Tree | None) -> Json:
    """A value without what a tree doesn't select from it; what is no object is left whole."""
    if tree is None or not isinstance(value, dict):
        return value
    return {key: part(value[key], below) for key, below in tree.items() if key in value}
