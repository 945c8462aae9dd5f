"""What time brings about: requests that expire, counters to forget; scheduled every minute."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from control_plane.governance import tick
from control_plane.registry import load_registries
from control_plane.settings import settings
from control_plane.store import Store

logger = Logger(service="tick")


@cache
def _store() -> Store:
    return Store(settings().chat_agent_database_url)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Close what has expired; answers how much."""
    done = tick(_store(), load_registries())
    logger.info("ticked", extra=dict(done))
    return done
