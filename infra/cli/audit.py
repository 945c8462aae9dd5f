"""`chat-agent audit …`"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from control_plane.proof.folder import Folder, open_folder
from control_plane.proof.report import Report

from infra.cli.shared import archiver_url, fail, required

if TYPE_CHECKING:
    from control_plane.verifying import Trail

app = typer.Typer(help="The audit trail, and what proves it.", no_args_is_help=True)

type Progress = Callable[[int], None]
type Check = Callable[[Progress], Report]
type Job = tuple[str, int, Check]
"""What is checked, as a person knows it; how much that is; and how."""


@app.callback()
def audit() -> None:
    """The audit trail, and what proves it."""


@app.command()
def verify(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Verify a folder of archive files and anchors: no network, no database.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    organization: Annotated[str, typer.Option(help="Only one: its slug; its id in a folder.")] = "",
    project: Annotated[
        str, typer.Option(help="Only one: its id or slug; its id in a folder.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer a line of JSON each.")] = False,
) -> None:
    """Verify chains, archive and anchors; names the first bad record. Exit code 1 if there is one.

    What is newer than the last anchor is proved only by the next.
    """
    if project and not organization:
        raise fail("Name the project's organization with --organization.")
    jobs = _offline(folder, organization, project) if folder else _online(organization, project)
    whole = True
    for name, size, check in jobs:
        with _bar(f"Verifying {name}", size) as progress:
            report = check(progress)
        whole = whole and report.finding is None
        typer.echo(json.dumps(report.members()) if as_json else told(name, report))
    raise typer.Exit(0 if whole else 1)


def told(name: str, report: Report) -> str:
    """A report as a person reads it."""
    return "\n  ".join([f"Organization {name}", *report.sentences()])


def _offline(folder: Path, organization: str, project: str) -> Iterator[Job]:
    files = open_folder(folder)
    found = [org for org in files.organizations if organization in ("", org)]
    if not found:
        raise fail("There is nothing here to verify.")
    for org in found:
        yield org, files.size(org), _in_folder(files, org, project or None)


def _in_folder(files: Folder, org: str, only: str | None) -> Check:
    def check(progress: Progress) -> Report:
        report = files.check(org, progress, only)
        chains, known = report.archive.chains, report.anchors.reached
        if only and not (report.finding or only in known or chains.head(only).seq):
            raise fail(f"There is no project {only!r} in this folder. Name it by its id.")
        return report

    return check


def _online(organization: str, project: str) -> Iterator[Job]:
    from control_plane.archive.bucket import Bucket
    from control_plane.verifying import Trail

    url = archiver_url()
    trail = Trail(url, Bucket(required("chat_agent_anchor_bucket")))
    missing = [] if organization else trail.missing()
    for row in [*trail.organizations(organization or None), *missing]:
        yield row["slug"], trail.size(row["org"]), _in_place(trail, row["org"], project or None)


def _in_place(trail: "Trail", org: str, only: str | None) -> Check:
    from control_plane.archive.anchors import is_set_back
    from control_plane.archive.outcome import SetBack

    def check(progress: Progress) -> Report:
        report = trail.check(org, only, progress)
        if report.finding and is_set_back(trail.url, trail.anchors, org):
            typer.echo(SetBack.__doc__, err=True)
        return report

    return check


@contextmanager
def _bar(label: str, size: int) -> Iterator[Progress]:
    """A progress bar on standard error, where somebody looks at it."""
    with typer.progressbar(length=size, label=label, file=typer.get_text_stream("stderr")) as bar:
        yield bar.update
