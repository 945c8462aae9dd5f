"""`chat-agent recover`"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.cli.shared import fail, required

if TYPE_CHECKING:
    from control_plane.recovery.run import Recovered, Recovery


def recover(
    release: Annotated[
        bool, typer.Option("--release", help="Only let the messages be sent that are held.")
    ] = False,
) -> None:
    """Bring a database that was set back and its archive and anchors together again.

    Stop the functions first. Safe to repeat. docs/recovery.md says what is lost when.
    """
    from control_plane.recovery import outbox

    owner = required("chat_agent_owner_database_url")
    if release:
        typer.echo(f"{outbox.release(owner)} messages were released, and are due now.")
        return
    for sentence in _told(_recovered(owner)):
        typer.echo(sentence)


def _recovered(owner: str) -> "Recovery":
    from control_plane.archive.bucket import Bucket
    from control_plane.archive.outcome import Incomplete, Overtaken, ReadBackDiffers
    from control_plane.recovery.run import Logins, NotRecoverable, recover
    from control_plane.registry import load_registries
    from control_plane.restore.source import Buckets

    app, archiver = (required(f"chat_agent_{name}database_url") for name in ("", "archiver_"))
    buckets = (Bucket(required(f"chat_agent_{kind}_bucket")) for kind in ("archive", "anchor"))
    try:
        return recover(Logins(app, archiver, owner), Buckets(*buckets), load_registries())
    except (NotRecoverable, Incomplete, Overtaken, ReadBackDiffers) as error:
        raise fail(str(error)) from error


def _told(recovery: "Recovery") -> Iterator[str]:
    for each in recovery.organizations:
        yield f"Organization {each.slug}"
        yield from (f"  {sentence}" for sentence in _of_organization(each))
    yield (
        f"{recovery.held} messages are held, which may have been delivered already. When they may"
        " be sent again: chat-agent recover --release"
        if recovery.held
        else "No message is held."
    )
    yield "Next: chat-agent audit verify; then start the functions."


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
