"""The archive's objects as days: how many of the project's executions each holds, its size. Pure.

An object's `rows` are those of all projects that are in it; a project's own have no gap.
"""

from typing import Any

Json = dict[str, Any]

UNITS = ("bytes", "KB", "MB", "GB", "TB")


def days(items: list[Json]) -> list[Json]:
    """One entry a day, newest first, with its objects; `share` is its part of the largest day."""
    found: dict[str, list[Json]] = {}
    for item in items:
        found.setdefault(item["day"], []).append(item)
    told = [_day(day, objects) for day, objects in sorted(found.items(), reverse=True)]
    most = max((day["rows"] for day in told), default=0) or 1
    return [{**day, "share": max(1, round(100 * day["rows"] / most))} for day in told]


def total(items: list[Json]) -> Json:
    """All of them together: `{"rows", "size", "objects"}`; no size where one is unknown."""
    return {"rows": _rows(items), "size": size_of(items), "objects": len(items)}


def _day(day: str, objects: list[Json]) -> Json:
    objects = sorted(objects, key=lambda item: item["first_seq"])
    return {
        "day": day,
        "rows": _rows(objects),
        "size": size_of(objects),
        "first": objects[0]["first_seq"],
        "last": max(item["last_seq"] for item in objects),
        "objects": objects,
    }


def _rows(items: list[Json]) -> int:
    """How many executions of the project the objects hold."""
    return sum(item["last_seq"] - item["first_seq"] + 1 for item in items)


def size_of(items: list[Json]) -> str:
    """The size in words; empty where the API doesn't tell it of each."""
    sizes = [item.get("size") for item in items]
    if not sizes or any(size is None for size in sizes):
        return ""
    return in_words(sum(size for size in sizes if size is not None))


def in_words(size: float) -> str:
    """A number of bytes as people say it: "640 bytes", "1.5 MB"."""
    unit = 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f}".removesuffix(".0") + f" {UNITS[unit]}"
