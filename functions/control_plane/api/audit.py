"""Whether a project's chain holds; and taking out of it what nobody may keep."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import checking
from control_plane.api import bodies, shared
from control_plane.registry import builtin

router = APIGatewayHttpRouter()


@router.get("/projects/<project>/audit/verify")
def verify_chain(
    project: str, from_seq: Annotated[int, Query(ge=1, le=2**53 - 1)] = 1
) -> Response[str]:
    """Check the chain in the database, some thousand executions a call; says what it left out."""
    target = shared.target_of(router, project)
    return shared.answer(checking.check_chain(shared.store(), target, from_seq))


@router.post("/projects/<project>/erasures")
def erase(project: str, body: bodies.Erasure) -> Response[str]:
    """Erase what executions hold, for good: their records and hashes stay. Answers the execution.

    Values that they put into the state must be gone from there first; the versions in between can
    no longer be read.
    """
    target = shared.target_of(router, project)
    inputs = body.model_dump(exclude={"request_id"})
    return shared.asked(router, target, builtin.ERASE, inputs, request_id=body.request_id)
