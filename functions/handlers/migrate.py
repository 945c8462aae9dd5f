"""Brings the database's schema up to date; invoked once at every deployment."""

from typing import Any

from control_plane.migrations import migrate
from control_plane.settings import settings


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001
    """Migrate as the schema's owner; answers the version that the database now has."""
    return {"schema": migrate(settings().chat_agent_owner_database_url)}
