"""What built-in actions bring about, and what stands in their way beside the common gates."""

from collections.abc import Callable, Iterator, Mapping
from copy import replace
from typing import Any

from control_plane.canonical import canonical
from control_plane.engine.context import Context
from control_plane.engine.erasing import still_in
from control_plane.engine.gates import Ask
from control_plane.engine.policy import MAX_BYTES, Policy, PolicyRefused, compile_policy
from control_plane.engine.rules import administers, judge, requirement
from control_plane.models import ROLE_RANK, Approval, Erasable, Json, Reason
from control_plane.registry import Registry, builtin

_NEXT_POLICY = next(each for each in builtin.built_in("", []) if each.id == builtin.SET_POLICY)

type Effects = list[Mapping[str, Json]]
type Outcome = tuple[list[Reason], Effects]
type Inputs = Mapping[str, Any]


def brought_about(action: str, inputs: Inputs, context: Context) -> Outcome:
    """Reasons against a built-in action, and else what it does beside component state.

    `inputs` have been validated. Roles, rules and confirmation are not checked here.
    """
    known = _KNOWN.get(action)
    return known(inputs, context) if known else ([], [])


def _set_policy(inputs: Inputs, context: Context) -> Outcome:
    return _next_policy(inputs, context, context.registry)


def _next_policy(inputs: Inputs, context: Context, registry: Registry | None) -> Outcome:
    document = canonical(inputs["document"])
    if len(document.encode()) > MAX_BYTES:
        return [Reason("policy_too_large", {"limit": MAX_BYTES})], []
    try:
        policy = compile_policy(inputs["document"], registry)
    except PolicyRefused as refused:
        return [Reason("invalid_policy", {"errors": len(refused.errors)})], []
    if _locks_out(policy, context):
        return [Reason("policy_locks_out")], []
    version = context.policy_version + 1
    return [], [{"kind": "policy.set", "version": version, "document": document}]


def _locks_out(policy: Policy, context: Context) -> bool:
    """Whether an admin like this one could not set the next policy, and not enough could approve.

    That is asked of the role itself: one that a mapping gives could be gone by then.
    """
    admin = replace(context, policy=policy, principal=replace(context.principal, role="admin"))
    asking = judge(Ask(_NEXT_POLICY, {"document": {}}, 0, ["admin"], admin)).asking
    if any(rule.effect == "reject" and rule.id in asking for rule in policy.rules):
        return True
    needed = requirement(policy, asking, _NEXT_POLICY, 0)
    if needed is None or context.subject is None:
        return False
    return needed.count > context.subject["others"][needed.role]


def _set_default_policy(inputs: Inputs, context: Context) -> Outcome:
    """It is for projects of any template, so no declarations say what it may name."""
    reasons, effects = _next_policy(inputs, context, None)
    documents = [effect["document"] for effect in effects]
    return reasons, [{"kind": "organization.policy", "document": each} for each in documents]


def _set_member(inputs: Inputs, context: Context) -> Outcome:
    if context.subject is None:
        return [Reason("unknown_user")], []
    before = {"before": context.subject["role"]}
    return [], [{"kind": "member.set", **before, "user": inputs["user"], "role": inputs["role"]}]


def _remove_member(inputs: Inputs, context: Context) -> Outcome:
    if context.subject is None or context.subject["role"] is None:
        return [Reason("unknown_user")], []
    before = {"before": context.subject["role"]}
    return [], [{"kind": "member.remove", **before, "user": inputs["user"]}]


def _update(inputs: Inputs, _: Context) -> Outcome:
    return [], [{"kind": "project.update", "title": inputs["title"]}]


def _stands(status: str, paused: bool) -> Callable[[Inputs, Context], Outcome]:
    effect = {"kind": "project.status", "status": status, "paused": paused}
    return lambda _inputs, _context: ([], [effect])


def _pause(_: Inputs, context: Context) -> Outcome:
    """An archived project stays archived."""
    status = "archived" if context.stopped == "project_archived" else "active"
    return [], [{"kind": "project.status", "status": status, "paused": True}]


def _purge(inputs: Inputs, context: Context) -> Outcome:
    if inputs["slug"] != context.slug:
        return [Reason("wrong_slug")], []
    return [], [{"kind": builtin.PURGE}]


def _erase(inputs: Inputs, context: Context) -> Outcome:
    first, last = inputs["first_seq"], inputs["last_seq"]
    if last - first >= builtin.MOST_ERASED:
        return [Reason("range_too_large", {"limit": builtin.MOST_ERASED})], []
    found = context.erasable.get((first, last))
    if found is None or not found.whole:
        return [Reason("unknown_range")], []
    reasons = list(_unerasable(found, context))
    return (reasons, []) if reasons else ([], [{**_range(first, last, found), **_kept(found)}])


def _unerasable(found: Erasable, context: Context) -> Iterator[Reason]:
    """What still needs a range's payloads, and where their values still are."""
    if found.waiting is not None:
        yield Reason("still_waiting", {"about": found.waiting})
    if found.rows == 0:
        yield Reason("nothing_to_erase")
    if found.versions is None:
        return
    last = found.versions[1]
    if found.after is None:
        yield Reason("state_erased", {"version": last})
        return
    for version, state in ((last, found.after.components), (context.version, context.state)):
        component = still_in(found.brought, state)
        if component:
            yield Reason("still_in_state", {"component": component, "version": version})
            return


