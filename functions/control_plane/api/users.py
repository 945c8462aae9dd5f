"""The organization's people, and stopping all of it: for its admins."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import governance, people
from control_plane.api import bodies, shared
from control_plane.registry import builtin

router = APIGatewayHttpRouter()


@router.get("/users")
def list_users(limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None) -> Response[str]:
    """The organization's people, newest first."""
    org = shared.system(router).org
    return shared.answer(governance.users(shared.store(), org, limit, cursor))


@router.post("/users")
def create_user(body: bodies.NewUser) -> Response[str]:
    """Make a person, who must change this password at the first sign-in; no API token may."""
    target, request_id = shared.system_by_session(router), shared.requested(router, None)
    made = people.add_user(shared.store(), shared.archived(), target, body.model_dump(), request_id)
    return shared.execution_of(target, made)


@router.patch("/users/<username>")
def update_user(username: str, body: bodies.UserUpdate) -> Response[str]:
    """Disable somebody, which ends their sessions at once; enable them; change their attributes."""
    target = shared.system(router)
    user = people.user_id(shared.store(), target.org, username)
    inputs = {"user": user, **body.model_dump()}
    return shared.asked(router, target, builtin.UPDATE_USER, inputs)


@router.post("/users/<username>/password")
def set_password(username: str, body: bodies.NewPassword) -> Response[str]:
    """Give somebody a password that they must change at the next sign-in; no API token may."""
    target, request_id = shared.system_by_session(router), shared.requested(router, None)
    user = people.user_id(shared.store(), target.org, username)
    done = people.reset_password(
        shared.store(), shared.archived(), target, user, body.password, request_id
    )
    return shared.execution_of(target, done)


@router.post("/pause")
def pause(body: bodies.Nothing) -> Response[str]:  # noqa: ARG001
    """Stop everything in all projects but reads and administration, at once."""
    return shared.asked(router, shared.system(router), builtin.PAUSE_ALL, {})


@router.post("/resume")
def resume(body: bodies.Nothing) -> Response[str]:  # noqa: ARG001
    """Let the organization go on."""
    return shared.asked(router, shared.system(router), builtin.RESUME_ALL, {})


@router.get("/rollup")
def rollup(limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None) -> Response[str]:
    """The projects that one may see at a glance, newest first."""
    caller = shared.caller(router)
    return shared.answer(governance.rollup(shared.store(), caller, limit, cursor))
