"""The one decision. Pure, total and deterministic: everything it reads comes in the context."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from control_plane.engine import gates
from control_plane.engine.context import Context
from control_plane.engine.effects import thawed
from control_plane.engine.outcome import carried_out, failed
from control_plane.models import Decision, Intent, Json, Reason
from control_plane.registry import REVERT, Action


def decide(intent: Intent, context: Context, *, confirmed: bool) -> Decision:
    """Decide one intent, evaluating every gate and returning every reason, in a fixed order.

    `confirmed` says that the caller confirmed this very effect: the caller of this function has
    compared the digest. Limits of time are not kept here, since a thread can't be interrupted.
    """
    action = context.registry.find(intent.action)
    if action is None:
        reasons = [Reason("unknown_action")]
        return Decision(intent.action, 0, intent.inputs, "rejected", reasons, title=intent.action)
    inputs, wrong = gates.validated(action, intent.inputs)
    decided = _described(action, intent.inputs if wrong else inputs, context)
    reasons = [*wrong, *_standing_in_the_way(action, inputs, context, wrong, confirmed=confirmed)]
    if reasons:
        return replace(decided, reasons=reasons)
    priced = _priced(decided, action)
    return carried_out(priced, action, context) if not priced.reasons else priced


def _described(action: Action, inputs: Mapping[str, Json], context: Context) -> Decision:
    """A decision that says what was asked for, and nothing yet of how it ends."""
    return Decision(
        action=action.id,
        action_version=action.version,
        inputs=inputs,
        status="rejected",
        cost=action.cost if isinstance(action.cost, int) else 0,
        title=action.title,
        risk=action.risk,
        confirmation=action.confirmation,
        targets={id: context.registry.components[id].schema_version for id in action.targets},
    )


def _standing_in_the_way(
    action: Action,
    inputs: Mapping[str, Json],
    context: Context,
    wrong: list[Reason],
    *,
    confirmed: bool,
) -> Iterator[Reason]:
    yield from gates.role(action, context)
    if not wrong:  # preconditions may read inputs, and there are none to read
        yield from gates.preconditions(action, inputs, context)
        yield from _unknown_version(action, inputs, context)
    yield from gates.confirmation(action, confirmed=confirmed)


def _unknown_version(
    action: Action, inputs: Mapping[str, Json], context: Context
) -> Iterator[Reason]:
    if action.id == REVERT and inputs["version"] not in context.past:
        yield Reason("unknown_version")


def _priced(decided: Decision, action: Action) -> Decision:
    """The decision with its cost; a cost that isn't an integer from 0 is the action's failure."""
    if isinstance(action.cost, int):
        return decided
    try:
        cost = action.cost(**thawed(decided.inputs))
    except Exception as error:  # noqa: BLE001 (declared code may raise anything: it is recorded)
        return failed(decided, Reason("handler_error", {"error": type(error).__name__}))
    if type(cost) is not int or cost < 0:
        return failed(decided, Reason("handler_error", {"error": "cost"}))
    return replace(decided, cost=cost)
