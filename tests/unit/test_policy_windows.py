"""Windows are open when their wall clock says so, whatever clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from control_plane.engine.policy import Window
from control_plane.engine.windows import is_open, next_opening
from hypothesis import given, settings
from hypothesis import strategies as st

EVERY_DAY = frozenset(range(7))
SUNDAY = frozenset({6})
BERLIN = "Europe/Berlin"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def window(start: str, end: str, days: frozenset[int] = EVERY_DAY, zone: str = "UTC") -> Window:
    """A window from texts."""
    first, last = (int(hour[:2]) * 60 + int(hour[3:]) for hour in (start, end))
    return Window(days, first, last, zone)


def at(text: str) -> str:
    """A moment as records write it."""
    return f"{datetime.fromisoformat(text).isoformat(timespec='microseconds')}Z"


def test_without_windows_it_is_always_open() -> None:
    """No windows restrict nothing."""
    assert is_open((), at("2026-01-01T00:00"))
    assert next_opening((), at("2026-01-01T00:00")) == at("2026-01-01T00:00")


def test_a_window_holds_its_start_and_not_its_end() -> None:
    """From 09:00 up to 17:00, to the microsecond."""
    office = [window("09:00", "17:00")]
    assert is_open(office, at("2026-01-01T09:00"))
    assert is_open(office, at("2026-01-01T16:59:59.999999"))
    assert not is_open(office, at("2026-01-01T08:59:59.999999"))
    assert not is_open(office, at("2026-01-01T17:00"))
    assert next_opening(office, at("2026-01-01T17:00")) == at("2026-01-02T09:00")


def test_past_midnight_a_window_belongs_to_the_day_it_starts_on() -> None:
    """Friday 22:00–06:00 is open on Saturday morning, not on Friday morning."""
    night = [window("22:00", "06:00", frozenset({4}))]  # 2026-01-02 is a Friday
    assert not is_open(night, at("2026-01-02T05:00"))
    assert is_open(night, at("2026-01-02T23:00"))
    assert is_open(night, at("2026-01-03T05:59"))
    assert not is_open(night, at("2026-01-03T06:00"))
    assert next_opening(night, at("2026-01-03T06:00")) == at("2026-01-09T22:00")


def test_equal_start_and_end_are_a_whole_day() -> None:
    """From its start, for a day."""
    sunday = [window("00:00", "00:00", SUNDAY)]
    assert is_open(sunday, at("2026-01-04T00:00"))
    assert is_open(sunday, at("2026-01-04T23:59"))
    assert not is_open(sunday, at("2026-01-05T00:00"))
    from_nine = [window("09:00", "09:00", SUNDAY)]
    assert not is_open(from_nine, at("2026-01-04T08:59"))
    assert is_open(from_nine, at("2026-01-05T08:59"))


def test_a_window_may_end_at_midnight() -> None:
    """An end of 24:00 is the day's end."""
    evening = [window("18:00", "24:00", SUNDAY)]
    assert is_open(evening, at("2026-01-04T23:59:59"))
    assert not is_open(evening, at("2026-01-05T00:00"))


def test_days_and_hours_are_of_the_windows_own_zone() -> None:
    """Monday morning in Tokyo is Sunday in UTC."""
    tokyo = [window("09:00", "10:00", frozenset({0}), "Asia/Tokyo")]
    assert next_opening(tokyo, at("2026-01-04T00:00:01")) == at("2026-01-05T00:00")
    auckland = [window("09:00", "10:00", frozenset({0}), "Pacific/Auckland")]
    assert next_opening(auckland, at("2026-01-04T00:00")) == at("2026-01-04T20:00")


def test_a_window_that_starts_in_the_skipped_hour_opens_at_the_jump() -> None:
    """In Berlin on 29 March 2026 clocks jump from 02:00 to 03:00: 02:30–03:30 is half an hour."""
    early = [window("02:30", "03:30", zone=BERLIN)]
    assert next_opening(early, at("2026-03-29T00:00")) == at("2026-03-29T01:00")
    assert not is_open(early, at("2026-03-29T00:59:59.999999"))
    assert is_open(early, at("2026-03-29T01:29:59"))
    assert not is_open(early, at("2026-03-29T01:30"))


