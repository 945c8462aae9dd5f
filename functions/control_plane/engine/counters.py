"""Counters of what policy limits, in fixed UTC windows: by the minute, the hour, the day."""

import re
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

COUNTERS = {"minute": MINUTE, "hour": HOUR, "day": QUOTA, "budget": BUDGET}
"""By the names that conditions know."""

PERSONAL = (MINUTE, HOUR)
"""Counted for each person of a project; the others for the whole project."""

_USAGE = re.compile(r"\busage\b(?:\s*\.\s*(\w+))?")
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


def rates_in(usage: Mapping[str, int]) -> dict[str, int]:
    """What a person's own counters hold, of these."""
    return {name: used for name, used in usage.items() if name in PERSONAL}


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


@lru_cache(maxsize=128)
def _read_in(conditions: tuple[str, ...]) -> frozenset[str]:
    """The counters that a policy's conditions may read: what is read is counted, limited or not.

    By their texts: all of them wherever one isn't named at once.
    """
    named = [found[1] for condition in conditions for found in _USAGE.finditer(condition)]
    if all(name in COUNTERS for name in named):
        return frozenset(COUNTERS[name] for name in named)
    return frozenset(COUNTERS.values())


def attempted(policy: Policy, action: Action | None) -> dict[str, int]:
    """What any attempt counts, refused or not: rates. Administration is never held up by them."""
    if action is not None and action.administrative:
        return {}
    limits, read = policy.limits, _read_in(policy.conditions)
    rates = {MINUTE: limits.per_minute, HOUR: limits.per_hour}
    return {name: 1 for name, limit in rates.items() if limit is not None or name in read}


def charged(context: Context, action: Action, cost: int) -> dict[str, int]:
    """What a success counts. Under a policy costs are counted without a limit, too.

    A project that has never had a policy counts nothing.
    """
    if action.administrative or not context.policy_version:
        return {}
    policy, limits = context.policy, context.policy.limits
    counts = limits.per_day is not None or QUOTA in _read_in(policy.conditions)
    charge = {QUOTA: 1} if counts else {}
    if cost:
        charge[BUDGET] = cost
        if action.id in limits.action_budgets:
            charge[budget_of(action.id)] = cost
    return charge
