"""The only writing path: lock and load, decide, record and commit. Fail closed.

A use case is run again as a whole when the database asks for it; its idempotency key, committed
in the same transaction, makes sure that nothing runs twice.
"""

from collections.abc import Callable, Sequence
from copy import replace

from msgspec import Struct

from control_plane import approvals
from control_plane.approvals import Answer, answer_of
from control_plane.archive.reader import Archive
from control_plane.audit import Asking
from control_plane.engine.context import Context
from control_plane.engine.policy import Policy
from control_plane.engine.preview import Prediction, predict
from control_plane.engine.unlocks import unlocks
from control_plane.errors import Conflict
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.loading import asked, due_migration, seen, settled
from control_plane.models import SYSTEM, Approval, Decision, Intent, Json, Reason
from control_plane.pasts import Pasts, pasts
from control_plane.previews import as_preview
from control_plane.registry import REVERT
from control_plane.requests import Request, answered, keys_of, replay
from control_plane.store import Store
from control_plane.store.writing import looking, writing
from control_plane.target import Target
from control_plane.watch import SEARCH_LIMIT_S, Watch


class HandlerTimeout(Exception):
    """A step's own code took too long: the transaction is lost, and this is recorded in another."""

    def __init__(self, step: int, decision: Decision) -> None:
        super().__init__(decision.action)
        self.step = step
        self.decision = decision


class Forecast(Struct, frozen=True):
    """What would happen; whether another promise was confirmed; which step comes first."""

    prediction: Prediction
    stale: bool = False
    start: int = 0


type Foresee = Callable[[Request, Context], Forecast]


def preview(
    store: Store,
    archived: Archive,
    target: Target,
    intents: Sequence[Intent],
    policy: Policy | None = None,
) -> dict[str, Json]:
    """What would happen if these intents were asked for together now; stores nothing.

    `policy` stands in for the one in force, to see what it would say.
    """
    past = pasts(store, archived, target, intents)

    def look(*, whole: bool) -> Prediction:
        sought = asked(target, intents)
        sought = replace(sought, components=None) if whole else sought
        context = _migrated(seen(target, looking(store, sought), past, sought))
        context = replace(context, policy=policy) if policy else context
        return predict(intents, context, late=Watch().late)

    prediction = settled(store, lambda: look(whole=policy is not None))
    if not prediction.decisions[-1].promises:  # what would unlock it may need any component
        prediction = settled(store, lambda: look(whole=True))
    found = unlocks(prediction, late=Watch(SEARCH_LIMIT_S).late)
    return {**as_preview(prediction, prediction.context), "unlocks": found}


def execute(store: Store, archived: Archive, target: Target, request: Request) -> dict[str, Json]:
    """Decide and commit, or replay what the same request was answered before.

    Returns an execution, or for a plan `{"status", "executions"}`, with `approval` where it waits.
    Raises `ConfirmationStale` with the new preview when `confirm` no longer holds, after recording
    that.
    """
    past = pasts(store, archived, target, request.intents)
    try:
        return settled(store, lambda: _attempt(store, target, request, past, _predicted))
    except HandlerTimeout as slow:
        decision, step = slow.decision, slow.step

    def timed_out(request: Request, context: Context) -> Forecast:
        return Forecast(Prediction([decision], request.intents, context), start=step)

    return settled(store, lambda: _attempt(store, target, request, past, timed_out))


def _attempt(
    store: Store, target: Target, request: Request, past: Pasts, foresee: Foresee
) -> dict[str, Json]:
    sought = asked(target, request.intents, request.keys, request.replaces)
    with writing(store, sought) as transaction:
        known = transaction.loaded.keys
        if known:
            return replay(known, request)
        context = seen(target, transaction.loaded, past, sought)
        journal = Journal(replace(context, private=True) if request.private else context)
        migrate(journal)
        status, answer = _append(journal, request, foresee(request, journal.context))
        transaction.commit(journal.batch(keys_of(target.principal, request, status, answer)))
    return answered(status, answer)


