"""From what was asked to what a decision reads: what to load, and the context that it makes."""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import replace

import orjson

from control_plane import policies
from control_plane.engine.context import Context, Stopped
from control_plane.engine.counters import (
    BUDGET,
    PERSONAL,
    QUOTA,
    budget_of,
    loaded_counters,
    stored_counter,
)
from control_plane.engine.migration import MigrationFailed, migration
from control_plane.engine.policy import Policy
from control_plane.errors import NotFound, Unavailable
from control_plane.intact import check_components
from control_plane.models import (
    GENESIS_HASH,
    ID_PATTERN,
    ROLE_RANK,
    SYSTEM,
    Approval,
    Decision,
    Intent,
    Json,
    Principal,
    Requirement,
)
from control_plane.pasts import NOTHING, Pasts
from control_plane.registry.builtin import ABOUT_SOMEBODY, SETTING_POLICY
from control_plane.store import Loaded, Store
from control_plane.store.writing import Asked
from control_plane.target import Target
from control_plane.watch import Watch

POLICY_ATTEMPTS = 4


class PolicyMoved(Exception):
    """The policy has changed and reads what was not loaded: load again."""


def settled[Result](store: Store, attempt: Callable[[], Result]) -> Result:
    """Run a use case as `Store.retrying` does, and anew when the policy has moved meanwhile."""
    for _ in range(POLICY_ATTEMPTS):
        try:
            return store.retrying(attempt)
        except PolicyMoved:
            continue
    raise Unavailable()


def asked(
    target: Target,
    intents: Sequence[Intent],
    keys: Sequence[str] = (),
    approval: str | None = None,
    requester: Principal | None = None,
) -> Asked:
    """What deciding on these intents needs to have loaded, as far as it is known.

    `requester` is who asked for them, where the target is somebody else's, who decides about it.
    """
    known = policies.known(target.project)
    needed = target.registry.needed(intent.action for intent in intents)
    if needed is not None and known.components is not None:
        needed = sorted({*needed, *known.components} & target.registry.components.keys())
    else:
        needed = None
    return Asked(
        target.org,
        target.project,
        target.principal,
        needed,
        keys,
        target.registry.schema_versions,
        known.version,
        _counters(target.principal, intents, known.policy) if known.version else (),
        approval,
        _concerned(requester or target.principal, intents),
    )


def _concerned(principal: Principal, intents: Sequence[Intent]) -> str | None:
    """Whom administration, which is asked for alone, is about; a policy is about its author."""
    for intent in intents:
        action, user = intent.action.partition("@")[0], intent.inputs.get("user")
        if action in ABOUT_SOMEBODY and isinstance(user, str) and re.fullmatch(ID_PATTERN, user):
            return user
        if action in SETTING_POLICY and principal.kind != "system":
            return principal.owner
    return None


def _counters(principal: Principal, intents: Sequence[Intent], policy: Policy) -> list[str]:
    """Those of the person, the project, the asked actions, and all known to have limits."""
    asked_for = {intent.action.partition("@")[0] for intent in intents}
    own = sorted(budget_of(action) for action in asked_for | policy.limits.action_budgets.keys())
    return [*(stored_counter(name, principal.owner) for name in PERSONAL), QUOTA, BUDGET, *own]


def seen(target: Target, loaded: Loaded, past: Pasts, sought: Asked) -> Context:
    """The context, unless the role that authentication found is gone by now: `NotFound`.

    So is a purged project: nothing is added to its tombstone.
    """
    if loaded.head.get("status") == "purged":
        raise NotFound()
    context = context_of(target, loaded, past, sought)
    if context.principal.role is None:
        raise NotFound()
    return context


