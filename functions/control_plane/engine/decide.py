"""The one decision. Pure, total and deterministic: everything it reads comes in the context."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from control_plane.canonical import MAX_INTEGER
from control_plane.engine import gates, rules
from control_plane.engine.builtin import brought_about
from control_plane.engine.context import Context
from control_plane.engine.counters import attempted, charged
from control_plane.engine.declared_code import Broke, run
from control_plane.engine.effects import thawed
from control_plane.engine.gates import Ask
from control_plane.engine.outcome import carried_out, failed
from control_plane.engine.scopes import roles_of
from control_plane.models import Decision, Intent, Json, Reason, Requirement
from control_plane.registry import REVERT, Action


def decide(intent: Intent, context: Context, *, confirmed: bool) -> Decision:
    """Decide one intent, evaluating every gate and returning every reason, in a fixed order.

    `confirmed` says that the caller confirmed this very effect: the caller of this function has
    compared the digest. Limits of time are not kept here, since a thread can't be interrupted.
    """
    action = context.registry.find(intent.action)
    attempt = attempted(context.policy, action)
    if action is None:
        reasons = [Reason("unknown_action")]
        return Decision(
            intent.action, 0, intent.inputs, "rejected", reasons, title=intent.action,
            attempt=attempt,
        )  # fmt: skip
    inputs, wrong = gates.validated(action, intent.inputs)
    decided = _described(action, intent.inputs if wrong else inputs, context, attempt)
    priced = decided if wrong else _priced(decided, action)
    weighed = _weighed(priced, action, context, wrong, confirmed=confirmed)
    return weighed if weighed.reasons else _carried_out(weighed, action, context)


def _described(
    action: Action, inputs: Mapping[str, Json], context: Context, attempt: Mapping[str, int]
) -> Decision:
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
        attempt=attempt,
    )


def _priced(decided: Decision, action: Action) -> Decision:
    """The decision with its cost; a cost that isn't an integer from 0 is the action's failure."""
    if isinstance(action.cost, int):
        return decided
    try:
        cost = run(action.cost, **thawed(decided.inputs))
    except Broke as broke:
        return failed(decided, Reason("handler_error", {"error": str(broke)}))
    if type(cost) is not int or not 0 <= cost <= MAX_INTEGER:
        return failed(decided, Reason("handler_error", {"error": "cost"}))
    return replace(decided, cost=cost)


def _weighed(
    decided: Decision, action: Action, context: Context, wrong: list[Reason], *, confirmed: bool
) -> Decision:
    """The decision with every reason that stands in the way, and who would have to approve."""
    inputs = {} if wrong else decided.inputs
    roles = roles_of(action.id, inputs, context)
    ask = Ask(action, inputs, decided.cost, roles, context)
    verdict = rules.judge(ask)
    against, effects = ([], []) if wrong else brought_about(action.id, inputs, context)
    reasons = [
        *wrong,
        *gates.stopped(ask),
        *gates.role(ask),
        *gates.authority(ask),
        *gates.limits(ask),
        *verdict.reasons,
        *gates.preconditions(ask, inputs_known=not wrong),
        *_unknown_version(ask),
        *against,
        *gates.confirmation(ask, confirmed=confirmed),
    ]
    return replace(
        decided,
        reasons=[*decided.reasons, *reasons],
        status="rejected" if reasons else decided.status,
        approval=rules.requirement(context.policy, verdict.asking, action, decided.cost),
        effects=() if reasons else effects,
        observed=verdict.observed,
        charge=charged(context, action, decided.cost),
    )


def _unknown_version(ask: Ask) -> Iterator[Reason]:
    if ask.action.id == REVERT and ask.inputs and ask.inputs["version"] not in ask.context.past:
        yield Reason("unknown_version")


def _carried_out(weighed: Decision, action: Action, context: Context) -> Decision:
    done = carried_out(weighed, action, context)
    if not done.changes or done.approval is None:
        return done
    return replace(done, status="pending_approval", reasons=[_asks_for(done.approval)])


def _asks_for(approval: Requirement) -> Reason:
    facts = {"role": approval.role, "count": approval.count, "because": list(approval.because)}
    return Reason("approval_required", facts)


def granted(decision: Decision) -> Decision:
    """The decision after the approval that it waited for."""
    return replace(decision, status="success", reasons=())
