"""Moves old executions to S3; scheduled daily."""

from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.archive.lag import lag
from control_plane.archive.run import Incomplete, Overtaken, ReadBackDiffers, archive
from control_plane.observing.current import add, measure, say
from control_plane.observing.functions import running
from control_plane.settings import settings


@running("archive")
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Archive whole UTC days older than the setting says; answers objects and rows."""
    given = settings()
    url, days = given.chat_agent_archiver_database_url, given.archive_after_days
    add(archived_objects=0, archived_rows=0)
    try:
        summary = archive(
            url,
            Bucket(given.chat_agent_archive_bucket),
            days,
            progress=lambda rows: add(archived_objects=1, archived_rows=rows),
            time_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    except (Incomplete, Overtaken, ReadBackDiffers) as error:
        say(detail=str(error))  # in our own words: ids and numbers
        raise
    finally:
        measure(archive_lag_s=lag(url, days))
    return vars(summary)
