"""What changes people, projects and organizations: built-in actions in a project's own chain."""

from collections.abc import Mapping

import psycopg

from control_plane.audit import Asking, as_answer
from control_plane.errors import Conflict, Forbidden
from control_plane.execution import migrate
from control_plane.identity import NO_TENANT, Caller
from control_plane.ids import uuid7
from control_plane.journal import Journal
from control_plane.loading import context_of
from control_plane.models import SYSTEM, Decision, Intent, Json
from control_plane.registry import Registry
from control_plane.requests import Request, keys_of, replay
from control_plane.store import Store
from control_plane.store.writing import Asked, writing
from control_plane.target import Target

SYSTEM_SLUG = "system"
"""The organization's own project: users and tokens are executions in its chain."""

type Effects = list[Mapping[str, Json]]
type Steps = list[tuple[Intent, Effects]]


def administer(
    store: Store,
    target: Target,
    steps: Steps,
    request_id: str | None = None,
    after: int | None = None,
) -> dict[str, Json]:
    """Commit built-in actions that the caller of this function has authorised, as one.

    Answers the first one's execution. The request's own key makes a retry safe. Raises `Conflict`
    when a name is taken, or where the chain has gone on past the seq `after`.
    """
    request = request_for(steps, request_id or uuid7())

    def attempt() -> dict[str, Json]:
        asked = Asked(
            target.org,
            target.project,
            target.principal,
            [],
            [request.request_id],
            target.registry.schema_versions,
        )
        with writing(store, asked) as transaction:
            if transaction.loaded.keys:
                return replay(transaction.loaded.keys, request)
            if after is not None and transaction.loaded.head["seq"] != after:
                raise Conflict("Something was executed meanwhile. Look, and ask again.")
            journal = Journal(context_of(target, transaction.loaded))
            ids = [request.request_id, *(uuid7() for _ in steps[1:])]
            executions = [
                journal.append(_granted(intent), Asking(target.principal, id, "api"), *effects)
                for id, (intent, effects) in zip(ids, steps, strict=True)
            ]
            migrate(journal)
            answer = as_answer(executions[0], target.registry.sentences)
            transaction.commit(journal.batch(keys_of(target.principal, request, 200, answer)))
        return answer

    try:
        return store.retrying(attempt)
    except psycopg.errors.UniqueViolation as error:
        raise Conflict() from error


def request_for(steps: Steps, request_id: str) -> Request:
    """The request that asks for the first step: the others follow from what there is by then."""
    return Request("execution", request_id, [steps[0][0]], None)


def _granted(intent: Intent) -> Decision:
    return Decision(intent.action, 1, intent.inputs, "success", title=intent.action)


def system_target(store: Store, registries: Mapping[str, Registry], org: str) -> Target:
    """The organization's own project, asked by the system itself."""
    [system] = store.read(org, "project_by_slug", slug=SYSTEM_SLUG)
    return Target(org, system["id"], SYSTEM, registries["system"])


def organization_id(store: Store, slug: str) -> str | None:
    """The id of an organization, or None: for commands, which have no session."""
    found = store.read(NO_TENANT, "organization", slug=slug)
    return found[0]["id"] if found else None


def require_admin(caller: Caller) -> Caller:
    """The caller, if they are an admin of their organization; else `Forbidden`."""
    if not caller.admin:
        raise Forbidden("Only an admin of the organization may do this.")
    return caller
