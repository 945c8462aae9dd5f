"""What governs a project: its policy, members, and what it spends."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import execution, governance, people
from control_plane.api import bodies, shared
from control_plane.engine.policy import PolicyRefused
from control_plane.errors import InvalidPolicy
from control_plane.models import Intent, Json
from control_plane.policy_text import read_policy
from control_plane.registry import Registry, builtin
from control_plane.visibility import shown_to

router = APIGatewayHttpRouter()


@router.get("/projects/<project>/policy")
def get_policy(project: str) -> Response[str]:
    """The policy in force; operators and admins only."""
    target = governance.require_operator(shared.target_of(router, project))
    return shared.answer(governance.policy(shared.store(), target))


@router.put("/projects/<project>/policy")
def put_policy(project: str) -> Response[str]:
    """Set the policy: the body is the document itself, JSON or YAML. Answers the execution."""
    target = shared.target_of(router, project)
    admin = target.principal.role == "admin"  # what others can't see is named to none of them
    inputs = {"document": _document(target.registry if admin else None)}
    return shared.asked(router, target, builtin.SET_POLICY, inputs)


def _document(registry: Registry | None = None) -> dict[str, Json]:
    event = router.current_event
    text = event.decoded_body or ""
    media = event.headers.get("content-type", "application/json")
    try:
        return read_policy(text, "yaml" if "yaml" in media else "json", registry)
    except PolicyRefused as refused:
        raise InvalidPolicy(errors=refused.errors) from refused


@router.get("/policy")
def get_default_policy() -> Response[str]:
    """The policy that the organization's new projects start with."""
    return shared.answer(governance.default_policy(shared.store(), shared.system(router).org))


@router.put("/policy")
def put_default_policy() -> Response[str]:
    """Set the policy that new projects start with, JSON or YAML; those there are keep theirs."""
    target = shared.system(router)
    return shared.asked(router, target, builtin.SET_DEFAULT_POLICY, {"document": _document()})


@router.get("/projects/<project>/policy/versions")
def list_policy_versions(
    project: str, limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None
) -> Response[str]:
    """Every policy that the project has had, newest first; operators and admins only."""
    target = governance.require_operator(shared.target_of(router, project))
    page = governance.policy_versions(shared.store(), target, limit, cursor)
    return shared.answer(page)


@router.post("/projects/<project>/policy/what-if")
def what_if(project: str, body: bodies.WhatIf) -> Response[str]:
    """What would happen to these steps under another policy; stores nothing."""
    target = governance.require_operator(shared.target_of(router, project, "read"))
    policy = None
    if body.document is not None:  # conditions see what its author may not: admins only
        document = governance.require_project_admin(target, body.document)
        policy = governance.compiled(document, target.registry)
    intents = [Intent(step.action, step.inputs) for step in body.steps]
    seen = execution.preview(shared.store(), shared.archived(), target, intents, policy)
    return shared.answer(shown_to(target, seen))


@router.get("/projects/<project>/members")
def list_members(
    project: str, limit: Annotated[int, Query(ge=1)] = 50, cursor: str | None = None
) -> Response[str]:
    """Who has which role in the project, by name."""
    target = shared.target_of(router, project)
    return shared.answer(governance.members(shared.store(), target, limit, cursor))


@router.get("/projects/<project>/members/<username>")
def get_member(project: str, username: str) -> Response[str]:
    """One member."""
    target = shared.target_of(router, project)
    return shared.answer(governance.member(shared.store(), target, username))


@router.put("/projects/<project>/members/<username>")
def put_member(project: str, username: str, body: bodies.Member) -> Response[str]:
    """Give somebody a role. Answers the execution."""
    target = shared.target_of(router, project)
    user = people.user_id(shared.store(), target.org, username)
    inputs = {"user": user, "role": body.role}
    return shared.asked(router, target, builtin.SET_MEMBER, inputs)


@router.delete("/projects/<project>/members/<username>")
def delete_member(project: str, username: str) -> Response[str]:
    """Take somebody's role away. Answers the execution."""
    target = shared.target_of(router, project)
    user = people.user_id(shared.store(), target.org, username)
    return shared.asked(router, target, builtin.REMOVE_MEMBER, {"user": user})


@router.get("/projects/<project>/forecast")
def forecast(project: str) -> Response[str]:
    """What is left of today's budget, and when it would be used up."""
    target = shared.target_of(router, project)
    return shared.answer(governance.forecast(shared.store(), target))
