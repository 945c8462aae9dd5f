"""Moves old executions to S3, and anchors the chains; scheduled daily."""

from typing import Any

from control_plane.archive.anchors import anchor, anchored
from control_plane.archive.bucket import Bucket
from control_plane.archive.lag import lag
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers
from control_plane.archive.run import archive
from control_plane.observing.current import add, measure, say
from control_plane.observing.functions import running
from control_plane.settings import Settings, settings


@running("archive")
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Archive whole UTC days older than the setting says, then anchor; answers objects and rows.

    `{"only": "anchors"}` only anchors.
    """
    given = settings()
    url, anchors = given.chat_agent_archiver_database_url, Bucket(given.chat_agent_anchor_bucket)
    try:
        if event.get("only") == "anchors":
            return {"anchors": len(anchor(url, anchors))}
        with anchored(url, anchors, Bucket(given.chat_agent_archive_bucket)) as without:
            return _archived(given, context, without)
    except (Incomplete, Overtaken, ReadBackDiffers) as error:
        say(detail=str(error))  # in our own words: ids, slugs and numbers
        raise


def _archived(given: Settings, context: Any, without: list[str]) -> dict[str, int]:
    url, days = given.chat_agent_archiver_database_url, given.archive_after_days
    add(archived_objects=0, archived_rows=0)
    try:
        summary = archive(
            url,
            Bucket(given.chat_agent_archive_bucket),
            days,
            without=without,
            progress=lambda rows: add(archived_objects=1, archived_rows=rows),
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    finally:
        measure(archive_lag_s=lag(url, days))
    if summary.unnamed:
        say(unnamed=summary.unnamed)
    return {"objects": summary.objects, "rows": summary.rows}
