"""The command `chat-agent`: one file a group of commands."""

import sys

import psycopg
import typer
from control_plane.errors import ControlPlaneError, Unavailable
from control_plane.settings import SettingRefused
from control_plane.store.connection import NOT_MIGRATED

from infra.cli import (
    archive,
    audit,
    database,
    demo,
    local,
    organizations,
    policy,
    projects,
    recovery,
    tokens,
    users,
)

app = typer.Typer(
    name="chat-agent",
    help="A governed control plane that you talk to. Start everything here with: chat-agent up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(local.up)
app.command("migrate")(database.migrate)
app.command("recover")(recovery.recover)
app.add_typer(archive.app, name="archive")
app.add_typer(audit.app, name="audit")
app.add_typer(demo.app, name="demo")
app.add_typer(organizations.app, name="organizations")
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(projects.app, name="projects")
app.add_typer(policy.app, name="policy")


def main() -> None:
    """Run the command line; what was in the way is told in a sentence."""
    try:
        app()
    except Exception as error:
        if sentence := _sentence(error):
            sys.exit(sentence)
        raise


def _sentence(error: BaseException) -> str | None:
    """What a person is told of an error that they can do something about; None for all others."""
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    if isinstance(cause, NOT_MIGRATED):
        return "The database hasn't the schema that this version needs: run `chat-agent migrate`."
    if isinstance(cause, psycopg.OperationalError):
        return f"The database doesn't answer: {str(cause).strip()}"
    if isinstance(error, ControlPlaneError | SettingRefused):
        return str(error)

    from botocore.exceptions import BotoCoreError, ClientError  # slow to import

    if isinstance(error, BotoCoreError | ClientError):
        return f"S3 doesn't do what it is asked for: {error}"
    return None
