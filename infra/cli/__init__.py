"""The command `chat-agent`: one file a group of commands."""

import sys

import psycopg
import typer
from control_plane.errors import ControlPlaneError
from control_plane.settings import SettingRefused

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
    except psycopg.OperationalError as error:
        sys.exit(f"The database doesn't answer: {str(error).strip()}")
    except (ControlPlaneError, SettingRefused) as error:
        sys.exit(str(error))
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError  # slow to import

        if not isinstance(error, BotoCoreError | ClientError):
            raise
        sys.exit(f"S3 doesn't do what it is asked for: {error}")
