"""Counters of what policy limits, in fixed UTC windows: by the minute, the hour, the day."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from control_plane.engine.context import Context
from control_plane.engine.policy import Policy
from control_plane.registry import Action

MINUTE = "rate.minute"
HOUR = "rate.hour"
QUOTA = "quota.day"
BUDGET = "budget.day"

PERSONAL = (MINUTE, HOUR)
"""Counted for each person of a project; the others for the whole project."""

_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


def budget_of(action: str) -> str:
    """The counter of an action's own daily budget."""
    return f"{BUDGET}/{action}"


def stored_counter(name: str, owner: str) -> str:
    """A counter's name where it is stored: people's own ones carry the person's id."""
    return f"{name}/{owner}" if name in PERSONAL else name


def loaded_counters(usage: Mapping[str, int]) -> dict[str, int]:
    """Stored counters of one person by the names that decisions know."""
    return {_known(name): used for name, used in usage.items()}


def _known(name: str) -> str:
    plain = name.partition("/")[0]
    return plain if plain in PERSONAL else name


def window_end(counter: str, at: str) -> str:
    """When the counter's window that a moment falls into ends, as records write moments."""
    return _end(counter.partition("/")[0].rpartition(".")[2], at[:16])


@lru_cache(maxsize=16)
def _end(unit: str, minute: str) -> str:
    floor = datetime.fromisoformat(minute)
    if unit != "minute":
        floor = floor.replace(minute=0)
    if unit == "day":
        floor = floor.replace(hour=0)
    return f"{(floor + _LENGTHS[unit]).isoformat(timespec='microseconds')}Z"


def attempted(policy: Policy, action: Action | None) -> dict[str, int]:
    """What any attempt counts, refused or not: rates. Administration is never held up by them."""
    if action is not None and action.administrative:
        return {}
    limits = policy.limits
    rates = {MINUTE: limits.per_minute, HOUR: limits.per_hour}
    return {name: 1 for name, limit in rates.items() if limit is not None}


def charged(context: Context, action: Action, cost: int) -> dict[str, int]:
    """What a success counts. Under a policy costs are counted without a limit, too.

    A project that has never had a policy counts nothing.
    """
    if action.administrative or not context.policy_version:
        return {}
    limits = context.policy.limits
    charge = {} if limits.per_day is None else {QUOTA: 1}
    if cost:
        charge[BUDGET] = cost
        if action.id in limits.action_budgets:
            charge[budget_of(action.id)] = cost
    return charge
