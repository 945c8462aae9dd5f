"""What executions have put into the state, and whether it is gone from there.

Looked at are texts and numbers, not truth values and not names of members. A value counts as put
by a range where it was not in the component before; what took the place of another such value may
stay.
"""

from collections.abc import Iterator, Mapping, Sequence

from control_plane.engine.effects import Operation, escape, tokens
from control_plane.models import Brought, Json

type Leaf = str | int | float
type Leaves = Iterator[tuple[str, Leaf]]
type Tree = dict[str, "Tree | Leaf"]
"""What stands where, by the tokens of its place."""


class Bringing:
    """Follows what a range of executions puts into the state, from the state before it on."""

    def __init__(self, before: Mapping[str, Json]) -> None:
        self._known = {id: {leaf for _, leaf in leaves(state)} for id, state in before.items()}
        self._standing: Tree = {}
        self._placed: set[tuple[str, Leaf]] = set()

    def take(self, diff: Sequence[Operation]) -> None:
        """The next execution's changes."""
        for operation in diff:
            path: str = operation["path"]
            replaced = self._replaced(path)
            if "value" in operation:
                self._put(path, operation["value"], replaced)

    def _replaced(self, path: str) -> set[Leaf]:
        """What the range itself had put at a place, which is overwritten now."""
        *parents, last = path.split("/")[1:]
        node: Tree | Leaf = self._standing
        for parent in parents:
            node = node.get(parent, {}) if isinstance(node, dict) else {}
        return set(_leaves_of(node.pop(last, {}))) if isinstance(node, dict) else set()

    def _put(self, path: str, value: Json, replaced: set[Leaf]) -> None:
        known = self._known.get(tokens(path)[0], set())
        for place, leaf in leaves(value, path):
            if leaf not in known:
                _plant(self._standing, place, leaf)
                if not replaced or leaf in replaced:
                    self._placed.add((place, leaf))

    def brought(self) -> Brought:
        """What should be gone now."""
        anywhere = set().union(*self._known.values())
        texts = {leaf for _, leaf in self._placed if isinstance(leaf, str)} - anywhere
        return Brought(frozenset(self._placed), frozenset(texts))


def _plant(tree: Tree, place: str, leaf: Leaf) -> None:
    *parents, last = place.split("/")[1:]
    for parent in parents:
        child = tree.get(parent)
        if not isinstance(child, dict):
            child = tree[parent] = {}
        tree = child
    tree[last] = leaf


def _leaves_of(tree: Tree | Leaf) -> Iterator[Leaf]:
    if not isinstance(tree, dict):
        yield tree
        return
    for child in tree.values():
        yield from _leaves_of(child)


def still_in(brought: Brought, state: Mapping[str, Json]) -> str | None:
    """The first component that still holds what executions have brought; None where none does."""
    for id in sorted(state):
        for place, leaf in leaves(state[id], f"/{escape(id)}"):
            if leaf in brought.texts or (place, leaf) in brought.placed:
                return id
    return None


def leaves(value: Json, place: str = "") -> Leaves:
    """Every text and number in a value, with its place."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from leaves(member, f"{place}/{escape(key)}")
    elif isinstance(value, list | tuple):
        for index, member in enumerate(value):
            yield from leaves(member, f"{place}/{index}")
    elif value and isinstance(value, str | int | float) and not isinstance(value, bool):
        yield place, value
