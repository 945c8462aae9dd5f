"""Whether a project's chain holds."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import checking
from control_plane.api import shared

router = APIGatewayHttpRouter()


@router.get("/projects/<project>/audit/verify")
def verify_chain(
    project: str, from_seq: Annotated[int, Query(ge=1, le=2**53 - 1)] = 1
) -> Response[str]:
    """Check the chain in the database, some thousand executions a call; says what it left out."""
    target = shared.target_of(router, project)
    return shared.answer(checking.check_chain(shared.store(), target, from_seq))
