"""Requests for approval in a journal: how they are opened, carried out, and closed.

A request binds the effect that was shown. Its outcome is a further execution that is `about` it.
"""

from collections.abc import Callable, Mapping
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from control_plane.audit import Asking, Execution, as_answer
from control_plane.engine.context import counted
from control_plane.engine.counters import rates_in
from control_plane.engine.preview import Prediction, predict
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.models import Approval, Decision, Json, Principal, Reason, Requirement
from control_plane.previews import as_preview, sentences_of
from control_plane.requests import Request

type Answer = tuple[int, dict[str, Json]]
"""HTTP status and body."""


def open_request(
    journal: Journal,
    prediction: Prediction,
    request: Request,
    asking: Asking,
    replaced: Approval | None = None,
) -> Answer:
    """Append the execution that waits, and the request that binds all of the prediction."""
    requirement = prediction.requirement or (replaced.requirement if replaced else None)
    if requirement is None:
        raise ValueError("nothing here needs approval")
    index, waiting = _waiting(prediction, requirement)
    waiting = replace(waiting, attempt=_attempts(prediction))
    preview, rates = as_preview(prediction, journal.context), rates_in(journal.context.usage)
    execution = journal.append(waiting, _at_step(asking, request, index))
    opened = {
        "kind": "approval.open",
        "approval": uuid7(),
        "seq": execution.seq,
        "requester": asking.principal.id,
        "owner": asking.principal.owner,
        "request": _text({**_kept(request, asking, requirement, index), "rates": rates}),
        "preview": _text(preview),
        "digest": prediction.digest,
        "role": requirement.role,
        "count": requirement.count,
        "expires_at": _expiry(journal.context.at, requirement),
        "replaces": replaced.id if replaced else request.replaces,
    }
    journal.also(opened)
    shown = _shown(opened, "pending", 0)
    return 202, answer_of(journal, request.kind, [execution], shown)


def _waiting(prediction: Prediction, requirement: Requirement) -> tuple[int, Decision]:
    """The first step that waits; where none does any more, the first one all the same."""
    for index, decision in enumerate(prediction.decisions):
        if decision.status == "pending_approval":
            return index, decision
    reason = Reason("approval_required", {"role": requirement.role, "count": requirement.count})
    waiting = replace(prediction.decisions[0], status="pending_approval", reasons=[reason])
    return 0, waiting


def _attempts(prediction: Prediction) -> Mapping[str, int]:
    """What all of its steps count as attempts: they wait as one, and are no cheaper for it."""
    total: Mapping[str, int] = {}
    for decision in prediction.decisions:
        total = counted(total, decision.attempt)
    return total


def _at_step(asking: Asking, request: Request, index: int) -> Asking:
    if request.kind == "execution":
        return asking
    plan = {"id": request.request_id, "step": index + 1, "of": len(request.intents)}
    return replace(asking, plan=plan)


def _kept(
    request: Request, asking: Asking, requirement: Requirement, index: int
) -> dict[str, Json]:
    principal = asking.principal
    return {
        "kind": request.kind,
        "request_id": request.request_id,
        "step": index,
        "steps": [[intent.action, dict(intent.inputs)] for intent in request.intents],
        "principal": {
            "kind": principal.kind,
            "id": principal.id,
            "owner": principal.owner,
            "via": principal.via,
        },
        "expires_in": requirement.expires_in,
        "because": list(requirement.because),
    }


def _expiry(at: str, requirement: Requirement) -> str | None:
    if requirement.expires_in is None:
        return None
    end = datetime.fromisoformat(at) + timedelta(seconds=requirement.expires_in)
    return f"{end.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _text(value: Json) -> str:
    return orjson.dumps(value).decode()


def _shown(opened: Mapping[str, Json], status: str, approved: int) -> dict[str, Json]:
    return {
        "id": opened["approval"],
        "status": status,
        "role": opened["role"],
        "count": opened["count"],
        "approved": approved,
        "expires_at": opened["expires_at"],
    }


def shown(approval: Approval, status: str, approved: int) -> dict[str, Json]:
    """A request as answers name it."""
    requirement = approval.requirement
    return _shown(
        {
            "approval": approval.id,
            "role": requirement.role,
            "count": requirement.count,
            "expires_at": approval.expires_at,
        },
        status,
        approved,
    )


