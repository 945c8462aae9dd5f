"""What a project's policy says, compiled: the plain values that gates ask.

`policy_document` has the document's shape and `docs/policy.md` its meaning.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from control_plane.engine import policy_document as document_of
from control_plane.engine.policy_errors import PolicyRefused
from control_plane.engine.policy_fields import days_of, minutes
from control_plane.engine.policy_names import undeclared
from control_plane.models import Json, Risk, Role
from control_plane.registry import Registry

__all__ = [
    "MAX_BYTES",
    "NO_POLICY",
    "ApprovalRule",
    "Limits",
    "Policy",
    "PolicyRefused",
    "RoleMapping",
    "Rule",
    "Window",
    "compile_policy",
    "policy_of",
]

MAX_BYTES = 64 * 1024
"""Bytes of a policy's text as it is written, and of the canonical JSON that is stored."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be done; None is no limit, and 0 allows nothing.

    `per_minute` and `per_hour` count what a person tries, `per_day` what succeeds in a project;
    `budget` and `action_budgets` are costs in a day.
    """

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    budget: int | None = None
    action_budgets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who must approve where all that it names fits: `risk` and `actions` fit any when empty.

    `id` is its place in the document, such as `approvals[0]`. An action is an id, or `prefix.*`
    for all below it. `expires_in` is in seconds; None waits for ever.
    """

    id: str
    min_cost: int | None = None
    risk: tuple[Risk, ...] = ()
    actions: tuple[str, ...] = ()
    required_role: Role = "admin"
    require_count: int = 1
    expires_in: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows where a condition holds; one in `observe` only records what would follow."""

    id: str
    condition: str
    effect: Literal["allow", "reject", "require_approval"]
    description: str = ""
    message: str = ""
    mode: Literal["enforce", "observe"] = "enforce"


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """A role that whoever fits the condition has."""

    role: Role
    condition: str


@dataclass(frozen=True, slots=True)
class Window:
    """When things may be done, on a wall clock: `engine.windows` says what that means.

    `days` are those it starts on, Monday 0; `start` and `end` are minutes of the day, `end` up to
    1440.
    """

    days: frozenset[int]
    start: int
    end: int
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Policy:
    """A project's rules and limits. With all of it empty, what roles allow is allowed."""

    limits: Limits = field(default_factory=Limits)
    approvals: tuple[ApprovalRule, ...] = ()
    rules: tuple[Rule, ...] = ()
    role_mappings: tuple[RoleMapping, ...] = ()
    windows: tuple[Window, ...] = ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """The texts of all that it evaluates, rules first."""
        mapped = [mapping.condition for mapping in self.role_mappings]
        return (*[rule.condition for rule in self.rules], *mapped)


NO_POLICY = Policy()
"""What `{}` says, and what a project has before its first policy."""


def compile_policy(document: Mapping[str, Json], registry: Registry | None = None) -> Policy:
    """The policy that a document says. Raises `PolicyRefused`, with every error, where it can't be.

    Conditions are compiled, too, and refused where no ask would have an answer. With a `registry`,
    so is what names an action or a component that isn't declared there. The size of its text is not
    checked.
    """
    read = document_of.validated(document)
    problems = list(undeclared(read, registry)) if registry else []
    if problems:
        raise PolicyRefused(problems)
    return _compiled(read)


def _compiled(read: document_of.Document) -> Policy:
    return Policy(
        limits=_limits(read),
        approvals=tuple(_approval(place, each) for place, each in enumerate(read.approvals)),
        rules=tuple(Rule(**each.model_dump()) for each in read.rules),
        role_mappings=tuple(RoleMapping(each.role, each.condition) for each in read.role_mappings),
        windows=tuple(_window(each) for each in read.execution_windows.allowed),
    )


@lru_cache(maxsize=128)
def policy_of(text: str) -> Policy:
    """The policy of a stored document, read and compiled once for as long as the text is the same.

    `text` is the document's canonical JSON, which was validated before it was stored; raises
    `PolicyRefused` where it no longer holds. What it names need not be declared any more.
    """
    return _compiled(document_of.validated(json.loads(text), stored=True))


def _limits(read: document_of.Document) -> Limits:
    limits = read.limits
    return Limits(
        per_minute=limits.rate.per_minute,
        per_hour=limits.rate.per_hour,
        per_day=limits.quota.per_day,
        budget=limits.budget.daily,
        action_budgets={id: budget.daily for id, budget in read.action_budgets.items()},
    )


def _approval(place: int, read: document_of.Approval) -> ApprovalRule:
    values = read.model_dump()
    lists = {"risk": tuple(read.risk), "actions": tuple(read.actions)}
    return ApprovalRule(**{**values, **lists, "id": f"approvals[{place}]"})


def _window(read: document_of.Window) -> Window:
    start, end = (minutes(hour) for hour in read.hours)
    return Window(days_of(read.days), start, end, read.timezone)
