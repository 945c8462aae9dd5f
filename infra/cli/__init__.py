"""The command `chat-agent`: one file a group of commands."""

import typer

from infra.cli import archive, database, local, organizations

app = typer.Typer(
    name="chat-agent",
    help="A governed control plane that you talk to. Start everything here with: chat-agent up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(local.up)
app.command("migrate")(database.migrate)
app.add_typer(archive.app, name="archive")
app.add_typer(organizations.app, name="organizations")


def main() -> None:
    """Run the command line."""
    app()
