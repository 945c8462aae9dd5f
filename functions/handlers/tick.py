"""What time brings about: requests that expire, rows to forget; scheduled every minute."""

from typing import Any

from aws_lambda_powertools import Logger
from control_plane.governance import tick
from control_plane.settings import settings

logger = Logger(service="tick")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Close what has expired, forget what has been kept long enough; answers how much."""
    seconds = context.get_remaining_time_in_millis() / 1000
    done = tick(settings().chat_agent_database_url, seconds)
    logger.info("ticked", extra=dict(done))
    return done
