"""The values in a policy document: what each may be, and what it means."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo

from control_plane.canonical import MAX_INTEGER
from control_plane.engine.expression_sense import checked_expression
from control_plane.engine.expressions import MAX_CHARACTERS, compile_expression
from control_plane.models import Risk

MAX_ITEMS = 100
MAX_EXPIRY = 366 * 86_400
"""In seconds. What nobody has looked at for a year is better asked anew."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = r"^[1-9][0-9]{0,8}[smhd]$"
_DAY = rf"(?:{'|'.join(DAYS)})"
_ID = r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*"


def _listed(value: Any) -> Any:
    """One text stands for the list of it."""
    return [value] if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    """Seconds of "30m", "2h" or "3d"; all else is left for the integer's own check."""
    if not isinstance(value, str):
        return value
    digits, unit = value[:-1], value[-1:]
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10 and unit in _SECONDS):
        raise ValueError('Write a duration such as "30m", "2h" or "3d", or seconds as an integer.')
    return int(digits) * _SECONDS[unit]


def _compiling(text: str, info: ValidationInfo) -> str:
    """What is stored has been in force: it need only be read."""
    compiled = compile_expression if (info.context or {}).get("stored") else checked_expression
    return compiled(text).text


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError('Name a time zone as IANA does, such as "Europe/Berlin".') from error
    return name


def _starting(hours: list[str]) -> list[str]:
    if hours[0] == "24:00":
        raise ValueError('Only the end may be "24:00"; a start there is "00:00".')
    return hours


def given(value: Any) -> Any:
    """A key that may be left out has a value where it is written: an empty limit isn't none."""
    if value is None:
        raise ValueError("Give a value here, or leave the key out.")
    return value


Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Text = Annotated[str, StringConstraints(max_length=1_000)]
Condition = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS), AfterValidator(_compiling)
]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]
ActionId = Annotated[str, StringConstraints(pattern=rf"^{_ID}$", max_length=200)]
Actions = Annotated[str, StringConstraints(pattern=rf"^{_ID}(\.\*)?$", max_length=200)]
Days = Annotated[str, StringConstraints(pattern=rf"^{_DAY}(-{_DAY})?$")]
Hour = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Zone = Annotated[
    str,
    StringConstraints(pattern=r"^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]*){1,2})$"),
    AfterValidator(_known_zone),
]
Seconds = Annotated[int, Field(ge=1, le=MAX_EXPIRY)]
Duration = Annotated[str, Field(pattern=_DURATION)]
MaybeCount = Annotated[Count | None, BeforeValidator(given, json_schema_input_type=Count)]
MaybeSeconds = Annotated[
    Seconds | None,
    BeforeValidator(_seconds, json_schema_input_type=Seconds | Duration),
    BeforeValidator(given, json_schema_input_type=Seconds | Duration),
]
Risks = Annotated[
    list[Risk],
    Field(max_length=3),
    BeforeValidator(_listed, json_schema_input_type=Risk | list[Risk]),
]
ActionList = Annotated[
    list[Actions],
    Field(max_length=MAX_ITEMS),
    BeforeValidator(_listed, json_schema_input_type=Actions | list[Actions]),
]
DayList = Annotated[
    list[Days],
    Field(min_length=1, max_length=7),
    BeforeValidator(_listed, json_schema_input_type=Days | list[Days]),
]
Hours = Annotated[list[Hour], Field(min_length=2, max_length=2), AfterValidator(_starting)]


def minutes(hour: str) -> int:
    """The minute of the day that a valid HH:MM says."""
    hours, minutes = hour.split(":")
    return 60 * int(hours) + int(minutes)


def days_of(names: list[str]) -> frozenset[int]:
    """The days, Monday 0, of valid names and ranges; "fri-mon" passes the week's end."""
    return frozenset(day for name in names for day in _days(name))


def _days(name: str) -> list[int]:
    first, _, last = name.partition("-")
    start = DAYS.index(first)
    length = (DAYS.index(last or first) - start) % 7
    return [(start + day) % 7 for day in range(length + 1)]
