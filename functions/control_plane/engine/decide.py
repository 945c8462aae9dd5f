"""The one decision. Pure, total and deterministic: everything it reads comes in the context."""

from collections.abc import Iterator, Mapping
from copy import replace
from typing import Any

from control_plane.canonical import MAX_INTEGER
from control_plane.engine import gates, rules
from control_plane.engine.builtin import brought_about
from control_plane.engine.context import Context
from control_plane.engine.counters import attempted, charged
from control_plane.engine.declared_code import Broke, run
from control_plane.engine.effects import thawed
from control_plane.engine.gates import Ask
from control_plane.engine.outcome import carried_out
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
    cost, broken = _cost(action, None if wrong else inputs)
    ask = Ask(action, inputs, cost, roles_of(action.id, inputs, context), context)
    verdict = rules.judge(ask)
    against, effects = ([], []) if wrong else brought_about(action.id, inputs, context)
    reasons = _reasons(ask, verdict, wrong, against, confirmed=confirmed)
    weighed = _weighed(
        ask,
        verdict,
        inputs=intent.inputs if wrong else inputs,
        status="rejected" if reasons or not broken else "failed",
        reasons=[*broken, *reasons],
        effects=() if reasons else effects,
        attempt=attempt,
    )
    return weighed if weighed.reasons else _carried_out(weighed, action, context)


def _weighed(ask: Ask, verdict: rules.Verdict, **found: Any) -> Decision:
    """What was found about an ask, with what its action and the policy say of it anyway."""
    action, declared = ask.action, ask.context.registry.components
    return Decision(
        action=action.id,
        action_version=action.version,
        cost=ask.cost,
        title=action.title,
        risk=action.risk,
        confirmation=action.confirmation,
        targets={id: declared[id].schema_version for id in action.targets},
        approval=rules.requirement(ask.context.policy, verdict.asking, action, ask.cost),
        charge=charged(ask.context, action, ask.cost),
        observed=verdict.observed,
        **found,
    )


def _cost(action: Action, inputs: Mapping[str, Json] | None) -> tuple[int, list[Reason]]:
    """What an action costs; a cost that isn't an integer from 0 is the action's failure.

    Where the inputs aren't known, a cost that depends on them is 0.
    """
    if isinstance(action.cost, int):
        return action.cost, []
    if inputs is None:
        return 0, []
    try:
        cost = run(action.cost, **thawed(inputs))
    except Broke as broke:
        return 0, [Reason("handler_error", {"error": str(broke)})]
    if type(cost) is not int or not 0 <= cost <= MAX_INTEGER:
        return 0, [Reason("handler_error", {"error": "cost"})]
    return cost, []


def _reasons(
    ask: Ask,
    verdict: rules.Verdict,
    wrong: list[Reason],
    against: list[Reason],
    *,
    confirmed: bool,
) -> list[Reason]:
    """Every reason that stands in the way: `wrong` ones of the inputs, `against` built-in ones."""
    return [
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


def _unknown_version(ask: Ask) -> Iterator[Reason]:
    if ask.action.id != REVERT or not ask.inputs:
        return
    version = ask.inputs["version"]
    if version in ask.context.erased:
        yield Reason("state_erased", {"version": version})
    elif version not in ask.context.past:
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