def context_of(
    target: Target, loaded: Loaded, past: Pasts = NOTHING, sought: Asked | None = None
) -> Context:
    """What decisions read, as it was loaded; who may see the project is not checked here.

    Raises `PolicyMoved` where `sought` left out what a new policy reads, `Damaged` where a
    component isn't what its hash says.
    """
    held = loaded.components.values()
    check_components((each.hash, each.text) for each in held if each.text is not None)
    principal = target.principal
    role = "admin" if principal.kind == "system" else loaded.role
    known = _policy(target, loaded, sought)
    return Context(
        org=target.org,
        project=target.project,
        principal=principal if principal.role == role else replace(principal, role=role),
        registry=target.registry,
        at=loaded.at,
        seq=loaded.head.get("seq", 0),
        version=loaded.head.get("version", 0),
        hash=loaded.head.get("hash", GENESIS_HASH),
        components=loaded.components,
        slug=loaded.head.get("slug", ""),
        past=past.versions,
        erased=past.erased,
        erasable=past.ranges,
        policy=known.policy,
        policy_version=known.version,
        usage=loaded_counters(loaded.usage),
        person=person_of(loaded.person),
        stopped=_stopped(loaded.head),
        approval=approval_of(loaded.approval) if loaded.approval else None,
        subject=loaded.subject,
    )


def _policy(target: Target, loaded: Loaded, sought: Asked | None) -> policies.Known:
    version = loaded.head.get("policy_version", 0)
    if loaded.policy is None:
        kept = policies.known(target.project) if version else policies.NONE
        if kept.version != version:  # another thread has learnt another one meanwhile
            raise PolicyMoved()
        return kept
    known = policies.learn(target.project, version, loaded.policy)
    if sought is not None and not _covers(sought, known, target):
        raise PolicyMoved()
    return known


def _covers(sought: Asked, known: policies.Known, target: Target) -> bool:
    """Whether what was loaded is all that a policy reads."""
    if not sought.counters:
        return False
    if sought.components is None:
        return True
    declared = target.registry.components.keys()
    return known.components is not None and known.components & declared <= set(sought.components)


def person_of(person: Mapping[str, Json]) -> dict[str, Json]:
    """Somebody as conditions see them, and since when they have their role."""
    attributes = orjson.loads(person.get("attributes") or "{}")
    return {
        "username": person.get("username", ""),
        "email": str(attributes.get("email", "")),
        "attributes": attributes,
        "since": person.get("since"),
    }


def _stopped(head: Mapping[str, Json]) -> Stopped | None:
    if head.get("status") == "archived":
        return "project_archived"
    if head.get("organization_paused"):
        return "organization_paused"
    return "project_paused" if head.get("paused") else None


def approval_of(row: Mapping[str, Json]) -> Approval:
    """A stored request; its requester has the role that they have now, the system its own."""
    request, person = orjson.loads(row["request"]), row.get("requester") or {}
    role = SYSTEM.role if request["principal"]["kind"] == "system" else person.get("role")
    return Approval(
        id=row["id"],
        seq=row["seq"],
        status=row["status"],
        requester=Principal(**request["principal"], role=role),
        kind=request["kind"],
        steps=[Intent(action, inputs) for action, inputs in request["steps"]],
        request_id=request["request_id"],
        step=request["step"],
        person=person_of(person),
        rates=request.get("rates", {}),
        digest=row["digest"],
        preview=orjson.loads(row["preview"]),
        requirement=Requirement(
            row["role"], row["count"], request["expires_in"], request["because"]
        ),
        at=row["at"],
        expires_at=row["expires_at"],
        votes=orjson.loads(row["votes"]),
        standing=_standing(row),
    )


def _standing(row: Mapping[str, Json]) -> frozenset[str]:
    """Of those who have voted, the people whose vote still counts."""
    voters: Mapping[str, Mapping[str, Json]] = row["voters"] or {}
    needed = ROLE_RANK[row["role"]]
    return frozenset(
        user
        for user, now in voters.items()
        if ROLE_RANK[now["role"]] >= needed and str(now["since"]) < row["at"]
    )


def due_migration(context: Context) -> Decision | None:
    """What brings the state to its declarations. Raises `Unavailable` where it can't be.

    So is what takes too long: its transaction would be lost, and trying again would not help.
    """
    watch = Watch()
    try:
        decision = migration(context)
    except MigrationFailed as error:
        raise Unavailable(f"The project's state can't be migrated: {error}.") from error
    if watch.late():
        raise Unavailable(
            "The project's state can't be migrated: the declared migrations take too long."
            " Make them faster, and deploy again."
        )
    return decision