def carry_out(
    journal: Journal, approval: Approval, deciders: list[str], late: Callable[[], bool]
) -> Answer:
    """Decide again as the requester, and commit only what was approved.

    Another effect, or other approvers: the request is superseded by a new one. A denial denies.
    """
    journal.act_as(approval)
    prediction = predict(approval.steps, journal.context, late=late)
    asking = outcome_of(approval, journal.context.principal, deciders)
    if prediction.digest == approval.digest:
        return _done(journal, approval, prediction.granted(), asking)
    if prediction.decisions[-1].promises:
        return _superseded(journal, approval, prediction, asking)
    refused = prediction.decisions[-1]
    return close(journal, approval, "rejected", refused, asking)


def _done(journal: Journal, approval: Approval, prediction: Prediction, asking: Asking) -> Answer:
    executions = [
        journal.append(
            replace(decision, attempt={}),
            replace(asking, request_id=uuid7(), plan=_plan(approval, index)),
        )
        for index, decision in enumerate(prediction.decisions)
    ]
    return _closed(journal, approval, "done", executions)


def _plan(approval: Approval, index: int) -> dict[str, Json] | None:
    if approval.kind == "execution":
        return None
    return {"id": approval.request_id, "step": index + 1, "of": len(approval.steps)}


def _superseded(
    journal: Journal, approval: Approval, prediction: Prediction, asking: Asking
) -> Answer:
    """Close the request and open one for what would now happen, by the same requester."""
    _, outcome = close_by(journal, approval, "superseded", asking)
    request = Request(approval.kind, approval.request_id, approval.steps, None)
    again = Asking(asking.principal, uuid7(), "approval", about=approval.seq)
    preview = as_preview(prediction, journal.context)
    _, opened = open_request(journal, prediction, request, again, replaced=approval)
    return 409, {"preview": preview, "approval": opened["approval"], "execution": outcome}


def close_by(journal: Journal, approval: Approval, status: str, asking: Asking) -> Answer:
    """Close a request with an execution that says why: rejected, withdrawn, expired, superseded."""
    step = approval.preview["steps"][approval.step]
    refused = Decision(
        step["action"],
        step["action_version"],
        step["inputs"],
        "rejected",
        [Reason(f"approval_{status}")],
    )
    return close(journal, approval, status, refused, asking)


def close(
    journal: Journal, approval: Approval, status: str, refused: Decision, asking: Asking
) -> Answer:
    """Close a request with the execution of its refusal."""
    asking = replace(asking, plan=_plan(approval, approval.step))
    execution = journal.append(replace(refused, attempt={}), asking)
    return _closed(journal, approval, status, [execution])


def _closed(
    journal: Journal,
    approval: Approval,
    status: str,
    executions: list[Execution],
) -> Answer:
    told = shown(approval, status, len(approval.deciders))
    answer = answer_of(journal, approval.kind, executions, told)
    journal.also(
        {"kind": "approval.close", "approval": approval.id, "status": status},
        {
            "kind": "key.answer",
            "principal": approval.requester.id,
            "request_id": approval.request_id,
            "answer": _text(answer),
        },
    )
    return 200, answer


def answer_of(
    journal: Journal, kind: str, executions: list[Execution], approval: Mapping[str, Any] | None
) -> dict[str, Json]:
    """Executions as the API answers them: one, or a plan's with the status of all."""
    sentences = sentences_of(journal.context)
    answers = [as_answer(execution, sentences) for execution in executions]
    more = {"approval": dict(approval)} if approval else {}
    if kind == "execution":
        named = {"approval": {**(answers[0].get("approval") or {}), **approval}} if approval else {}
        return {**answers[0], **named}
    return {"status": answers[-1]["status"], "executions": answers, **more}


def outcome_of(approval: Approval, principal: Principal, deciders: list[str]) -> Asking:
    """How the execution that closes a request is asked for."""
    return Asking(
        principal=principal,
        request_id=uuid7(),
        trigger="approval",
        about=approval.seq,
        approval={"id": approval.id, "deciders": deciders},
    )
