"""Projects: what is declared in them, their state, previews, executions and plans."""

from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import administration, execution, history, identity, organizations, reading
from control_plane.api import bodies, shared
from control_plane.errors import ConfirmationStale
from control_plane.models import Intent, Json
from control_plane.registry import REVERT, builtin
from control_plane.requests import Request
from control_plane.target import Target
from control_plane.visibility import shown_to

router = APIGatewayHttpRouter()


@router.get("/projects")
def list_projects(
    limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None
) -> Response[str]:
    """The projects that one may see, newest first."""
    caller = shared.caller(router)
    page = reading.projects(shared.store(), caller, limit, cursor)
    return shared.answer(page)


@router.post("/projects")
def create_project(body: bodies.NewProject) -> Response[str]:
    """Make a project; admins of the organization only. Answers its first execution."""
    caller = administration.require_admin(shared.caller(router))
    names = {"slug": body.slug, "title": body.title or body.slug, "template": body.template}
    asking = (caller.org, caller.principal)
    request_id = shared.requested(router, None)
    created = organizations.create_project(
        shared.store(), shared.registries(), asking, names, request_id
    )
    return shared.answer(created)


@router.get("/projects/<project>")
def get_project(project: str) -> Response[str]:
    """One project; its tombstone, for admins of the organization, where it has been purged."""
    caller = shared.caller(router, project)
    found = identity.target(caller, shared.registries(), purged=caller.admin)
    return shared.answer(reading.project(shared.store(), found.org, caller.user, found.project))


@router.patch("/projects/<project>")
def update_project(project: str, body: bodies.Title) -> Response[str]:
    """Give a project another title."""
    inputs = {"title": body.title}
    return shared.asked(router, shared.target_of(router, project), builtin.UPDATE, inputs)


@router.post("/projects/<project>/archive")
def archive_project(project: str, body: bodies.Nothing) -> Response[str]:  # noqa: ARG001
    """Make a project read-only until it is resumed."""
    return shared.asked(router, shared.target_of(router, project), builtin.ARCHIVE, {})


@router.post("/projects/<project>/pause")
def pause_project(project: str, body: bodies.Nothing) -> Response[str]:  # noqa: ARG001
    """Stop everything in a project but reads and administration, at once."""
    return shared.asked(router, shared.target_of(router, project), builtin.PAUSE, {})


@router.post("/projects/<project>/resume")
def resume_project(project: str, body: bodies.Nothing) -> Response[str]:  # noqa: ARG001
    """Let a paused or archived project go on."""
    return shared.asked(router, shared.target_of(router, project), builtin.RESUME, {})


@router.post("/projects/<project>/purge")
def purge_project(project: str, body: bodies.Purge) -> Response[str]:
    """Remove a project for good: all but a tombstone and its chain's head. There is no way back.

    What is in the archive by then loses inputs and values, and keeps its records and hashes, and
    policies, members' ids and titles.
    """
    caller = shared.caller(router, project)
    found = identity.target(caller, shared.registries(), purged=True)
    return shared.asked(router, found, builtin.PURGE, body.model_dump())


@router.get("/projects/<project>/registry")
def get_registry(project: str) -> Response[str]:
    """The components and actions declared in a project, with their JSON Schemas."""
    caller = shared.caller(router, project)
    target = identity.target(caller, shared.registries())
    named = {"id": target.project, "slug": caller.slug, "title": caller.title}
    registry = target.registry
    listed = registry.listed(admin=caller.role == "admin")
    return shared.answer({"project": named, "registry": registry.hash, **listed})


@router.get("/projects/<project>/state")
def get_state(
    project: str,
    version: Annotated[int | None, Query(ge=0, le=2**53 - 1)] = None,
    at: bodies.Instant | None = None,
) -> Response[str]:
    """The state now, at a version, or at a moment; with an ETag for If-None-Match."""
    target = shared.target_of(router, project)
    return shared.kept_answer(router, shown_to(target, _state(target, version, at)))


def _state(target: Target, version: int | None, at: datetime | None) -> dict[str, Json]:
    if version is None and at is None:
        return reading.state(shared.store(), target)
    if version is None:
        version = history.version_at(
            shared.store(), shared.archived(), target, shared.iso(at) or ""
        )
    return history.state_at_version(shared.store(), shared.archived(), target, version)


@router.post("/projects/<project>/previews")
def preview(project: str, body: bodies.Preview) -> Response[str]:
    """What would happen if these steps were asked for now; stores nothing."""
    target = shared.target_of(router, project, "read")
    return _shown(target, _preview(target, body.steps))


@router.post("/projects/<project>/executions")
def execute(project: str, body: bodies.Execution) -> Response[str]:
    """Execute one action. The answer is its execution, whatever was decided."""
    request = Request(
        kind="execution",
        request_id=shared.requested(router, body.request_id),
        intents=[Intent(body.action, body.inputs)],
        confirm=body.confirm,
        replaces=body.replaces,
    )
    target = shared.target_of(router, project, "execute")
    return _execute(target, request)


@router.post("/projects/<project>/plans")
def execute_plan(project: str, body: bodies.Plan) -> Response[str]:
    """Execute several actions as one: exactly what the confirmed preview predicted, or nothing."""
    request = Request(
        kind="plan",
        request_id=shared.requested(router, body.request_id, bodies.LONGEST_PLAN_ID),
        intents=_intents(body.steps),
        confirm=body.confirm,
        replaces=body.replaces,
    )
    target = shared.target_of(router, project, "execute")
    return _execute(target, request)


@router.get("/projects/<project>/executions")
def list_executions(
    project: str,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: str | None = None,
    status: bodies.Status | None = None,
    action: str | None = None,
    principal: str | None = None,
    since: bodies.Instant | None = None,
    until: bodies.Instant | None = None,
) -> Response[str]:
    """The audit log, newest first, archived executions included."""
    target = shared.target_of(router, project)
    wanted = {
        "status": status,
        "action": action,
        "principal": principal,
        "since": shared.iso(since),
        "until": shared.iso(until),
    }
    page = reading.executions(shared.store(), shared.archived(), target, limit, cursor, **wanted)
    return _shown(target, page)


@router.get("/projects/<project>/executions/<seq>")
def get_execution(project: str, seq: Annotated[int, Path(ge=1, le=2**53 - 1)]) -> Response[str]:
    """One execution of the audit log."""
    target = shared.target_of(router, project)
    return _shown(target, reading.execution(shared.store(), shared.archived(), target, seq))


@router.post("/projects/<project>/revert")
def revert(project: str, body: bodies.Revert) -> Response[str]:
    """Bring back the state of an earlier version, as an execution like any other; admins only."""
    request = Request(
        kind="execution",
        request_id=shared.requested(router, body.request_id),
        intents=[Intent(REVERT, {"version": body.version})],
        confirm=None,
    )
    return _execute(shared.target_of(router, project, "execute"), request)


def _preview(target: Target, steps: list[bodies.Step]) -> dict[str, Json]:
    return execution.preview(shared.store(), shared.archived(), target, _intents(steps))


def _execute(target: Target, request: Request) -> Response[str]:
    try:
        done = execution.execute(shared.store(), shared.archived(), target, request)
    except ConfirmationStale as stale:
        raise ConfirmationStale(**shown_to(target, stale.members)) from stale
    return shared.execution_of(target, done)


def _shown(target: Target, answer: Json) -> Response[str]:
    return shared.answer(shown_to(target, answer))


def _intents(steps: list[bodies.Step]) -> list[Intent]:
    return [Intent(step.action, step.inputs) for step in steps]
