"""The only writing path: lock and load, decide, record and commit. Fail closed.

A use case is run again as a whole when the database asks for it; its idempotency key, committed
in the same transaction, makes sure that nothing runs twice.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import orjson

from control_plane.audit import Asking, Execution, as_answer
from control_plane.canonical import canonical, sha256
from control_plane.engine import Context, predict
from control_plane.engine.decide import hold
from control_plane.engine.preview import Prediction
from control_plane.errors import ConfirmationStale, IdempotencyConflict, NotFound
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.models import (
    GENESIS_HASH,
    SYSTEM,
    Decision,
    Held,
    Intent,
    Json,
    Principal,
    Reason,
)
from control_plane.previews import as_preview
from control_plane.registry import Registry
from control_plane.store import KnownKey, Loaded, Store
from control_plane.store.writing import Asked, looking, writing

HANDLER_LIMIT_S = 7.0
"""Under the login's 8 s `idle_in_transaction_session_timeout`, which would end the transaction."""


@dataclass(frozen=True, slots=True)
class Target:
    """The project that is asked of, as authentication resolved it for this principal."""

    org: str
    project: str
    principal: Principal
    registry: Registry


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


def preview(store: Store, target: Target, intents: Sequence[Intent]) -> dict[str, Json]:
    """What would happen if these intents were asked for together now; stores nothing."""
    asked = Asked(target.org, target.project, target.principal, _components(target, intents))
    context = _migrated(_seen(target, looking(store, asked)))
    return as_preview(predict(intents, context), context)


def execute(store: Store, target: Target, request: Request) -> dict[str, Json]:
    """Decide and commit, or replay what the same request was answered before.

    Returns an execution, or for a plan `{"status", "executions"}`. Raises `ConfirmationStale`
    with the new preview when `confirm` no longer holds, after recording that.
    """
    try:
        return store.retrying(lambda: _attempt(store, target, request, _predicted))
    except HandlerTimeout:
        return store.retrying(lambda: _attempt(store, target, request, _timed_out))


type Predict = Callable[[Request, Context], Prediction]


def _attempt(
    store: Store, target: Target, request: Request, prediction_of: Predict
) -> dict[str, Json]:
    keys = {request.request_id, *request.step_ids}
    components = _components(target, request.intents)
    asked = Asked(target.org, target.project, target.principal, components, sorted(keys))
    with writing(store, asked) as transaction:
        known = transaction.loaded.keys
        if known:
            return replay(known, request)
        journal = Journal(_seen(target, transaction.loaded))
        migrate(journal)
        prediction = prediction_of(request, journal.context)
        status, answer = _append(journal, target.principal, request, prediction)
        transaction.commit(journal.batch(keys_of(target.principal, request, status, answer)))
    return _answered(status, answer)


def _components(target: Target, intents: Sequence[Intent]) -> list[str]:
    return target.registry.targets(intent.action for intent in intents)


def _seen(target: Target, loaded: Loaded) -> Context:
    """The context, unless the role that authentication found is gone by now: `NotFound`."""
    context = context_of(target, loaded)
    if context.principal.role is None:
        raise NotFound()
    return context


def context_of(target: Target, loaded: Loaded) -> Context:
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
    )


def _predicted(request: Request, context: Context) -> Prediction:
    started = time.monotonic()
    confirmed = request.kind == "plan" or request.confirm is not None
    prediction = predict(request.intents, context, confirmed=confirmed)
    if time.monotonic() - started > HANDLER_LIMIT_S:
        raise HandlerTimeout()
    return prediction


def _timed_out(request: Request, context: Context) -> Prediction:
    """What is recorded, once, in a new transaction, when a handler took too long."""
    first = request.intents[0]
    action = context.registry.actions[first.action]
    decision = Decision(
        action.id, action.version, first.inputs, "failed", [Reason("handler_timeout")]
    )
    return Prediction([decision], request.confirm or "", len(request.intents))


def _append(
    journal: Journal, principal: Principal, request: Request, prediction: Prediction
) -> tuple[int, dict[str, Json]]:
    """Append what the prediction says, or, where another was confirmed, that it was stale."""
    decisions = prediction.decisions
    stale = request.confirm is not None and request.confirm != prediction.digest
    fresh = as_preview(prediction, journal.context) if stale else None
    if stale:
        decisions = [_stale(decision) for decision in decisions]
    executions = [
        journal.append(decision, _asking(journal, principal, request, index))
        for index, decision in enumerate(decisions)
    ]
    answer = _answer(request, executions)
    return (409, {"preview": fresh, "execution": answer}) if stale else (200, answer)


def _stale(decision: Decision) -> Decision:
    reasons = [Reason("confirmation_stale")]
    return replace(
        decision, status="rejected", reasons=reasons, diff=(), components={}, messages=()
    )


def _asking(journal: Journal, principal: Principal, request: Request, index: int) -> Asking:
    plan = None
    if request.kind == "plan":
        plan = {"id": request.request_id, "step": index + 1, "of": len(request.intents)}
    return Asking(
        principal=replace(principal, role=journal.context.principal.role),
        request_id=request.step_ids[index],
        trigger=request.trigger,
        preview=request.confirm,
        plan=plan,
    )


def _answer(request: Request, executions: Sequence[Execution]) -> dict[str, Json]:
    answers = [as_answer(execution) for execution in executions]
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
    """Append the `system` execution that brings declared components into the project's state."""
    decision = _migration(journal.context)
    if decision is not None:
        journal.append(decision, Asking(SYSTEM, str(uuid7()), "system"))


def _migrated(context: Context) -> Context:
    decision = _migration(context)
    return context if decision is None else context.after(decision)


def _migration(context: Context) -> Decision | None:
    """A decision that adds the declared components that the project lacks; None if it has all."""
    missing = [c for c in context.registry.components.values() if c.id not in context.components]
    if not missing:
        return None
    components: dict[str, Held | None] = {}
    for component in missing:
        held = hold(context, component.id, component.initial)
        if isinstance(held, Reason):
            raise TypeError(f"{component.id} declares an initial state that doesn't fit: {held}")
        components[component.id] = held
    added = [{"op": "add", "path": f"/{c.id}", "value": c.initial} for c in missing]
    versions = {component.id: component.schema_version for component in missing}
    return Decision("project.migrate", 1, {}, "success", (), added, components, targets=versions)
