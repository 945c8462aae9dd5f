"""Sentences to begin with, made from the actions' example phrases. Pure."""

import re
from itertools import zip_longest
from typing import Any

from chat_space.previews import BUILT_IN

Json = dict[str, Any]

NUMBERS = (5, 3, 2)
WORDS = {"key": "owner", "name": "owner", "value": "Ada", "reason": "release"}
MOST = 3


def suggest(registry: Json) -> list[str]:
    """Up to three sentences the caller may click instead of typing; the first has two steps.

    The two steps change the same component, the one with most actions; the other sentences show
    what else there is.
    """
    groups = _groups(registry)
    if not groups:
        return []
    first, *others = [_fill(group) for group in groups]
    if len(first) > 1:
        first = [f"{first[0]}, then {first[1]}", *first[2:], first[0]]
    turns = zip_longest(*others, first[1:])
    return [*first[:1], *(phrase for turn in turns for phrase in turn if phrase)][:MOST]


def _groups(registry: Json) -> list[list[Json]]:
    """The offered actions by what they change, most first; within, what tells most comes first."""
    groups: dict[str, list[Json]] = {}
    for action in registry.get("actions", []):
        offered = action.get("visibility", "user") == "user"
        if action.get("phrases") and offered and not action["id"].startswith(BUILT_IN):
            target = next(iter(action.get("targets") or []), "").strip("/").split("/")[0]
            groups.setdefault(target, []).append(action)
    for actions in groups.values():
        actions.sort(key=_telling)
    return sorted(groups.values(), key=len, reverse=True)


def _telling(action: Json) -> tuple[bool, int]:
    """Actions without confirmation first, among them those with most required inputs."""
    return bool(action.get("confirmation")), -len(action.get("inputs", {}).get("required", []))


def _fill(actions: list[Json]) -> list[str]:
    """Each action's first phrase with example inputs, where examples can be made."""
    filled = (_filled(action, NUMBERS[at % len(NUMBERS)]) for at, action in enumerate(actions))
    return [phrase for phrase in filled if phrase]


def _filled(action: Json, number: int) -> str | None:
    properties = action.get("inputs", {}).get("properties", {})
    phrase: str = action["phrases"][0]
    for name in re.findall(r"\{(\w+)\}", phrase):
        example = _example(name, properties.get(name, {}), number)
        if example is None:
            return None
        phrase = phrase.replace(f"{{{name}}}", str(example))
    return phrase


def _example(name: str, schema: Json, number: int) -> Any:
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if schema.get("type") in ("integer", "number"):
        low, high = schema.get("minimum", number), schema.get("maximum", number)
        return max(low, min(high, number))
    return WORDS.get(name, name) if schema.get("type", "string") == "string" else None
