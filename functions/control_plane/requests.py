"""What was asked, and what the same request is answered when it comes again."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Literal

import orjson
from msgspec import Struct

from control_plane.canonical import canonical, sha256
from control_plane.errors import ApprovalSuperseded, ConfirmationStale, IdempotencyConflict
from control_plane.models import Intent, Json, Principal
from control_plane.store import KnownKey

RESTORED = "restored"
"""Stands for the body's hash with keys that were restored: records hold inputs, not bodies."""

type Kind = Literal["execution", "plan"]


class Request(Struct, frozen=True):
    """A request to execute one action (`kind` execution) or several as one (`kind` plan).

    `private` goes into what it brings about, never into records, and `private_digest` tells whether
    it is the same when the request comes again; `replaces` is the waiting request whose place this
    one takes.
    """

    kind: Kind
    request_id: str
    intents: Sequence[Intent]
    confirm: str | None
    trigger: str = "api"
    private: Mapping[str, str] | None = None
    private_digest: str | None = None
    replaces: str | None = None

    @property
    def body_hash(self) -> str:
        """What must be the same when the same request id comes again."""
        steps = [[intent.action, dict(intent.inputs)] for intent in self.intents]
        more = [each for each in (self.replaces, self.private_digest) if each]
        return sha256(canonical([self.kind, steps, self.confirm, *more]))

    @property
    def step_ids(self) -> list[str]:
        """The request id of each step's execution."""
        if self.kind == "execution":
            return [self.request_id]
        return [f"{self.request_id}/{step}" for step in range(1, len(self.intents) + 1)]

    @property
    def keys(self) -> list[str]:
        """Every id that it takes."""
        return sorted({self.request_id, *self.step_ids})


def answered(status: int, answer: dict[str, Json]) -> dict[str, Json]:
    """A request's answer; raises what it was where a promise no longer held.

    `ApprovalSuperseded` names the new request, `ConfirmationStale` has only the new preview.
    """
    if status == HTTPStatus.CONFLICT:
        raise (ApprovalSuperseded if "approval" in answer else ConfirmationStale)(**answer)
    return answer


def replay(known: Mapping[str, KnownKey], request: Request) -> dict[str, Json]:
    """What this very request was answered before; else `IdempotencyConflict`.

    Where it waited for approval, its key has been given the outcome since.
    """
    before = known.get(request.request_id)
    if before is not None:
        answer = orjson.loads(before.answer)
        if before.body_hash == request.body_hash:
            return answered(before.status, answer)
        if before.body_hash == RESTORED and answer and _is_answer_to(answer, request):
            return answered(before.status, answer)
    raise IdempotencyConflict()


def _is_answer_to(answer: Mapping[str, Json], request: Request) -> bool:
    """Whether an answer that was made anew from records is to what is asked for now.

    The inputs that were given must be the recorded ones, which may have defaults beside them.
    """
    executions = answer.get("executions", [answer])
    return len(executions) <= len(request.intents) and all(
        done["action"] == intent.action.partition("@")[0]
        and {**done.get("inputs", {}), **intent.inputs} == done.get("inputs", {})
        for done, intent in zip(executions, request.intents, strict=False)
    )


def keys_of(
    principal: Principal, request: Request, status: int, answer: Mapping[str, Json]
) -> list[dict[str, Json]]:
    """Rows for the request's key with what a replay answers; a plan takes its steps' ids, too."""
    common = {"principal_id": principal.id, "body_hash": request.body_hash, "status": status}
    text = orjson.dumps(answer).decode()
    steps = [id for id in request.step_ids if id != request.request_id]
    return [
        {**common, "request_id": request.request_id, "answer": text},
        *({**common, "body_hash": "", "request_id": id, "answer": "null"} for id in steps),
    ]
