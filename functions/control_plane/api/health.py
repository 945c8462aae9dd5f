"""Whether this function lives, and whether it can do its work."""

from dataclasses import asdict

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from control_plane import readiness
from control_plane.api import shared
from control_plane.settings import settings

router = APIGatewayHttpRouter()


@router.get("/livez")
def livez() -> Response[str]:
    """Alive; nothing else is looked at."""
    return shared.answer({"status": "ok"})


@router.get("/readyz")
def readyz() -> Response[str]:
    """Ready: the database answers and has the schema that this code needs; else 503, within 5 s."""
    found = readiness.look(settings().chat_agent_database_url)
    return shared.answer({"status": "ready", **asdict(found)})
