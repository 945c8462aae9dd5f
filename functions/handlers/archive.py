"""Moves old executions to S3; scheduled daily."""

from typing import Any

from aws_lambda_powertools import Logger
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive
from control_plane.settings import settings

logger = Logger(service="archive")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Archive whole UTC days older than the setting says; answers objects and rows."""
    given = settings()
    summary = archive(
        given.chat_agent_archiver_database_url,
        Bucket(given.chat_agent_archive_bucket),
        given.archive_after_days,
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    logger.info("archived", objects=summary.objects, rows=summary.rows)
    return vars(summary)
