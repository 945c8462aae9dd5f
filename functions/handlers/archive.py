"""Moves old executions to S3, and anchors the chains; scheduled daily."""

from typing import Any

from aws_lambda_powertools import Logger
from control_plane.archive.anchors import anchor, anchored
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive
from control_plane.settings import settings

logger = Logger(service="archive")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Archive whole UTC days older than the setting says, then anchor; answers objects and rows.

    `{"only": "anchors"}` only anchors.
    """
    given = settings()
    url, anchors = given.chat_agent_archiver_database_url, Bucket(given.chat_agent_anchor_bucket)
    if event.get("only") == "anchors":
        made = {"anchors": len(anchor(url, anchors))}
        logger.info("anchored", anchors=made["anchors"])
        return made
    with anchored(url, anchors):
        summary = archive(
            url,
            Bucket(given.chat_agent_archive_bucket),
            given.archive_after_days,
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    logger.info("archived", objects=summary.objects, rows=summary.rows)
    if summary.unnamed:
        logger.warning("objects that no manifest names", keys=summary.unnamed)
    return {"objects": summary.objects, "rows": summary.rows}
