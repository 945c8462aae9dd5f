"""State as cards: any component's JSON becomes a small tree of labelled nodes. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chat_space.labels import clip, humanize, item_name, property_label, property_schema, resolve

Json = dict[str, Any]
Kind = Literal["hero", "number", "switch", "text", "note", "group", "checks", "empty"]

DEEPEST = 4  # levels drawn as rows; what lies deeper is shown as JSON
SHORT = 32  # characters that fit on the label's line
MOST_ITEMS = 50  # of one list or object; the rest is counted
MOST_DEEP_ITEMS = 10  # of one that lies deeper than the second level
MOST_ROWS = 50  # of one component


@dataclass
class Node:
    """One line or block of a card. `percent` (0–100) draws a bar under it."""

    kind: Kind
    label: str = ""
    value: Any = None
    unit: str = ""
    percent: int | None = None
    children: list["Node"] = field(default_factory=list)
    more: int = 0


@dataclass(frozen=True)
class Card:
    """A component's title and its lines; `changed` draws attention to it."""

    id: str
    title: str
    description: str
    nodes: list[Node]
    changed: bool = False


def cards(registry: Json, components: Json, changed: frozenset[str] = frozenset()) -> list[Card]:
    """One card per component of the state, in the registry's order, unknown ones last."""
    declared = {item["id"]: item for item in registry.get("components", [])}
    order = [key for key in declared if key in components]
    order += sorted(key for key in components if key not in declared)
    return [_card(key, declared.get(key, {}), components[key], key in changed) for key in order]


def _card(key: str, declared: Json, state: Any, changed: bool) -> Card:
    root = declared.get("schema", {})
    return Card(
        id=key,
        title=declared.get("title") or humanize(key),
        description=declared.get("description") or "",
        nodes=_trim(_top(state, resolve(root, root), root), MOST_ROWS)[0],
        changed=changed,
    )


def _top(state: Any, schema: Json, root: Any) -> list[Node]:
    if isinstance(state, Mapping):
        if not state:
            return [Node("empty")]
        nodes = _properties(state, schema, root, 1)
        numbers = [node for node in nodes if node.kind == "number"]
        if len(numbers) == 1 == len(nodes):
            numbers[0].kind = "hero"
            if next(iter(state)) in (schema.get("properties") or {}):
                numbers[0].label = numbers[0].label.lower()
        if len(nodes) == 1 and nodes[0].kind == "checks":
            nodes[0].label = ""
        return [*nodes, *_left_out(state, MOST_ITEMS)]
    return [_node("", state, schema, root, 1)]


def _node(label: str, value: Any, schema: Json, root: Any, depth: int) -> Node:
    if isinstance(value, bool):
        return Node("switch", label, value)
    if isinstance(value, int | float):
        return Node("number", label, value, _unit(schema), _percent(value, schema))
    if value is None:
        return Node("text", label, "–")
    if isinstance(value, str):
        return _words(label, clip(value))
    if depth >= DEEPEST:
        return Node("note", label, clip(json.dumps(value, ensure_ascii=False)))
    if isinstance(value, list):
        return _list(label, value, schema, root, depth)
    return _group(label, value, schema, root, depth)


def _group(label: str, value: Json, schema: Json, root: Any, depth: int) -> Node:
    if not value:
        return Node("text", label, "empty")
    children = _properties(value, schema, root, depth + 1)
    return Node("group", label, children=[*children, *_left_out(value, _most(depth + 1))])


def _properties(value: Mapping[str, Any], schema: Json, root: Any, depth: int) -> list[Node]:
    return [
        _node(property_label(schema, key, sub), item, sub, root, depth)
        for key, item in list(value.items())[: _most(depth)]
        for sub in [property_schema(schema, key, root)]
    ]


def _list(label: str, items: list[Any], schema: Json, root: Any, depth: int) -> Node:
    if not items:
        return Node("text", label, "empty")
    if checks := _checks(items):
        done = sum(bool(check.value) for check in checks)
        return Node("checks", label, percent=round(100 * done / len(checks)), children=checks)
    if all(isinstance(item, str | int | float) for item in items):
        return _words(label, _joined(items))
    sub = resolve(schema.get("items"), root)
    children = [
        _node(item_name(item) or f"#{at + 1}", item, sub, root, depth + 1)
        for at, item in enumerate(items[: _most(depth + 1)])
    ]
    return Node("group", label, children=[*children, *_left_out(items, _most(depth + 1))])


def _words(label: str, text: str) -> Node:
    return Node("text" if len(text) <= SHORT else "note", label, text)


def _joined(items: list[Any]) -> str:
    text = clip(", ".join(str(item) for item in items[:MOST_ITEMS]))
    left = len(items) - MOST_ITEMS
    return f"{text} … and {left:,} more" if left > 0 else text


def _most(depth: int) -> int:
    """How many items are drawn of a list or object whose items are at this level."""
    return MOST_ITEMS if depth <= 2 else MOST_DEEP_ITEMS


def _trim(nodes: list[Node], room: int) -> tuple[list[Node], int]:
    """The nodes that fit into `room` rows, the rest counted, and the room that is left."""
    kept: list[Node] = []
    for at, node in enumerate(nodes):
        if room <= 0:
            left = sum(other.more or 1 for other in nodes[at:])
            return [*kept, Node("empty", more=left)], 0
        node.children, room = _trim(node.children, room - 1)
        kept.append(node)
    return kept, room


def _checks(items: list[Any]) -> list[Node]:
    """The items as a checklist, where each is a name and one boolean; else an empty list."""
    checks = [
        Node("switch", name, flags[0])
        for item in items
        if (name := item_name(item)) is not None
        and len(flags := [flag for flag in item.values() if isinstance(flag, bool)]) == 1
    ]
    return checks if len(checks) == len(items) else []


def _left_out(value: Any, most: int) -> list[Node]:
    left = len(value) - most
    return [Node("empty", more=left)] if left > 0 else []


def _unit(schema: Json) -> str:
    unit = schema.get("x-unit") or schema.get("unit")
    return unit if isinstance(unit, str) else ""


def _percent(value: float, schema: Json) -> int | None:
    """How full a share is, from nothing to at most a hundred as its schema bounds it; else None.

    Other bounds are no measure: a scale begins at one, and a million only keeps nonsense out.
    """
    low, high = schema.get("minimum"), schema.get("maximum")
    if low != 0 or not isinstance(high, int | float) or not 0 < high <= 100:
        return None
    return max(0, min(100, round(100 * value / high)))