def _predicted(request: Request, context: Context) -> Forecast:
    confirmed = request.kind == "plan" or request.confirm is not None
    prediction = predict(request.intents, context, confirmed=confirmed, late=Watch().late)
    step, last = len(prediction.decisions) - 1, prediction.decisions[-1]
    if last.status == "failed" and last.reasons[0].code == "handler_timeout":
        raise HandlerTimeout(step, last)
    stale = request.confirm is not None and request.confirm != prediction.digest
    return Forecast(prediction, stale)


def _append(journal: Journal, request: Request, forecast: Forecast) -> Answer:
    """Append what the prediction says: executions, or a request for approval, or staleness."""
    prediction = forecast.prediction
    replaced = _replaced(journal.context) if request.replaces else None
    if forecast.stale:
        return _stale(journal, request, prediction)
    about = None
    if replaced is not None and prediction.decisions[-1].promises:
        about = _withdrawn(journal, replaced)
    if prediction.waits:
        asking = _asking(journal, request, 0, about)
        return approvals.open_request(journal, prediction, request, asking)
    executions = [
        journal.append(
            _with_private(decision, request),
            _asking(journal, request, forecast.start + index, about),
        )
        for index, decision in enumerate(prediction.decisions)
    ]
    return 200, answer_of(journal, request.kind, executions, None)


def _stale(journal: Journal, request: Request, prediction: Prediction) -> Answer:
    fresh = as_preview(prediction, journal.context)
    executions = [
        journal.append(_refused(decision), _asking(journal, request, index))
        for index, decision in enumerate(prediction.decisions)
    ]
    answer = answer_of(journal, request.kind, executions, None)
    return 409, {"preview": {**fresh, "unlocks": []}, "execution": answer}


def _refused(decision: Decision) -> Decision:
    return replace(
        decision,
        status="rejected",
        reasons=[Reason("confirmation_stale")],
        diff=(),
        components={},
        messages=(),
        effects=(),
    )


def _replaced(context: Context) -> Approval:
    """The request whose place another takes: it must be one's own, and wait."""
    replaced = context.approval
    own = replaced is not None and replaced.requester.owner == context.principal.owner
    if replaced is None or not own or replaced.status != "pending":
        raise Conflict("The request to replace isn't yours, or isn't waiting any more.")
    return replaced


def _withdrawn(journal: Journal, replaced: Approval) -> int:
    """Close the request that another takes the place of; answers its seq."""
    outcome = approvals.outcome_of(replaced, journal.context.principal, [])
    approvals.close_by(journal, replaced, "withdrawn", outcome)
    return replaced.seq


def _with_private(decision: Decision, request: Request) -> Decision:
    if not request.private:
        return decision
    effects = [{**effect, **request.private} for effect in decision.effects]
    return replace(decision, effects=effects)


def _asking(journal: Journal, request: Request, index: int, about: int | None = None) -> Asking:
    """How a step is asked for; `about` is the execution of the request whose place it takes."""
    plan = None
    if request.kind == "plan":
        plan = {"id": request.request_id, "step": index + 1, "of": len(request.intents)}
    return Asking(
        principal=journal.context.principal,
        request_id=request.step_ids[index],
        trigger=request.trigger,
        preview=request.confirm,
        plan=plan,
        about=_reverted(journal.context, request.intents[index]) if about is None else about,
    )


def _reverted(context: Context, intent: Intent) -> int | None:
    """The execution that a revert goes back to."""
    version = intent.inputs.get("version")
    if intent.action.partition("@")[0] != REVERT or type(version) is not int:
        return None
    past = context.past.get(version)
    return past.seq if past else None


def migrate(journal: Journal) -> None:
    """Append the `system` execution that brings the state to its declarations, if one is due."""
    decision = due_migration(journal.context)
    if decision is not None:
        journal.append(decision, Asking(SYSTEM, uuid7(), "system"))


def _migrated(context: Context) -> Context:
    decision = due_migration(context)
    return context if decision is None else context.after(decision)
