"""The only writing path: lock and load, decide, record and commit. Fail closed.

A use case is run again as a whole when the database asks for it; its idempotency key, committed
in the same transaction, makes sure that nothing runs twice.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from control_plane import history
from control_plane.archive.reader import Archive
from control_plane.audit import Asking, Execution, as_answer
from control_plane.canonical import MAX_INTEGER, canonical, sha256
from control_plane.engine.context import Context
from control_plane.engine.migration import MigrationFailed, migration
from control_plane.engine.preview import Prediction, predict
from control_plane.errors import ConfirmationStale, IdempotencyConflict, NotFound, Unavailable
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.models import (
    GENESIS_HASH,
    SYSTEM,
    Decision,
    Intent,
    Json,
    Principal,
    Reason,
)
from control_plane.previews import as_preview
from control_plane.registry import REVERT
from control_plane.store import KnownKey, Loaded, Store
from control_plane.store.writing import Asked, looking, writing
from control_plane.target import Target

HANDLER_LIMIT_S = 7.0
"""Under the login's 8 s `idle_in_transaction_session_timeout`, which would end the transaction."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to execute one action (`kind` execution) or several as one (`kind` plan)."""

    kind: Literal["execution", "plan"]
    request_id: str
    intents: Sequence[Intent]
    confirm: str | None
    trigger: str = "api"

    @property
    def body_hash(self) -> str:
        """What must be the same when the same request id comes again."""
        steps = [[intent.action, dict(intent.inputs)] for intent in self.intents]
        return sha256(canonical([self.kind, steps, self.confirm]))

    @property
    def step_ids(self) -> list[str]:
        """The request id of each step's execution."""
        if self.kind == "execution":
            return [self.request_id]
        return [f"{self.request_id}/{step}" for step in range(1, len(self.intents) + 1)]


class HandlerTimeout(Exception):
    """The action's own code took longer than a transaction may wait for it."""


def preview(
    store: Store, archived: Archive, target: Target, intents: Sequence[Intent]
) -> dict[str, Json]:
    """What would happen if these intents were asked for together now; stores nothing."""
    past = _past(store, archived, target, intents)
    context = _migrated(_seen(target, looking(store, _asked(target, intents, [])), past))
    return as_preview(predict(intents, context), context)


def execute(store: Store, archived: Archive, target: Target, request: Request) -> dict[str, Json]:
    """Decide and commit, or replay what the same request was answered before.

    Returns an execution, or for a plan `{"status", "executions"}`. Raises `ConfirmationStale`
    with the new preview when `confirm` no longer holds, after recording that.
    """
    past = _past(store, archived, target, request.intents)
    try:
        return store.retrying(lambda: _attempt(store, target, request, past, _predicted))
    except HandlerTimeout:
        return store.retrying(lambda: _attempt(store, target, request, past, _timed_out))


type Past = Mapping[int, Mapping[str, Json]]
type Forecast = tuple[Prediction, bool]
"""What would happen, and whether it is another promise than the one that was confirmed."""
type Predict = Callable[[Request, Context], Forecast]


def _attempt(
    store: Store, target: Target, request: Request, past: Past, forecast_of: Predict
) -> dict[str, Json]:
    keys = sorted({request.request_id, *request.step_ids})
    with writing(store, _asked(target, request.intents, keys)) as transaction:
        known = transaction.loaded.keys
        if known:
            return replay(known, request)
        journal = Journal(_seen(target, transaction.loaded, past))
        migrate(journal)
        forecast = forecast_of(request, journal.context)
        status, answer = _append(journal, request, forecast)
        transaction.commit(journal.batch(keys_of(target.principal, request, status, answer)))
    return _answered(status, answer)


def _asked(target: Target, intents: Sequence[Intent], keys: Sequence[str]) -> Asked:
    needed = target.registry.needed(intent.action for intent in intents)
    schemas = target.registry.schema_versions
    return Asked(target.org, target.project, target.principal, needed, keys, schemas)


def _past(
    store: Store, archived: Archive, target: Target, intents: Sequence[Intent]
) -> dict[int, Mapping[str, Json]]:
    """The states that reverts go back to. What was at a version stays so: it needs no lock."""
    asked = (i.inputs.get("version") for i in intents if i.action.partition("@")[0] == REVERT)
    versions = {v for v in asked if type(v) is int and 0 <= v <= MAX_INTEGER}
    return {
        version: state
        for version in versions
        for state in [history.components_at(store, archived, target, version)]
        if state is not None
    }


