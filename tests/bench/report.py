"""What a run says: a table for people, one line of JSON, and docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import orjson

from tests.bench.cases import FRESH_TARGETS, TARGETS
from tests.bench.figures import Figures

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
_HEAD = ("case", "per second", "p50 ms", "p99 ms", "ratio", "target")


def as_json(figures: Sequence[Figures]) -> str:
    """`{"cases": [{"name", "rate", "p50_ms", "p99_ms", "ratio"}]}` in one line."""
    return orjson.dumps({"cases": [each.row() for each in figures]}).decode()


def as_table(figures: Sequence[Figures]) -> str:
    """The figures in columns."""
    rows = [_HEAD, *_rows(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 5) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_page(figures: Sequence[Figures], postgresql: str, rounds: int, seconds: float) -> str:
    """docs/performance.md."""
    template = (Path(__file__).parent / "performance.md").read_text()
    lines = [f"| {' | '.join(_HEAD)} |", "|---|--:|--:|--:|--:|---|"]
    lines += [f"| {' | '.join((f'`{row[0]}`', *row[1:]))} |" for row in _rows(figures)]
    facts = {
        "machine": f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "postgresql": postgresql,
        "rounds": str(rounds),
        "seconds": f"{seconds:g}",
        "table": "\n".join(lines),
    }
    for name, value in facts.items():
        template = template.replace(f"«{name}»", value)
    return template


def _rows(figures: Sequence[Figures]) -> list[tuple[str, ...]]:
    ratios = {each.name: each.ratio for each in figures}
    return [
        (
            each.name,
            f"{each.rate:,.0f}",
            f"{each.p50_ms:.2f}",
            f"{each.p99_ms:.2f}",
            f"{each.ratio:.3f}",
            _target(each, ratios),
        )
        for each in figures
    ]


def _target(figures: Figures, ratios: dict[str, float]) -> str:
    """The least that is aimed at, and whether it was reached; empty where nothing is."""
    if figures.name in TARGETS:
        return _judged(figures.ratio, TARGETS[figures.name], "")
    fresh, share = FRESH_TARGETS.get(figures.name, ("", 0.0))
    if fresh not in ratios:
        return ""
    found = figures.ratio / ratios[fresh]
    return _judged(found, share, f" of the fresh ratio: {found:.2f}")


def _judged(found: float, least: float, about: str) -> str:
    return f"≥ {least:.2f}{about}{'' if found >= least else ', missed'}"