def _range(first: int, last: int, found: Erasable) -> Mapping[str, Json]:
    moments, versions = found.moments or ("", ""), found.versions or (None, None)
    return {
        "kind": builtin.ERASE,
        "first_seq": first,
        "last_seq": last,
        "first_version": versions[0],
        "last_version": versions[1],
        "first_at": moments[0],
        "last_at": moments[1],
        "about": list(found.about),
    }


def _kept(found: Erasable) -> Mapping[str, Json]:
    """The state that history goes on from."""
    if found.after is None or found.versions is None:
        return {}
    past = found.after
    state, schemas = canonical(dict(past.components)), canonical(dict(past.schemas))
    made = {"version": found.versions[1], "at": found.after_at, "seq": past.seq}
    return {"checkpoint": {**made, "state": state, "schemas": schemas}}


def _vote(inputs: Inputs, context: Context) -> Outcome:
    approval = context.approval
    if approval is None or approval.id != inputs["approval"]:
        return [Reason("unknown_approval")], []
    reasons = [*_closed(approval, context), *_unfit(approval, context)]
    approves = inputs["decision"] == "approve"
    if context.stopped and approves and not administers(approval.steps, context):
        reasons.append(Reason(context.stopped))
    said = {"decision": inputs["decision"], "comment": inputs["comment"]}
    vote = {"user": context.principal.owner, **said, "at": context.at}
    return reasons, [{"kind": "approval.vote", "approval": approval.id, "vote": vote}]


def _closed(approval: Approval, context: Context) -> list[Reason]:
    if approval.status != "pending":
        return [Reason("approval_closed", {"status": approval.status})]
    if approval.expires_at is not None and approval.expires_at <= context.at:
        return [Reason("approval_expired")]
    return []


def _unfit(approval: Approval, context: Context) -> list[Reason]:
    """Whoever decides is somebody else, of the role asked for since before the request, once."""
    reasons = []
    principal, needed = context.principal, approval.requirement.role
    if principal.owner == approval.requester.owner:
        reasons.append(Reason("own_request"))
    if ROLE_RANK[principal.role] < ROLE_RANK[needed]:
        reasons.append(Reason("role_required", {"role": needed}))
    elif str(context.person.get("since") or context.at) >= approval.at:
        reasons.append(Reason("role_too_new", {"role": needed}))
    if any(vote["user"] == principal.owner for vote in approval.votes):
        reasons.append(Reason("already_decided"))
    return reasons


def _withdraw(inputs: Inputs, context: Context) -> Outcome:
    approval = context.approval
    if approval is None or approval.id != inputs["approval"]:
        return [Reason("unknown_approval")], []
    reasons = _closed(approval, context)
    if context.principal.owner != approval.requester.owner:
        reasons.append(Reason("not_own_request"))
    return reasons, []


def _create_user(inputs: Inputs, context: Context) -> Outcome:
    if not context.private:
        return [Reason("needs_its_route")], []
    return [], [{**inputs, "kind": "user.create", "must_change_password": True}]


def _update_user(inputs: Inputs, context: Context) -> Outcome:
    subject = context.subject
    if subject is None:
        return [Reason("unknown_user")], []
    last = subject["admin"] and not subject["disabled"] and subject["admins"] <= 1
    if inputs["disabled"] and last:
        return [Reason("last_admin")], []
    return [], [{**inputs, "kind": "user.update"}]


def _set_password(inputs: Inputs, context: Context) -> Outcome:
    if not context.private:
        return [Reason("needs_its_route")], []
    if context.subject is None:
        return [Reason("unknown_user")], []
    return [], [{**inputs, "kind": "user.password", "must_change_password": True}]


def _pauses(paused: bool) -> Callable[[Inputs, Context], Outcome]:
    effect = {"kind": "organization.pause", "paused": paused}
    return lambda _inputs, _context: ([], [effect])


_KNOWN: dict[str, Callable[[Inputs, Context], Outcome]] = {
    builtin.SET_POLICY: _set_policy,
    builtin.SET_MEMBER: _set_member,
    builtin.REMOVE_MEMBER: _remove_member,
    builtin.UPDATE: _update,
    builtin.ARCHIVE: _stands("archived", False),
    builtin.PAUSE: _pause,
    builtin.RESUME: _stands("active", False),
    builtin.PURGE: _purge,
    builtin.ERASE: _erase,
    builtin.DECIDE_APPROVAL: _vote,
    builtin.WITHDRAW_APPROVAL: _withdraw,
    builtin.CREATE_USER: _create_user,
    builtin.UPDATE_USER: _update_user,
    builtin.SET_PASSWORD: _set_password,
    builtin.PAUSE_ALL: _pauses(True),
    builtin.RESUME_ALL: _pauses(False),
    builtin.SET_DEFAULT_POLICY: _set_default_policy,
}
