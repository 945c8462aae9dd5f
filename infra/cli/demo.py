"""`chat-agent demo …`"""

import re
import tempfile
from pathlib import Path

import typer
from control_plane.proof.folder import open_folder

from infra.cli.audit import told
from infra.cli.shared import fail, required

app = typer.Typer(help="See for yourself.", no_args_is_help=True)


@app.callback()
def demo() -> None:
    """See for yourself."""


@app.command()
def tamper() -> None:
    """Alter one digit in a copy of the archive, and see `audit verify` name the record.

    The copy lies in a temporary folder; the archive itself is only read.
    """
    with tempfile.TemporaryDirectory(prefix="tampered-") as name:
        folder = Path(name)
        _fetch(folder)
        files = open_folder(folder)
        if not files.objects:
            raise fail("The archive is empty: `chat-agent archive run --older-than 0d` fills it.")
        _verify(folder, "A copy of the archive, as it is:")
        key, before, after = _alter_a_digit(files.objects)
        typer.echo(f"\nOne digit of {key} is now another:\n  - …{before}…\n  + …{after}…\n")
        _verify(folder, "The same copy, verified again:")
    typer.echo("\nThe archive itself was only read. The copy is gone.")


def _fetch(folder: Path) -> None:
    """Copy both buckets, as `aws s3 sync` does."""
    from control_plane.archive.bucket import Bucket

    for setting in ("chat_agent_archive_bucket", "chat_agent_anchor_bucket"):
        bucket = Bucket(required(setting))
        keys = [key for kind in ("executions/", "anchors/", "forks/") for key in bucket.keys(kind)]
        for key in keys:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(bucket.chunks(key)))


def _verify(folder: Path, title: str) -> None:
    files = open_folder(folder)
    typer.echo(title)
    for org in files.organizations:
        typer.echo(told(org, files.check(org)))


def _alter_a_digit(objects: dict[str, Path]) -> tuple[str, str, str]:
    """Alter a digit of the newest record's cost; answers the key, and the text around it."""
    import gzip

    key = max(objects)
    text = gzip.decompress(objects[key].read_bytes()).decode()
    [*_, found] = re.finditer(r'"cost":([0-9])', text)
    digit = str((int(found[1]) + 1) % 10)
    altered = text[: found.start(1)] + digit + text[found.end(1) :]
    objects[key].write_bytes(gzip.compress(altered.encode(), mtime=0))
    around = slice(found.start() - 30, found.end() + 30)
    return key, text[around], altered[around]