def _seen(target: Target, loaded: Loaded, past: Past) -> Context:
    """The context, unless the role that authentication found is gone by now: `NotFound`."""
    context = context_of(target, loaded, past)
    if context.principal.role is None:
        raise NotFound()
    return context


def context_of(target: Target, loaded: Loaded, past: Past | None = None) -> Context:
    """What decisions read, as it was loaded; who may see the project is not checked here."""
    role = "admin" if target.principal.kind == "system" else loaded.role
    return Context(
        org=target.org,
        project=target.project,
        principal=replace(target.principal, role=role),
        registry=target.registry,
        at=loaded.at,
        seq=loaded.head.get("seq", 0),
        version=loaded.head.get("version", 0),
        hash=loaded.head.get("hash", GENESIS_HASH),
        components=loaded.components,
        past=past or {},
    )


def _predicted(request: Request, context: Context) -> Forecast:
    started = time.monotonic()
    confirmed = request.kind == "plan" or request.confirm is not None
    prediction = predict(request.intents, context, confirmed=confirmed)
    if time.monotonic() - started > HANDLER_LIMIT_S:
        raise HandlerTimeout()
    return prediction, request.confirm is not None and request.confirm != prediction.digest


def _timed_out(request: Request, context: Context) -> Forecast:
    """What is recorded, once, in a new transaction, when a handler took too long."""
    first = request.intents[0]
    action = context.registry.find(first.action)
    name, version = (action.id, action.version) if action else (first.action, 0)
    decision = Decision(name, version, first.inputs, "failed", [Reason("handler_timeout")])
    return Prediction([decision], request.intents, context), False


def _append(journal: Journal, request: Request, forecast: Forecast) -> tuple[int, dict[str, Json]]:
    """Append what the prediction says, or, where another was confirmed, that it was stale."""
    prediction, stale = forecast
    decisions = prediction.decisions
    fresh = as_preview(prediction, journal.context) if stale else None
    if stale:
        decisions = [_stale(decision) for decision in decisions]
    executions = [
        journal.append(decision, _asking(journal, request, index))
        for index, decision in enumerate(decisions)
    ]
    answer = _answer(request, executions, journal.context.registry.sentences)
    return (409, {"preview": fresh, "execution": answer}) if stale else (200, answer)


def _stale(decision: Decision) -> Decision:
    reasons = [Reason("confirmation_stale")]
    return replace(
        decision, status="rejected", reasons=reasons, diff=(), components={}, messages=()
    )


def _asking(journal: Journal, request: Request, index: int) -> Asking:
    plan = None
    if request.kind == "plan":
        plan = {"id": request.request_id, "step": index + 1, "of": len(request.intents)}
    return Asking(
        principal=journal.context.principal,
        request_id=request.step_ids[index],
        trigger=request.trigger,
        preview=request.confirm,
        plan=plan,
    )


def _answer(
    request: Request, executions: Sequence[Execution], declared: Mapping[str, str]
) -> dict[str, Json]:
    answers = [as_answer(execution, declared) for execution in executions]
    if request.kind == "execution":
        return answers[0]
    return {"status": answers[-1]["status"], "executions": answers}


def _answered(status: int, answer: dict[str, Json]) -> dict[str, Json]:
    if status == ConfirmationStale.status:
        raise ConfirmationStale(**answer)
    return answer


def replay(known: Mapping[str, KnownKey], request: Request) -> dict[str, Json]:
    """What this very request was answered before; else `IdempotencyConflict`."""
    before = known.get(request.request_id)
    if before is None or before.body_hash != request.body_hash:
        raise IdempotencyConflict()
    return _answered(before.status, orjson.loads(before.answer))


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


def migrate(journal: Journal) -> None:
    """Append the `system` execution that brings the state to its declarations, if one is due."""
    decision = _migration(journal.context)
    if decision is not None:
        journal.append(decision, Asking(SYSTEM, uuid7(), "system"))


def _migrated(context: Context) -> Context:
    decision = _migration(context)
    return context if decision is None else context.after(decision)


def _migration(context: Context) -> Decision | None:
    try:
        return migration(context)
    except MigrationFailed as error:
        raise Unavailable(f"The project's state can't be migrated: {error}.") from error
