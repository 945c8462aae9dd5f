"""The HTTP API: every route but chat."""

from typing import Any

from control_plane.api import serve
from control_plane.observing.functions import answering


@answering("api")
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one API Gateway HTTP API event (payload format 2.0)."""
    return serve(event, context)