def test_a_window_within_the_skipped_hour_waits_for_its_next_day() -> None:
    """No clock shows 02:00–03:00 then; a Sunday's window comes a week later."""
    daily = [window("02:00", "03:00", zone=BERLIN)]
    assert next_opening(daily, at("2026-03-29T00:30")) == at("2026-03-30T00:00")
    weekly = [window("02:00", "03:00", SUNDAY, BERLIN)]
    assert next_opening(weekly, at("2026-03-22T02:00")) == at("2026-04-05T00:00")


def test_a_window_in_the_repeated_hour_opens_twice() -> None:
    """In Berlin on 25 October 2026 clocks show 02:00–03:00 twice, and so is 02:15–02:45 open."""
    late = [window("02:15", "02:45", zone=BERLIN)]
    assert next_opening(late, at("2026-10-25T00:00")) == at("2026-10-25T00:15")
    assert next_opening(late, at("2026-10-25T00:45")) == at("2026-10-25T01:15")
    assert next_opening(late, at("2026-10-25T01:45")) == at("2026-10-26T01:15")


def test_a_window_opens_again_where_the_clock_goes_back_into_it() -> None:
    """01:30–02:10 is over at 02:10, and open again when 02:00 comes a second time."""
    around = [window("01:30", "02:10", zone=BERLIN)]
    assert next_opening(around, at("2026-10-25T00:10")) == at("2026-10-25T01:00")
    assert not is_open(around, at("2026-10-25T01:10"))


def test_a_day_that_never_was_opens_nothing() -> None:
    """Samoa had no 30 December 2011, a Friday."""
    friday = [window("08:00", "09:00", frozenset({4}), "Pacific/Apia")]
    assert next_opening(friday, at("2011-12-29T12:00")) == at("2012-01-05T18:00")


def test_never_is_none() -> None:
    """At the end of time no window opens any more."""
    assert next_opening([window("09:00", "10:00")], at("9999-12-31T10:00")) is None
    assert next_opening([window("09:00", "10:00", frozenset())], at("2026-01-01T10:00")) is None


ZONES = [
    "UTC",
    BERLIN,
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
]
MINUTES = st.integers(0, 1_439)
WINDOWS = st.builds(
    Window,
    st.frozensets(st.integers(0, 6), min_size=1),
    MINUTES,
    MINUTES | st.just(1_440),
    st.sampled_from(ZONES),
)


@settings(max_examples=60)
@given(st.lists(WINDOWS, min_size=1, max_size=2), st.integers(0, 366 * 1_440))
def test_nothing_is_open_before_the_next_opening(windows: list[Window], minutes: int) -> None:
    """At the next opening a window is open, and at no minute between."""
    moment = BEGAN + timedelta(minutes=minutes)
    opening = next_opening(windows, at(moment.replace(tzinfo=None).isoformat()))
    assert opening is not None
    assert is_open(windows, opening)
    step = moment
    while step < datetime.fromisoformat(opening):
        assert not is_open(windows, at(step.replace(tzinfo=None).isoformat()))
        step += timedelta(minutes=1)


@pytest.mark.parametrize("zone", ZONES[1:])
def test_every_switch_of_a_year_is_found(zone: str) -> None:
    """Around each jump of a zone's clock, windows near it open at the minute that is first."""
    for day in range(366):
        moment = BEGAN + timedelta(days=day)
        if _offset(moment, zone) != _offset(moment + timedelta(days=1), zone):
            for start in range(0, 300, 20):
                _same_as_counting([Window(EVERY_DAY, start, start + 25, zone)], moment)


def _offset(moment: datetime, zone: str) -> timedelta | None:
    return moment.astimezone(ZoneInfo(zone)).utcoffset()


def _same_as_counting(windows: list[Window], moment: datetime) -> None:
    """Openings for two days, by looking at each minute."""
    expected = None
    for minutes in range(2 * 1_440, -1, -1):
        step = at((moment + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat())
        expected = step if is_open(windows, step) else expected
        if minutes % 30 == 0 and expected is not None:
            assert next_opening(windows, step) == expected
