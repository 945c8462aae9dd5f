"""`chat-agent recover`"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.shared import archiver_url, fail, required

if TYPE_CHECKING:
    from control_plane.recovery.run import Recovered, Recovery


def recover(
    release: Annotated[
        bool, typer.Option("--release", help="Only let the messages be sent that are held.")
    ] = False,
) -> None:
    """Bring a database that was set back and its archive and anchors together again.

    After a point-in-time recovery, archive and anchors are ahead of the
    database, and nothing is archived or anchored until this has run. Stop
    the functions first, and run it before anything is executed. It is safe
    to repeat, also where it was killed.

    It holds every message that the database has as undelivered: that may
    have been delivered since the moment. It adopts what lies in the archive
    already, and removes it here. It records in each project's log which
    executions were abandoned, puts that beside the anchors, and anchors.
    An organization for which that can't be done is named at the end, and
    left as it is.

    Needs CHAT_AGENT_DATABASE_URL, CHAT_AGENT_ARCHIVER_DATABASE_URL,
    CHAT_AGENT_OWNER_DATABASE_URL, CHAT_AGENT_ARCHIVE_BUCKET and
    CHAT_AGENT_ANCHOR_BUCKET. docs/recovery.md has the whole procedure.
    """
    from control_plane.recovery import outbox

    owner = required("chat_agent_owner_database_url")
    if release:
        typer.echo(f"{outbox.release(owner)} messages were released, and are due now.")
        return
    for sentence in _told(_recovered(owner)):
        typer.echo(sentence)
    typer.echo("Next: chat-agent audit verify; then start the functions.")


def _recovered(owner: str) -> "Recovery":
    from control_plane.archive.bucket import Bucket
    from control_plane.recovery.run import Logins, recover
    from control_plane.registry import load_registries
    from control_plane.restore.source import Buckets

    logins = Logins(required("chat_agent_database_url"), archiver_url(), owner)
    buckets = (Bucket(required(f"chat_agent_{kind}_bucket")) for kind in ("archive", "anchor"))
    with _in_words():
        return recover(logins, Buckets(*buckets), load_registries())


@contextmanager
def _in_words() -> Iterator[None]:
    """What doesn't go well, as a person reads it."""
    import psycopg
    from botocore.exceptions import BotoCoreError, ClientError
    from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers
    from control_plane.errors import Conflict
    from control_plane.recovery.run import NotRecoverable

    try:
        yield
    except NotRecoverable as error:
        for sentence in _told(error.done):
            typer.echo(sentence)
        raise fail(str(error)) from error
    except (Incomplete, Overtaken, ReadBackDiffers, Conflict) as error:
        raise fail(str(error)) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise fail("The database is still being set back. Recover when it takes writes.") from error
    except (BotoCoreError, ClientError) as error:
        raise fail(
            f"S3 doesn't do what it is asked for: {error}\nMessages are held, and what was done"
            " stays done. Recover again when archive and anchors can be reached."
        ) from error


def _told(recovery: "Recovery") -> Iterator[str]:
    for each in recovery.organizations:
        yield f"Organization {each.slug}"
        yield from (f"  {sentence}" for sentence in _of_organization(each))
    for org in recovery.unknown:
        yield f"Organization {org} has anchors, and isn't in this database: it was made later."
    yield (
        f"{recovery.held} messages are held, which may have been delivered already. When they may"
        " be sent again: chat-agent recover --release"
        if recovery.held
        else "No message is held."
    )


def _of_organization(each: "Recovered") -> Iterator[str]:
    adopted = each.adopted
    yield f"Archived again: {adopted.rows} executions in {adopted.objects} objects."
    for key in adopted.left:
        yield f"Left in the archive, and out of the manifest: {key}"
    yield from (_abandoned(claim) for claim in each.abandoned)
    if not each.abandoned:
        yield "Nothing that an anchor or an object knows was abandoned, or it is recorded already."


def _abandoned(claim: dict[str, Any]) -> str:
    return (
        f"Abandoned: project {claim['project']}, seq {claim['first_seq']} to {claim['last_seq']},"
        f" last known by the anchor of {claim['anchor']}; recorded in {claim['slug']}."
    )
