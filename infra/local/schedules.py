"""EventBridge's schedule expressions: when rate(…) and cron(…) come next.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
HORIZON = 366 * 8  # days to look ahead, past the next 29 February in any case
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((.+)\)")


class ExpressionError(ValueError):
    """The expression is none that the local clock understands."""


class Schedule(Protocol):
    """Something that knows when it is next due."""

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due moment after `moment` (both aware)."""


@dataclass(frozen=True)
class Rate:
    """Due every so often, first one period after it begins."""

    period: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Return the moment one period later."""
        return moment + self.period


@dataclass(frozen=True)
class Cron:
    """Due in the minutes whose fields all match, in its own time zone. SUN is day 1 of a week."""

    minutes: list[int]
    hours: list[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime:
        """Return the next due minute. Raises ExpressionError when there is none for years."""
        first = moment.astimezone(self.zone).date()
        for due in self._minutes_from(first):
            if due > moment:
                return due
        raise ExpressionError("The schedule is never due again.")

    def _minutes_from(self, first: date) -> Iterator[datetime]:
        for offset in range(HORIZON):
            day = first + timedelta(days=offset)
            if self._takes(day):
                for hour in self.hours:
                    for minute in self.minutes:
                        local = datetime.combine(day, time(hour, minute), self.zone)
                        yield local.astimezone(UTC)

    def _takes(self, day: date) -> bool:
        return (
            day.year in self.years
            and day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 + 1 in self.weekdays
        )


def parse_schedule(expression: str, timezone: str = "UTC") -> Schedule:
    """Return the schedule of `rate(5 minutes)` or `cron(17 3 * * ? *)`.

    Raises ExpressionError for anything else, among it cron's L, W and #.
    """
    if found := RATE.fullmatch(expression):
        return Rate(timedelta(**{f"{found[2]}s": int(found[1])}))
    found = CRON.fullmatch(expression)
    fields = found[1].split() if found else []
    if len(fields) != 6:
        raise ExpressionError(f"The local clock doesn't understand the schedule {expression!r}.")
    return Cron(
        minutes=sorted(_values(fields[0], 0, 59)),
        hours=sorted(_values(fields[1], 0, 23)),
        days=_values(fields[2], 1, 31),
        months=_values(fields[3], 1, 12, MONTHS),
        weekdays=_values(fields[4], 1, 7, DAYS),
        years=_values(fields[5], 1970, 2199),
        zone=ZoneInfo(timezone),
    )


def _values(text: str, low: int, high: int, names: list[str] | None = None) -> frozenset[int]:
    """Return the numbers that a field names: `*`, `?`, lists, ranges and steps."""
    for number, name in enumerate(names or [], 1):
        text = text.upper().replace(name, str(number))
    return frozenset(n for part in text.split(",") for n in _range(part, low, high))


def _range(part: str, low: int, high: int) -> range:
    found = re.fullmatch(r"(?:[*?]|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
    if not found:
        raise ExpressionError(f"The local clock doesn't understand {part!r} in a schedule.")
    start, end, step = found.groups()
    first = int(start) if start else low
    # A single number with a step runs to the end of the field: 5/15 is 5, 20, 35, 50.
    last = int(end) if end else first if start and not step else high
    if not low <= first <= last <= high:
        raise ExpressionError(f"{part!r} is not within {low} to {high} in a schedule.")
    return range(first, last + 1, int(step or 1))
