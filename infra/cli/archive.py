"""`chat-agent archive …`"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated

import typer
from control_plane.archive import run as runs
from control_plane.archive.anchors import anchor, anchored
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers, SetBack
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
    except (Incomplete, Overtaken, ReadBackDiffers, SetBack) as error:
        raise fail(str(error)) from error
    typer.echo(f"Archived {summary.rows} executions in {summary.objects} objects.")


@app.command()
def restore(
    until: Annotated[
        str, typer.Option(help="A moment such as 2026-11-24T12:00:00Z: nothing later comes back.")
    ] = "",
) -> None:
    """Restore everything that archive and anchors hold into an empty, migrated database."""
    from control_plane.registry import load_registries
    from control_plane.restore.run import Damaged, NotEmpty, restore
    from control_plane.restore.source import Buckets

    buckets = (Bucket(required(f"chat_agent_{kind}_bucket")) for kind in ("archive", "anchor"))
    source, moment = Buckets(*buckets), _moment(until) if until else None
    url = required("chat_agent_owner_database_url")
    keys = [key for org in source.organizations() for key in source.objects(org)]
    try:
        with typer.progressbar(length=len(keys), label="Restoring") as bar:
            done = restore(url, source, load_registries(), moment, lambda _rows: bar.update(1))
        anchor(url, source.anchor, follow=True)
    except (Damaged, NotEmpty, Incomplete) as error:
        raise fail(str(error)) from error
    typer.echo(
        f"Restored {done.executions} executions of {done.projects} projects"
        f" in {done.organizations} organizations. Their {done.people} people need new passwords"
        " (`chat-agent users password NAME`), scripts new tokens."
    )
    if done.undecided:
        typer.echo(f"{done.undecided} requests that waited for approval must be asked again.")


@app.command("list")
def list_objects() -> None:
    """List the archive's objects, a line of JSON each, newest first."""
    for row in runs.listed(required("chat_agent_archiver_database_url")):
        typer.echo(json.dumps(row))


def _moment(text: str) -> str:
    """A moment as records write it."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise fail(f"{text!r} is no moment. Write it like 2026-11-24T12:00:00Z.") from error
    utc = given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _days(age: str) -> int:
    found = re.fullmatch(r"(\d{1,5})d", age)
    if not found:
        raise fail(f"{age!r} is not an age. Write days, such as 90d or 0d.")
    return int(found[1])
