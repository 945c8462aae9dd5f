"""What callers may not see: components declared unreadable are shown to admins only."""

from collections.abc import Set as AbstractSet
from typing import Any

from control_plane.engine.effects import tokens
from control_plane.models import Json
from control_plane.target import Target


def shown_to(target: Target, answer: Json) -> Json:
    """An answer of the API without the states and the changes that its caller may not see.

    An execution that lost changes says `redacted`; its hashes are still those of the whole.
    """
    declared = target.registry.components.values()
    hidden = {component.id for component in declared if not component.readable}
    if not hidden or target.principal.role == "admin":
        return answer
    return _without(answer, hidden)


def _without(value: Any, hidden: AbstractSet[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, hidden) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {
        key: item if key == "inputs" else _without(item, hidden) for key, item in value.items()
    }
    if isinstance(diff := value.get("diff"), list):
        shown["diff"] = [op for op in diff if tokens(op["path"])[0] not in hidden]
        shown |= {"redacted": True} if len(shown["diff"]) < len(diff) else {}
    if isinstance(components := value.get("components"), dict):
        shown["components"] = {id: s for id, s in components.items() if id not in hidden}
    return shown
