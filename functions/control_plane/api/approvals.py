"""Requests that wait for approval: the list, the inbox, decisions, withdrawal."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import deciding, identity, inbox
from control_plane.api import bodies, shared
from control_plane.errors import ApprovalSuperseded
from control_plane.models import ID_PATTERN
from control_plane.visibility import shown_to

router = APIGatewayHttpRouter()

ApprovalId = Annotated[str, Path(pattern=f"^{ID_PATTERN}$")]


@router.get("/approvals")
def list_mine(limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None) -> Response[str]:
    """What waits for one's decision, or was asked by oneself and waits, across all projects."""
    caller = shared.caller(router)
    page = inbox.requests(
        shared.store(), shared.registries(), caller, limit, cursor,
        project=None, status="pending",
    )  # fmt: skip
    return shared.answer(page)


@router.get("/projects/<project>/approvals")
def list_approvals(
    project: str,
    status: bodies.ApprovalStatus | None = None,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: str | None = None,
) -> Response[str]:
    """A project's requests, newest first."""
    caller = shared.caller(router, project)
    target = identity.target(caller, shared.registries())
    page = inbox.requests(
        shared.store(), shared.registries(), caller, limit, cursor,
        project=target.project, status=status,
    )  # fmt: skip
    return shared.answer(page)


@router.post("/projects/<project>/approvals/<approval>/decision")
def decide(project: str, approval: ApprovalId, body: bodies.Vote) -> Response[str]:
    """Approve or reject a request. What was approved is what happens, or nothing does."""
    target = shared.target_of(router, project, "approve")
    said = body.model_dump()
    request_id = shared.requested(router, None)
    try:
        done = deciding.vote(shared.store(), shared.archived(), target, approval, said, request_id)
    except ApprovalSuperseded as superseded:
        raise ApprovalSuperseded(**shown_to(target, superseded.members)) from superseded
    return shared.answer(shown_to(target, done))


@router.post("/projects/<project>/approvals/<approval>/withdraw")
def withdraw(
    project: str,
    approval: ApprovalId,
    body: bodies.Nothing,  # noqa: ARG001
) -> Response[str]:
    """Take back one's own request."""
    target = shared.target_of(router, project, "execute")
    request_id = shared.requested(router, None)
    done = deciding.withdraw(shared.store(), shared.archived(), target, approval, request_id)
    return shared.answer(shown_to(target, done))
