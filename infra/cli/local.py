"""`chat-agent up`"""

import typer


def up(
    api_port: int = typer.Option(8000, help="Port of the API."),
    space_port: int = typer.Option(7860, help="Port of the Space."),
    ephemeral: bool = typer.Option(False, "--ephemeral", help="Keep nothing in .local/."),
) -> None:
    """Start everything real on this machine, and print one line of JSON when it is ready."""
    from infra.local.stack import Options
    from infra.local.stack import up as start

    raise typer.Exit(start(Options(api_port=api_port, space_port=space_port, ephemeral=ephemeral)))
