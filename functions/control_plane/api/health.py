"""Whether this function lives, and whether it can do its work."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane.api import shared
from control_plane.errors import Unavailable
from control_plane.store import SCHEMA_VERSION

router = APIGatewayHttpRouter()


@router.get("/livez")
def livez() -> Response[str]:
    """Alive; nothing else is looked at."""
    return shared.answer({"status": "ok"})


@router.get("/readyz")
def readyz() -> Response[str]:
    """Ready: the database answers and has the schema that this code needs; else 503."""
    schema = shared.store().schema_version()
    if schema != SCHEMA_VERSION:
        raise Unavailable("The database's schema is not the one this version needs: migrate.")
    return shared.answer({"status": "ready", "schema": schema})
