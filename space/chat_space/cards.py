"""State as cards: any component's JSON becomes a small tree of labelled nodes. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chat_space.labels import humanize, item_name, property_schema, resolve, titled

Json = dict[str, Any]
Kind = Literal["hero", "number", "switch", "text", "note", "group", "checks", "empty"]

DEEPEST = 4  # levels drawn as rows; what lies deeper is shown as JSON
SHORT = 32  # characters that fit on the label's line
MOST_ITEMS = 40  # of one list or object; the rest is counted


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
        nodes=_top(state, resolve(root, root), root),
        changed=changed,
    )


def _top(state: Any, schema: Json, root: Any) -> list[Node]:
    if isinstance(state, Mapping):
        if not state:
            return [Node("empty")]
        nodes = [
            _node(titled(key, sub), value, sub, root, 1)
            for key, value in list(state.items())[:MOST_ITEMS]
            for sub in [property_schema(schema, key, root)]
        ]
        numbers = [node for node in nodes if node.kind == "number"]
        if len(numbers) == 1 == len(nodes):
            numbers[0].kind = "hero"
        if len(nodes) == 1 and nodes[0].kind == "checks":
            nodes[0].label = ""
        return [*nodes, *_left_out(state)]
    return [_node("", state, schema, root, 1)]


def _node(label: str, value: Any, schema: Json, root: Any, depth: int) -> Node:
    if isinstance(value, bool):
        return Node("switch", label, value)
    if isinstance(value, int | float):
        return Node("number", label, value, _unit(schema), _percent(value, schema))
    if value is None:
        return Node("text", label, "–")
    if isinstance(value, str):
        return Node("text" if len(value) <= SHORT else "note", label, value)
    if depth >= DEEPEST:
        return Node("note", label, json.dumps(value, ensure_ascii=False))
    if isinstance(value, list):
        return _list(label, value, schema, root, depth)
    return _group(label, value, schema, root, depth)


def _group(label: str, value: Json, schema: Json, root: Any, depth: int) -> Node:
    if not value:
        return Node("text", label, "empty")
    children = [
        _node(titled(key, sub), item, sub, root, depth + 1)
        for key, item in list(value.items())[:MOST_ITEMS]
        for sub in [property_schema(schema, key, root)]
    ]
    return Node("group", label, children=[*children, *_left_out(value)])


def _list(label: str, items: list[Any], schema: Json, root: Any, depth: int) -> Node:
    if not items:
        return Node("text", label, "empty")
    if checks := _checks(items):
        done = sum(bool(check.value) for check in checks)
        return Node("checks", label, percent=round(100 * done / len(checks)), children=checks)
    if all(isinstance(item, str | int | float) for item in items):
        text = ", ".join(str(item) for item in items)
        return Node("text" if len(text) <= SHORT else "note", label, text)
    sub = resolve(schema.get("items"), root)
    children = [
        _node(item_name(item) or f"#{at + 1}", item, sub, root, depth + 1)
        for at, item in enumerate(items[:MOST_ITEMS])
    ]
    return Node("group", label, children=[*children, *_left_out(items)])


def _checks(items: list[Any]) -> list[Node]:
    """The items as a checklist, where each is a name and one boolean; else an empty list."""
    checks = [
        Node("switch", name, flags[0])
        for item in items
        if (name := item_name(item)) is not None
        and len(flags := [flag for flag in item.values() if isinstance(flag, bool)]) == 1
    ]
    return checks if len(checks) == len(items) else []


def _left_out(value: Any) -> list[Node]:
    left = len(value) - MOST_ITEMS
    return [Node("empty", more=left)] if left > 0 else []


def _unit(schema: Json) -> str:
    unit = schema.get("x-unit") or schema.get("unit")
    return unit if isinstance(unit, str) else ""


def _percent(value: float, schema: Json) -> int | None:
    """How full a number is between the bounds its schema sets; None without both bounds."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if not isinstance(low, int | float) or not isinstance(high, int | float) or high <= low:
        return None
    return max(0, min(100, round(100 * (value - low) / (high - low))))
