"""Differences between states, and how to go through time with them.

A difference is a list of RFC 6902 operations, only add, remove and replace, rooted at the
components object; each also carries `before`, the value that it takes away.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

from control_plane.models import Json

type Operation = dict[str, Json]

MAX_OPERATIONS = 100
"""Operations under one node that are kept apart; more are stored as one replace of the node."""

_OBJECTS = (dict, MappingProxyType)
_ARRAYS = (list, tuple)


class Divergence(Exception):
    """An operation's old value is not what the state holds."""


def escape(key: str) -> str:
    """A key as a JSON Pointer token (RFC 6901 §3)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def tokens(pointer: str) -> list[str]:
    """The keys that a JSON Pointer names, in order."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def diff(before: Json, after: Json, path: str = "") -> Iterator[Operation]:
    """Operations that turn `before` into `after`, in a fixed order; none where they are equal.

    Lists are compared place by place. 1 and 1.0 are equal, as their canonical texts are; 1 and
    true are not.
    """
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _diff_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _diff_lists(before, after, path)
    elif not _equal_leaves(before, after):
        yield {"op": "replace", "path": path, "before": before, "value": after}


def compact(before: Json, after: Json, path: str) -> list[Operation]:
    """A diff of at most `MAX_OPERATIONS` for each node: where more differ, the node is replaced.

    A list that changes throughout would otherwise cost many times its own size.
    """
    both = (before, after)
    if all(isinstance(value, dict) for value in both) and before.keys() == after.keys():
        parts = [
            compact(before[key], after[key], f"{path}/{escape(key)}") for key in sorted(before)
        ]
        operations = [operation for part in parts for operation in part]
    else:
        operations = list(islice(diff(before, after, path), MAX_OPERATIONS + 1))
    if len(operations) <= MAX_OPERATIONS:
        return operations
    return [{"op": "replace", "path": path, "before": before, "value": after}]


def _equal_leaves(before: Json, after: Json) -> bool:
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _diff_objects(
    before: dict[str, Json], after: dict[str, Json], path: str
) -> Iterator[Operation]:
    for key in sorted(before.keys() | after.keys()):
        place = f"{path}/{escape(key)}"
        if key not in after:
            yield {"op": "remove", "path": place, "before": before[key]}
        elif key not in before:
            yield {"op": "add", "path": place, "value": after[key]}
        elif before[key] is not after[key]:
            yield from diff(before[key], after[key], place)


def _diff_lists(before: list[Json], after: list[Json], path: str) -> Iterator[Operation]:
    common = min(len(before), len(after))
    for index in range(common):
        if before[index] is not after[index]:
            yield from diff(before[index], after[index], f"{path}/{index}")
    for index in range(len(before) - 1, common - 1, -1):
        yield {"op": "remove", "path": f"{path}/{index}", "before": before[index]}
    for index in range(common, len(after)):
        yield {"op": "add", "path": f"{path}/{index}", "value": after[index]}


def apply(state: Json, operations: Sequence[Operation]) -> Json:
    """`state` after the operations; changes `state` in place where it can.

    Raises `Divergence` where an operation's old value is not what is there: the history that it
    belongs to is not this state's.
    """
    for operation in operations:
        if operation["path"] == "":
            state = operation["value"]
        else:
            _apply_below(state, operation)
    return state


def _apply_below(state: Json, operation: Operation) -> None:
    *parents, last = tokens(operation["path"])
    try:
        for token in parents:
            state = state[int(token)] if isinstance(state, list) else state[token]
        place: Any = int(last) if isinstance(state, list) else last
        _check_before(state, place, operation)
        _change(state, place, operation)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Divergence(f"{operation['path']} is not there: {error}") from error


def _check_before(parent: Any, place: Any, operation: Operation) -> None:
    if operation["op"] == "add":
        there = place != len(parent) if isinstance(parent, list) else place in parent
        if there:
            raise Divergence(f"{operation['path']} is already there")
    elif next(diff(parent[place], operation["before"]), None):
        raise Divergence(f"{operation['path']} is not {operation['before']!r}")


def _change(parent: Any, place: Any, operation: Operation) -> None:
    if operation["op"] == "remove":
        del parent[place]
    elif isinstance(parent, list) and operation["op"] == "add":
        parent.append(operation["value"])
    else:
        parent[place] = operation["value"]


def frozen(value: Json) -> Any:
    """A read-only view: objects become mapping proxies, lists become tuples."""
    if isinstance(value, dict):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple([item if type(item) is str else frozen(item) for item in value])
    return value


def thawed(value: Any) -> Json:
    """Plain JSON again, whatever parts of a view it holds; other types stay as they are."""
    if isinstance(value, _OBJECTS):
        return {key: item if type(item) is str else thawed(item) for key, item in value.items()}
    if isinstance(value, _ARRAYS):
        return [item if type(item) is str else thawed(item) for item in value]
    return value
