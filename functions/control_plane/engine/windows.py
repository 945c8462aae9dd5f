"""When a policy's windows are open: whenever their wall clock shows a time inside one.

Where a clock jumps forward, what it skips is nobody's time: a window that begins there is open from
the jump on. Where it goes back, it shows an hour twice, and a window in that hour is open twice.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from control_plane.engine.policy import Window

_DAY = timedelta(days=1)
_SEARCHED = 16
"""In days: a weekly window whose one hour a jump skips comes again a week later."""


def is_open(windows: Sequence[Window], at: str) -> bool:
    """Whether a moment, as records write it, is in one of the windows, or there are none.

    A window starts on its days and holds its start but not its end. One that doesn't end after it
    starts ends on the next day; where both are equal, it is open for a whole day.
    """
    moment = datetime.fromisoformat(at)
    return not windows or any(_holds(window, moment) for window in windows)


def next_opening(windows: Sequence[Window], at: str) -> str | None:
    """The first moment from `at` on at which a window is open; None if that is never.

    Both moments are as records write them. A year beyond 9999 is never.
    """
    if is_open(windows, at):
        return at
    moment = datetime.fromisoformat(at)
    opening = min(
        (
            candidate
            for window in windows
            for candidate in _candidates(window, moment)
            if candidate > moment and _holds(window, candidate)
        ),
        default=None,
    )
    if opening is None:
        return None
    return f"{opening.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _holds(window: Window, moment: datetime) -> bool:
    wall = moment.astimezone(ZoneInfo(window.timezone))
    today, yesterday = wall.weekday(), (wall.weekday() - 1) % 7
    minute = 60 * wall.hour + wall.minute
    if window.start < window.end:
        return today in window.days and window.start <= minute < window.end
    began_today = today in window.days and minute >= window.start
    return began_today or (yesterday in window.days and minute < window.end)


def _candidates(window: Window, moment: datetime) -> Iterator[datetime]:
    """Every moment, in UTC, at which the window may open: its starts, and where its clock jumps."""
    zone = ZoneInfo(window.timezone)
    try:
        for past in range(_SEARCHED):
            day = moment.astimezone(zone).date() + past * _DAY
            start = datetime.combine(day, time(*divmod(window.start, 60)), zone)
            yield from (start.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
            yield from _jumps(zone, moment + past * _DAY)
    except OverflowError:
        return


def _jumps(zone: ZoneInfo, since: datetime) -> Iterator[datetime]:
    """The second at which the zone's offset changes within a day, if it does."""
    low, high = since.replace(microsecond=0), since + _DAY
    offset = low.astimezone(zone).utcoffset()
    if high.astimezone(zone).utcoffset() == offset:
        return
    span = int((high - low) / timedelta(seconds=1)) + 1
    while span > 1:
        half = span // 2
        middle = low + timedelta(seconds=half)
        if middle.astimezone(zone).utcoffset() == offset:
            low, span = middle, span - half
        else:
            span = half
    yield low + timedelta(seconds=1)
