"""How what somebody promised differs from what would happen now. Pure.

Both sides are steps as `previews.told` shows them.
"""

from typing import Any

Json = dict[str, Any]
Side = tuple[str | None, str | None]  # before and after, None where there is nothing

SHORT = 60  # characters of a value that may stand in a sentence
NOTHING_CHANGED = "Nothing was changed."


def compare(opening: str, promised: list[Json], now: list[Json]) -> Json:
    """`{"outcome", "moved"}`: one sentence, and the rows that one sentence can't hold.

    `opening` is "Superseded. You approved" or "You confirmed"; a single changed value follows it,
    as in "… 500 → 550. It would now be 400 → 550. Nothing was changed."
    """
    before, after = _folded(promised), _folded(now)
    if one := _one(before, after):
        was, would_be = one
        sentence = f"{opening} {was}. It would now be {would_be}. {NOTHING_CHANGED}"
        return {"outcome": sentence, "moved": []}
    rows = [
        {"label": label, "promised": _pair(before.get(label)), "now": _pair(after.get(label))}
        for label in dict.fromkeys((*before, *after))
        if before.get(label) != after.get(label)
    ]
    first, _, verb = opening.rpartition("You ")
    sentence = f"{first}What you {verb} is not what would happen now. {NOTHING_CHANGED}"
    return {"outcome": sentence, "moved": rows}


def _folded(steps: list[Json]) -> dict[str, Side]:
    """Each changed place with its first old and its last new value."""
    sides: dict[str, Side] = {}
    for change in (change for step in steps for change in step["changes"]):
        label = change["label"]
        first = sides[label][0] if label in sides else change["before"]
        sides[label] = (first, change["after"])
    return sides


def _one(before: dict[str, Side], after: dict[str, Side]) -> tuple[str, str] | None:
    """The two sides in words where one and the same value is all there is, and both are short."""
    if len(before) != 1 or before.keys() != after.keys() or before == after:
        return None
    sides = [*before.values(), *after.values()]
    if any(len(text) > SHORT for side in sides for text in side if text is not None):
        return None
    was, would_be = (_arrow(side) for side in sides)
    return was, would_be


def _arrow(side: Side) -> str:
    old, new = side
    return f"{'new' if old is None else old} → {'removed' if new is None else new}"


def _pair(side: Side | None) -> Json | None:
    return None if side is None else {"before": side[0], "after": side[1]}
