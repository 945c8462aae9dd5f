"""A prediction as the API answers it."""

from collections.abc import Mapping

from control_plane.engine.context import Context
from control_plane.engine.counters import BUDGET
from control_plane.engine.explain import explain
from control_plane.engine.preview import Prediction
from control_plane.models import Decision, Json, Requirement


def as_preview(prediction: Prediction, context: Context) -> dict[str, Json]:
    """Digest, base version, and per step what would change, cost and stand in the way.

    `steps` ends with the first step that would not succeed; `of` tells how many were asked for.
    """
    sentences = sentences_of(context)
    return {
        "digest": prediction.digest,
        "base_version": context.version,
        "at": context.at,
        "status": prediction.status,
        "cost": prediction.cost,
        "budget": _budget(prediction, context),
        "approval": _asked_of(prediction.requirement),
        "of": len(prediction.intents),
        "steps": [_step(decision, sentences) for decision in prediction.decisions],
    }


def sentences_of(context: Context) -> Mapping[str, str]:
    """What declarations and the policy's rules say to people."""
    rules = {f"rule/{rule.id}": rule.message for rule in context.policy.rules}
    return {**context.registry.sentences, **rules} if rules else context.registry.sentences


def _budget(prediction: Prediction, context: Context) -> dict[str, Json] | None:
    """The project's daily budget: its limit, what is used, and what would be used afterwards."""
    limit = context.policy.limits.budget
    if limit is None:
        return None
    used = context.usage.get(BUDGET, 0)
    return {"limit": limit, "used": used, "after": used + prediction.cost}


def _asked_of(requirement: Requirement | None) -> dict[str, Json] | None:
    return requirement.record() if requirement else None


def _step(decision: Decision, sentences: Mapping[str, str]) -> dict[str, Json]:
    reasons = [reason.record() for reason in decision.reasons]
    return {
        "action": decision.action,
        "action_version": decision.action_version,
        "title": decision.title,
        "inputs": dict(decision.inputs),
        "status": decision.status,
        "reasons": reasons,
        "explanations": [explain(reason, sentences) for reason in reasons],
        "risk": decision.risk,
        "confirmation": decision.confirmation,
        "cost": decision.cost,
        "diff": list(decision.diff),
        "messages": [{"topic": sent.topic, "body": sent.body} for sent in decision.messages],
        "approval": _asked_of(decision.approval),
    }
