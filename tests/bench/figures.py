"""Rounds become figures: rate, percentiles, and the ratio to the limit of the same round."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed: transactions a second, and how long they took."""

    rate: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, milliseconds: Sequence[float], seconds: float) -> Self:
        """A round of transactions that took so long each, and together."""
        ordered = sorted(milliseconds)
        last = len(ordered) - 1
        p50, p99 = ordered[round(last * 0.5)], ordered[round(last * 0.99)]
        return cls(len(ordered) / seconds, p50, p99)


@dataclass(frozen=True, slots=True)
class Figures:
    """A case's medians over its rounds; `ratio` is the median of the paired ratios."""

    name: str
    rate: float
    p50_ms: float
    p99_ms: float
    ratio: float

    @classmethod
    def of(cls, name: str, rounds: Sequence[Round], limits: Sequence[Round]) -> Self:
        """A case's rounds beside the limit's, paired in time."""
        ratios = [mine.rate / limit.rate for mine, limit in zip(rounds, limits, strict=True)]
        return cls(
            name=name,
            rate=round(median(mine.rate for mine in rounds), 1),
            p50_ms=round(median(mine.p50_ms for mine in rounds), 3),
            p99_ms=round(median(mine.p99_ms for mine in rounds), 3),
            ratio=round(median(ratios), 4),
        )

    def row(self) -> dict[str, str | float]:
        """As `--json` has it."""
        return asdict(self)
