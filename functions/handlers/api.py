"""The HTTP API: every route but chat."""

from typing import Any

from control_plane.api import serve


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway HTTP API event (payload format 2.0)."""
    return serve(event, context)
