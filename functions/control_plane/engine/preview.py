"""What would happen, and the digest that turns it into a promise."""

from collections.abc import Callable, Sequence
from copy import replace
from functools import cached_property

from msgspec import Struct

from control_plane.canonical import canonical, sha256
from control_plane.engine.context import Context
from control_plane.engine.decide import decide, granted
from control_plane.engine.outcome import MAX_REVERT_BYTES, failed
from control_plane.engine.rules import administers
from control_plane.models import (
    ROLE_RANK,
    Decision,
    Intent,
    Json,
    Reason,
    Requirement,
    Status,
)

MAX_PLAN_BYTES = 2 * 1024 * 1024
"""The effects of a plan's steps together: what its answer can hold."""


class Prediction(Struct, frozen=True, dict=True):
    """The decisions of an ordered list of intents, up to and including the first that is refused.

    A step that waits for approval is followed by those after it, as if it had been given.
    """

    decisions: Sequence[Decision]
    intents: Sequence[Intent]
    context: Context

    @property
    def status(self) -> Status:
        """Success only if every asked step would succeed at once."""
        last = self.decisions[-1]
        return "pending_approval" if last.changes and self.waits else last.status

    @property
    def waits(self) -> bool:
        """Whether a step needs approval: then all of them wait for it."""
        return any(decision.status == "pending_approval" for decision in self.decisions)

    @property
    def requirement(self) -> Requirement | None:
        """Who must approve all of it: the strictest that any step demands."""
        asked = [d.approval for d in self.decisions if d.approval is not None and d.promises]
        if not asked:
            return None
        expiries = [each.expires_in for each in asked if each.expires_in is not None]
        because = [name for each in asked for name in each.because]
        return Requirement(
            role=max((each.role for each in asked), key=ROLE_RANK.__getitem__),
            count=max(each.count for each in asked),
            expires_in=min(expiries, default=None),
            because=list(dict.fromkeys(because)),
        )

    @property
    def cost(self) -> int:
        """What would be charged: the cost of the steps that would succeed."""
        return sum(decision.cost for decision in self.decisions if decision.promises)

    @cached_property
    def digest(self) -> str:
        """Binds project, principal, and per step action@version, inputs, status, cost and effect.

        What it would send and who must approve belong to it. The state's version is not bound:
        what the effect doesn't touch may move. Steps that were not reached are bound as asked.
        """
        principal = self.context.principal
        rest = self.intents[len(self.decisions) :]
        bound = {
            "v": 1,
            "project": self.context.project,
            "principal": {"kind": principal.kind, "id": principal.id},
            "steps": [_bound(decision) for decision in self.decisions],
            "rest": [[intent.action, dict(intent.inputs)] for intent in rest],
        }
        return sha256(canonical(bound))

    def granted(self) -> "Prediction":
        """The prediction after the approval that it waited for."""
        given = [granted(d) if d.status == "pending_approval" else d for d in self.decisions]
        return replace(self, decisions=given)


def predict(
    intents: Sequence[Intent],
    context: Context,
    *,
    confirmed: bool = True,
    late: Callable[[], bool] = lambda: False,
) -> Prediction:
    """Decide the intents one after the other, each seeing what the ones before would change.

    This is the code that executes them, too; only the commit is missing. `late` is asked after
    each step whether its code took too long.
    """
    decisions: list[Decision] = []
    moment, room = context, MAX_PLAN_BYTES if len(intents) > 1 else MAX_REVERT_BYTES
    for intent in intents:
        if decisions:
            moment = moment.after(decisions[-1])
        decision = decide(intent, moment, confirmed=confirmed)
        # What follows administration would be decided as if it hadn't been.
        if len(intents) > 1 and administers([intent], context):
            decision = failed(decision, Reason("not_in_a_plan"))
        if late():
            decision = failed(decision, Reason("handler_timeout"))
        elif decision.effect_size > room:
            decision = failed(decision, Reason("effect_too_large", {"limit": MAX_PLAN_BYTES}))
        room -= decision.effect_size
        decisions.append(decision)
        if not decision.promises:
            break
    return Prediction(decisions, intents, context)


def _bound(decision: Decision) -> dict[str, Json]:
    approval = decision.approval
    return {
        "action": f"{decision.action}@v{decision.action_version}",
        "inputs": dict(decision.inputs),
        "status": decision.status,
        "reasons": [reason.code for reason in decision.reasons],
        "cost": decision.cost,
        "effect": list(decision.diff),
        "effects": list(decision.effects),
        "messages": [[message.topic, message.body] for message in decision.messages],
        "approval": [approval.role, approval.count] if approval else None,
    }
