"""`chat-agent archive …`"""

import json
import re

import typer
from control_plane.archive import run as runs
from control_plane.archive import unnamed
from control_plane.archive.anchors import anchored
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers
from control_plane.settings import settings

from infra.cli.shared import fail, required

app = typer.Typer(help="Old executions in S3.", no_args_is_help=True)


@app.command()
def run(
    older_than: str = typer.Option("", help="Age, such as 90d; 0d takes everything up to now."),
) -> None:
    """Archive whole UTC days older than the setting says: to S3, read back, then removed here.

    The chains' heads and the archive's objects are anchored at the end.
    """
    days = _days(older_than) if older_than else settings().archive_after_days
    url = required("chat_agent_archiver_database_url")
    bucket = Bucket(required("chat_agent_archive_bucket"))
    anchors = Bucket(required("chat_agent_anchor_bucket"))
    length = runs.pending(url, days)
    try:
        with anchored(url, anchors), typer.progressbar(length=length, label="Archiving") as bar:
            summary = runs.archive(url, bucket, days, progress=bar.update)
    except (Incomplete, Overtaken, ReadBackDiffers) as error:
        raise fail(str(error)) from error
    typer.echo(f"Archived {summary.rows} executions in {summary.objects} objects.")
    for key in summary.unnamed:
        typer.echo(f"No manifest names {key}. See `chat-agent archive clean`.", err=True)


@app.command()
def clean() -> None:
    """Delete objects older than a day that no manifest names, where nothing is left to archive.

    Takes S3 credentials that may delete object versions; the archive function has none.
    """
    url = required("chat_agent_archiver_database_url")
    try:
        gone = unnamed.clean(url, Bucket(required("chat_agent_archive_bucket")))
    except Overtaken as error:
        raise fail(str(error)) from error
    for key in gone:
        typer.echo(key)


@app.command("list")
def list_objects() -> None:
    """List the archive's objects, a line of JSON each, newest first."""
    for row in runs.listed(required("chat_agent_archiver_database_url")):
        typer.echo(json.dumps(row))


def _days(age: str) -> int:
    found = re.fullmatch(r"(\d{1,5})d", age)
    if not found:
        raise fail(f"{age!r} is not an age. Write days, such as 90d or 0d.")
    return int(found[1])
