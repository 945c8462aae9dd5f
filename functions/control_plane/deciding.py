"""Deciding about requests that wait: votes, withdrawal, expiry; each a transaction of its own."""

from collections.abc import Callable
from copy import replace

from control_plane import approvals
from control_plane.approvals import Answer
from control_plane.archive.reader import Archive
from control_plane.audit import Asking, as_answer
from control_plane.engine.decide import decide
from control_plane.execution import migrate
from control_plane.journal import Journal
from control_plane.loading import approval_of, asked, context_of, seen, settled
from control_plane.models import SYSTEM, Approval, Decision, Intent, Json
from control_plane.pasts import pasts
from control_plane.previews import sentences_of
from control_plane.registry.builtin import DECIDE_APPROVAL, WITHDRAW_APPROVAL
from control_plane.requests import Request, answered, keys_of, replay
from control_plane.store import Store
from control_plane.store.writing import looking, writing
from control_plane.target import Target
from control_plane.watch import Watch

type FollowUp = Callable[[Journal, Approval], Answer | None]
"""What an accepted vote or withdrawal leads to; None where the request waits on."""


def vote(
    store: Store,
    archived: Archive,
    target: Target,
    approval: str,
    said: dict[str, Json],
    request_id: str,
) -> dict[str, Json]:
    """Approve or reject a request: `said` is `{"decision", "comment"}`.

    Answers the outcome, or the vote's own execution where it was refused or others must follow.
    Raises `ApprovalSuperseded` with the new preview and request where the world has moved.
    """
    intent = Intent(DECIDE_APPROVAL, {"approval": approval, **said})
    return _about(store, archived, target, approval, intent, request_id, _voted)


def withdraw(
    store: Store, archived: Archive, target: Target, approval: str, request_id: str
) -> dict[str, Json]:
    """Take back one's own request. Answers the execution that closes it."""
    intent = Intent(WITHDRAW_APPROVAL, {"approval": approval})
    return _about(store, archived, target, approval, intent, request_id, _withdrawn)


def _voted(journal: Journal, approval: Approval) -> Answer | None:
    context = journal.context
    [last] = [vote for vote in approval.votes if vote["user"] == context.principal.owner]
    deciders = approval.deciders
    if last["decision"] == "reject":
        outcome = approvals.outcome_of(approval, approval.requester, [context.principal.owner])
        journal.act_as(approval)
        return approvals.close_by(journal, approval, "rejected", outcome)
    if len(deciders) < approval.requirement.count:
        return None
    return approvals.carry_out(journal, approval, deciders, Watch().late)


def _withdrawn(journal: Journal, approval: Approval) -> Answer:
    outcome = approvals.outcome_of(approval, journal.context.principal, [])
    return approvals.close_by(journal, approval, "withdrawn", outcome)


def _about(
    store: Store,
    archived: Archive,
    target: Target,
    approval: str,
    intent: Intent,
    request_id: str,
    follow_up: FollowUp,
) -> dict[str, Json]:
    request = Request("execution", request_id, [intent], None)
    waiting = _waiting(store, target, approval)
    steps, requester = (list(waiting.steps), waiting.requester) if waiting else ([], None)
    past = pasts(store, archived, target, steps)

    def attempt() -> dict[str, Json]:
        sought = asked(target, [intent, *steps], request.keys, approval, requester)
        with writing(store, sought) as transaction:
            if transaction.loaded.keys:
                return replay(transaction.loaded.keys, request)
            journal = Journal(seen(target, transaction.loaded, past, sought))
            migrate(journal)
            status, answer = _append(journal, request, follow_up)
            transaction.commit(journal.batch(keys_of(target.principal, request, status, answer)))
        return answered(status, answer)

    return settled(store, attempt)


def _waiting(store: Store, target: Target, approval: str) -> Approval | None:
    """A request, if there is one: what it asks for, and who, never changes: it needs no lock."""
    row = looking(store, asked(target, [], approval=approval)).approval
    return approval_of(row) if row else None


def _append(journal: Journal, request: Request, follow_up: FollowUp) -> Answer:
    approval, [intent] = journal.context.approval, request.intents
    decision = decide(intent, journal.context, confirmed=True)
    about = approval.seq if approval else None
    named = {"id": approval.id} if approval else None
    asking = Asking(
        journal.context.principal, request.request_id, "api", about=about, approval=named
    )
    execution = journal.append(decision, asking)
    sentences = sentences_of(journal.context)
    if approval is None or not decision.changes:
        return 200, as_answer(execution, sentences)
    approval = _with_vote(approval, decision)
    outcome = follow_up(journal, approval)
    if outcome is not None:
        return outcome
    waiting = approvals.shown(approval, "pending", len(approval.deciders))
    return 200, {**as_answer(execution, sentences), "approval": waiting}


def _with_vote(approval: Approval, decision: Decision) -> Approval:
    votes = [effect["vote"] for effect in decision.effects if effect["kind"] == "approval.vote"]
    standing = approval.standing.union(str(vote["user"]) for vote in votes)
    return replace(approval, votes=[*approval.votes, *votes], standing=standing)


def expire(store: Store, target: Target, approval: str) -> bool:
    """Close a request whose time has run out, as the system; whether it was this call."""

    def attempt() -> bool:
        sought = asked(target, [], approval=approval)
        with writing(store, sought) as transaction:
            journal = Journal(context_of(target, transaction.loaded, sought=sought))
            waiting = journal.context.approval
            if waiting is None or not _overdue(waiting, journal.context.at):
                return False
            asking = approvals.outcome_of(waiting, SYSTEM, [])
            approvals.close_by(journal, waiting, "expired", asking)
            transaction.commit(journal.batch())
        return True

    return settled(store, attempt)


def _overdue(approval: Approval, at: str) -> bool:
    expired = approval.expires_at is not None and approval.expires_at <= at
    return approval.status == "pending" and expired
