"""The gates before an action: each yields the reasons that stand in the way, in a fixed order."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from control_plane.canonical import MAX_INTEGER, canonical, for_pydantic, storable
from control_plane.engine.context import Context
from control_plane.engine.counters import BUDGET, HOUR, MINUTE, QUOTA, budget_of, window_end
from control_plane.engine.declared_code import Broke, run
from control_plane.engine.expressions import ExpressionFailed, Scope, compile_expression
from control_plane.engine.scopes import highest, scope_of
from control_plane.engine.windows import is_open, next_opening
from control_plane.errors import Malformed
from control_plane.models import ROLE_RANK, Json, Reason, Role
from control_plane.registry import Action, Check
from control_plane.registry.builtin import authority_of
from control_plane.registry.registry import check_name, owner_of

MOST_WRONG = 10  # inputs that a refusal names


class Ask(Struct, frozen=True, dict=True):
    """One intent as the gates see it: `roles` are what the asking person may act as."""

    action: Action
    inputs: Mapping[str, Json]
    cost: int
    roles: list[Role]
    context: Context

    @cached_property
    def scope(self) -> Scope:
        """What conditions see of it, made when the first one looks."""
        return scope_of(self.action.id, self.inputs, self.context, self.context.state, self.roles)


def validated(action: Action, inputs: Mapping[str, Json]) -> tuple[dict[str, Json], list[Reason]]:
    """The inputs with their defaults, as plain JSON, or why they don't fit the declaration."""
    text = for_pydantic(canonical(dict(inputs)))
    try:
        model = run(action.inputs.model_validate_json, text)
        plain = run(model.model_dump, mode="json")
    except Broke as broke:
        if isinstance(broke.__cause__, ValidationError):
            return {}, _input_reasons(broke.__cause__.errors())
        return {}, [Reason("invalid_inputs", {"error": str(broke)})]
    wrong = [name for name, value in plain.items() if not _can_be_stored(value)]
    facts = [{"error": "unstorable", "input": name} for name in wrong[:MOST_WRONG]]
    return {} if wrong else plain, [Reason("invalid_inputs", fact) for fact in facts]


def _can_be_stored(value: Json) -> bool:
    """Whether what an action's own validators made of an input can be recorded."""
    try:
        storable(value)
    except Malformed:
        return False
    return True


def _input_reasons(errors: Iterable[Any]) -> list[Reason]:
    """Each that there is, once."""
    different = {tuple(facts.items()): facts for facts in map(_input_facts, errors)}
    return [Reason("invalid_inputs", facts) for facts in islice(different.values(), MOST_WRONG)]


def _input_facts(error: Any) -> dict[str, Json]:
    """Only a declared input is named: an unknown one's name is the caller's own text."""
    facts: dict[str, Json] = {"error": error["type"]}
    if error["loc"] and error["type"] != "extra_forbidden":
        input, *below = error["loc"]
        facts["input"] = str(input)
        if any(type(part) is int for part in below):  # a list's item; texts may be a union's parts
            facts["item"] = True
    return facts


def stopped(ask: Ask) -> Iterator[Reason]:
    """An archived or paused project does nothing but be administered."""
    if ask.context.stopped and not ask.action.administrative:
        yield Reason(ask.context.stopped)


def role(ask: Ask) -> Iterator[Reason]:
    """Viewers look, operators act at low and medium risk, admins at any; or as declared."""
    needed = ask.action.needed_role
    if ROLE_RANK[highest(ask.roles)] < ROLE_RANK[needed]:
        yield Reason("role_required", {"role": needed})


def authority(ask: Ask) -> Iterator[Reason]:
    """An API token does only what its scopes say; whoever signed in is not limited by any."""
    scopes, needed = ask.context.principal.scopes, authority_of(ask.action)
    if scopes is not None and needed not in scopes:
        yield Reason("scope_required", {"scope": needed})


def limits(ask: Ask) -> Iterator[Reason]:
    """Rates, windows, quota and budgets, each with its numbers. Administration has none."""
    if ask.action.administrative:
        return
    given, context = ask.context.policy.limits, ask.context
    yield from _counted(context, MINUTE, given.per_minute, 1, "rate_exceeded", window="minute")
    yield from _counted(context, HOUR, given.per_hour, 1, "rate_exceeded", window="hour")
    yield from _window(context)
    yield from _counted(context, QUOTA, given.per_day, 1, "quota_exceeded")
    if ask.cost:
        budget = MAX_INTEGER if given.budget is None else given.budget  # records hold no more
        yield from _spent(ask, BUDGET, budget, "budget_exceeded")
        own = given.action_budgets.get(ask.action.id)
        yield from _spent(ask, budget_of(ask.action.id), own, "action_budget_exceeded")


def _counted(
    context: Context, counter: str, limit: int | None, more: int, code: str, **facts: Json
) -> Iterator[Reason]:
    used = context.usage.get(counter, 0)
    if limit is not None and used + more > limit:
        until = window_end(counter, context.at)
        yield Reason(code, {**facts, "limit": limit, "used": used, "until": until})


def _spent(ask: Ask, counter: str, limit: int | None, code: str) -> Iterator[Reason]:
    yield from _counted(ask.context, counter, limit, ask.cost, code, cost=ask.cost)


def _window(context: Context) -> Iterator[Reason]:
    windows = context.policy.windows
    if windows and not is_open(windows, context.at):
        until = next_opening(windows, context.at)
        yield Reason("outside_window", {"until": until} if until else {})


def preconditions(ask: Ask, *, inputs_known: bool) -> Iterator[Reason]:
    """The action's own checks, on the state before; without inputs only those that read none."""
    for check in ask.action.requires:
        if inputs_known or not compile_expression(check.expression).reads("inputs"):
            yield from failing(owner_of(ask.action), check, ask.scope, "precondition_failed")


def confirmation(ask: Ask, *, confirmed: bool) -> Iterator[Reason]:
    """An action that needs it is confirmed by its preview's digest."""
    if ask.action.confirmation and not confirmed:
        yield Reason("confirmation_required")


def failing(owner: str, check: Check, scope: Scope, code: str) -> Iterator[Reason]:
    """The reason where a check doesn't hold; one that can't be evaluated doesn't hold, either."""
    name = check_name(owner, check)
    try:
        if not compile_expression(check.expression).evaluate(scope):
            yield Reason(code, {"check": name})
    except ExpressionFailed:
        yield Reason("check_failed", {"check": name})
