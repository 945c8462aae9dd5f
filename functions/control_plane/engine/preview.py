"""What would happen, and the digest that turns it into a promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from control_plane.canonical import canonical, sha256
from control_plane.engine.context import Context
from control_plane.engine.decide import decide
from control_plane.engine.outcome import failed
from control_plane.models import Decision, Intent, Json, Reason, Status

MAX_PLAN_BYTES = 2 * 1024 * 1024
"""The effects of a plan's steps together: what its answer can hold."""


@dataclass(frozen=True)
class Prediction:
    """The decisions of an ordered list of intents, up to and including the first non-success."""

    decisions: Sequence[Decision]
    intents: Sequence[Intent]
    context: Context

    @property
    def status(self) -> Status:
        """Success only if every asked step would succeed."""
        return self.decisions[-1].status

    @property
    def cost(self) -> int:
        """What would be charged: the cost of the steps that would succeed."""
        return sum(decision.cost for decision in self.decisions if decision.changes)

    @cached_property
    def digest(self) -> str:
        """Binds project, principal, and per step action@version, inputs, status, cost and effect.

        What it would send belongs to its effect. The state's version is not bound: what the effect
        doesn't touch may move.
        """
        principal = self.context.principal
        bound = {
            "v": 1,
            "project": self.context.project,
            "principal": {"kind": principal.kind, "id": principal.id},
            "asked": [[intent.action, dict(intent.inputs)] for intent in self.intents],
            "steps": [_bound(decision) for decision in self.decisions],
        }
        return sha256(canonical(bound))


def predict(intents: Sequence[Intent], context: Context, *, confirmed: bool = True) -> Prediction:
    """Decide the intents one after the other, each seeing what the ones before would change.

    This is the code that executes them, too; only the commit is missing.
    """
    decisions: list[Decision] = []
    moment, room = context, MAX_PLAN_BYTES
    for intent in intents:
        if decisions:
            moment = moment.after(decisions[-1])
        decision = decide(intent, moment, confirmed=confirmed)
        if decision.effect_size > room:
            decision = failed(decision, Reason("effect_too_large", {"limit": MAX_PLAN_BYTES}))
        room -= decision.effect_size
        decisions.append(decision)
        if not decision.changes:
            break
    return Prediction(decisions, intents, context)


def _bound(decision: Decision) -> dict[str, Json]:
    return {
        "action": f"{decision.action}@v{decision.action_version}",
        "inputs": dict(decision.inputs),
        "status": decision.status,
        "reasons": [reason.code for reason in decision.reasons],
        "cost": decision.cost,
        "effect": list(decision.diff),
        "messages": [[message.topic, message.body] for message in decision.messages],
    }
