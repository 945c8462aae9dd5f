"""`chat-agent migrate`"""

import typer

from infra.cli.shared import required


def migrate() -> None:
    """Bring the database's schema up to date, as its owner. Safe to run at any time."""
    from control_plane.migrations import migrate as run

    version = run(required("chat_agent_owner_database_url"))
    typer.echo(f"The schema is at version {version}.")
