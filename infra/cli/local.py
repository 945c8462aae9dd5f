"""`chat-agent up`"""

from pathlib import Path

import typer


def up(
    api_port: int = typer.Option(8000, help="Port of the API."),
    space_port: int = typer.Option(7860, help="Port of the Space."),
    ephemeral: bool = typer.Option(False, "--ephemeral", help="Keep nothing."),
    data: Path | None = typer.Option(None, help="Folder for the data; .local/ if not given."),
) -> None:
    """Start everything real on this machine, and print one line of JSON when it is ready."""
    from infra.local.stack import Options
    from infra.local.stack import up as start

    options = Options(api_port=api_port, space_port=space_port, ephemeral=ephemeral, data=data)
    raise typer.Exit(start(options))
