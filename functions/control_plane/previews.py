"""A prediction as the API answers it."""

from control_plane.engine.context import Context
from control_plane.engine.explain import explain
from control_plane.engine.preview import Prediction
from control_plane.models import Decision, Json


def as_preview(prediction: Prediction, context: Context) -> dict[str, Json]:
    """Digest, base version, and per step what would change, cost and stand in the way.

    `steps` ends with the first step that would not succeed; `of` tells how many were asked for.
    """
    return {
        "digest": prediction.digest,
        "base_version": context.version,
        "at": context.at,
        "status": prediction.status,
        "cost": prediction.cost,
        "budget": None,
        "of": len(prediction.intents),
        "steps": [_step(decision, context) for decision in prediction.decisions],
    }


def _step(decision: Decision, context: Context) -> dict[str, Json]:
    reasons = [reason.record() for reason in decision.reasons]
    return {
        "action": decision.action,
        "action_version": decision.action_version,
        "title": decision.title,
        "inputs": dict(decision.inputs),
        "status": decision.status,
        "reasons": reasons,
        "explanations": [explain(reason, context.registry.sentences) for reason in reasons],
        "risk": decision.risk,
        "confirmation": decision.confirmation,
        "cost": decision.cost,
        "diff": list(decision.diff),
    }
