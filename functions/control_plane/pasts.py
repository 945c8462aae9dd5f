"""What intents name of the past: states to go back to, executions to erase."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from control_plane import erasure, history
from control_plane.archive.reader import Archive
from control_plane.canonical import MAX_INTEGER
from control_plane.errors import StateErased
from control_plane.models import Erasable, Intent, Past
from control_plane.registry import REVERT
from control_plane.registry.builtin import ERASE
from control_plane.store import Store
from control_plane.target import Target

type Range = tuple[int, int]


class Pasts(Struct, frozen=True):
    """What intents name of the past: states by version, those that are erased, and ranges to erase.

    What was stays so: it is read without the lock.
    """

    versions: Mapping[int, Past] = field(default_factory=dict)
    erased: frozenset[int] = frozenset()
    ranges: Mapping[Range, Erasable] = field(default_factory=dict)


NOTHING = Pasts()


def pasts(store: Store, archived: Archive, target: Target, intents: Sequence[Intent]) -> Pasts:
    """The states that reverts go back to, and the executions that erasures would erase."""
    versions: dict[int, Past] = {}
    erased: set[int] = set()
    for [version] in _named(intents, REVERT, "version"):
        try:
            past = history.past_at(store, archived, target, version)
        except StateErased:
            erased.add(version)
        else:
            versions |= {version: past} if past is not None else {}
    ranges = _named(intents, ERASE, "first_seq", "last_seq")
    erasable = {(a, b): erasure.erasable(store, archived, target, a, b) for a, b in ranges}
    return Pasts(versions, frozenset(erased), erasable)


def _named(intents: Sequence[Intent], action: str, *inputs: str) -> set[tuple[int, ...]]:
    """What intents of an action name, where that can be."""
    asked = [intent.inputs for intent in intents if intent.action.partition("@")[0] == action]
    named: list[tuple[Any, ...]] = [tuple(map(given.get, inputs)) for given in asked]
    return {each for each in named if all(type(n) is int and 0 <= n <= MAX_INTEGER for n in each)}
