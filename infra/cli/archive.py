"""`chat-agent archive …`"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers, SetBack
from control_plane.settings import settings

from infra.cli.shared import Organization, archiver_url, fail, project, required

app = typer.Typer(help="Old executions in S3.", no_args_is_help=True)


@app.command()
def run(
    older_than: str = typer.Option("", help="Age, such as 90d; 0d takes everything up to now."),
) -> None:
    """Archive whole UTC days older than the setting says: to S3, read back, then removed here.

    What was erased is taken from the archive, too. The chains' heads and the archive's objects are
    anchored at the end.
    """
    from control_plane.archive import run as runs
    from control_plane.archive.anchors import anchored

    days = _days(older_than) if older_than else settings().archive_after_days
    url = archiver_url()
    bucket = Bucket(required("chat_agent_archive_bucket"))
    anchors = Bucket(required("chat_agent_anchor_bucket"))
    bar = typer.progressbar(length=runs.pending(url, days), label="Archiving")
    with _told(), anchored(url, anchors, bucket) as without, bar:
        summary = runs.archive(url, bucket, days, without=without, progress=bar.update)
    typer.echo(f"Archived {summary.rows} executions in {summary.objects} objects.")
    for key in summary.unnamed:
        typer.echo(f"No manifest names {key}. See `chat-agent archive clean`.", err=True)


@app.command()
def clean() -> None:
    """Delete objects older than a day that no manifest names, where nothing is left to archive.

    Leaves organizations alone that the database doesn't have. Takes S3 credentials that may delete
    object versions.
    """
    from control_plane.archive import unnamed
    from control_plane.archive.anchors import refuse_set_back

    url = archiver_url()
    bucket = Bucket(required("chat_agent_archive_bucket"))
    anchors = Bucket(required("chat_agent_anchor_bucket"))
    with _told():
        # what such a database doesn't know may be the last copy of what it has lost
        refuse_set_back(url, anchors)
        cleaned = unnamed.clean(url, bucket, anchors)
    for key in cleaned.gone:
        typer.echo(f"Deleted {key}.")
    for folder in cleaned.unknown:
        typer.echo(f"Left {folder}: this database has no such organization.", err=True)


@app.command()
def restore(
    until: Annotated[
        str, typer.Option(help="A moment such as 2026-11-24T12:00:00Z: nothing later comes back.")
    ] = "",
    organization: Annotated[
        list[str] | None, typer.Option(help="Only one: its slug or id; may be repeated.")
    ] = None,
) -> None:
    """Restore everything that archive and anchors hold into an empty, migrated database."""
    from control_plane.archive.anchors import anchor
    from control_plane.errors import NotFound
    from control_plane.registry import load_registries
    from control_plane.restore.chosen import chosen
    from control_plane.restore.run import Damaged, NotEmpty, restore
    from control_plane.restore.source import Buckets

    buckets = (Bucket(required(f"chat_agent_{kind}_bucket")) for kind in ("archive", "anchor"))
    source, moment = Buckets(*buckets), _moment(until) if until else None
    url = required("chat_agent_owner_database_url")
    try:
        orgs = chosen(source, organization or ())
        keys = [key for org in orgs for key in source.objects(org)]
        with typer.progressbar(length=len(keys), label="Restoring") as bar:
            registries = load_registries()
            done = restore(url, source, registries, moment, lambda _rows: bar.update(1), orgs)
        anchor(url, source.anchor, follow=True, orgs=orgs)
    except (NotFound, Damaged, NotEmpty, Incomplete, ReadBackDiffers) as error:
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
    from control_plane.archive import run as runs

    for row in runs.listed(archiver_url()):
        typer.echo(json.dumps(row))


def _moment(text: str) -> str:
    """A moment as records write it."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise fail(f"{text!r} is no moment. Write it like 2026-11-24T12:00:00Z.") from error
    utc = given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


@app.command()
def show(key: Annotated[str, typer.Argument(help="An object's key, as `list` has it.")]) -> None:
    """Show one object: what the manifest says, its ranges, and what S3 really holds of it."""
    from control_plane.archive import run as runs

    with _told():
        found = runs.shown(archiver_url(), key)
    if found is None:
        raise fail(f"The manifest has no {key!r}.")
    typer.echo(json.dumps(found, indent=2))
    held = found["held"]
    if (held["sha256"], held["size"]) != (found["sha256"], found["size"]):
        raise fail("S3 holds other bytes than the manifest says.")


@app.command()
def export(
    slug: Annotated[str, typer.Argument(help="The project's slug.")],
    file: Annotated[Path, typer.Argument(help="Where to write; must not be there yet.")],
    form: Annotated[str, typer.Option("--format", help="jsonl, as archived, or csv.")] = "jsonl",
    org: Organization = "main",
) -> None:
    """Write all executions of a project to a file, archived ones included, oldest first."""
    from control_plane.archive.reader import Archive
    from control_plane.exporting import FORMATS, pages

    if form not in FORMATS:
        raise fail(f"{form!r} is no format. Write one of: {', '.join(FORMATS)}.")
    store, target = project(org, slug)
    [head] = [row for row in store.read(target.org, "projects_all") if row["slug"] == slug]
    with _new(file) as out, typer.progressbar(length=head["seq"], label="Exporting") as bar:
        texts = pages(store, Archive(store), target, form, lambda seq: bar.update(seq - bar.pos))
        out.writelines(texts)


@contextmanager
def _new(file: Path) -> Iterator[TextIO]:
    """A file that wasn't there; it is gone again if it could not be written whole."""
    try:
        out = file.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise fail(f"{file} can't be written: {error.strerror}.") from error
    try:
        with out:
            yield out
    except BaseException:
        file.unlink()
        raise


@contextmanager
def _told() -> Iterator[None]:
    """What archiving may end with, said in a sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Incomplete, Overtaken, ReadBackDiffers, SetBack) as error:
        raise fail(str(error)) from error
    except (BotoCoreError, ClientError) as error:
        raise fail(f"S3 doesn't do what it is asked for: {error}") from error


def _days(age: str) -> int:
    found = re.fullmatch(r"(\d{1,5})d", age)
    if not found:
        raise fail(f"{age!r} is not an age. Write days, such as 90d or 0d.")
    return int(found[1])
