"""`chat-agent up`"""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.shared import fail


def up(
    api_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8000,
    space_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Space.")] = 7860,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder for the data; .local/ if not given.")
    ] = None,
) -> None:
    """Start everything real on this machine, and print one line of JSON when it is ready."""
    if ephemeral and data:
        raise fail("--ephemeral keeps nothing, --data names where to keep it: give one of them.")

    from infra.local.stack import Options
    from infra.local.stack import up as start

    options = Options(api_port=api_port, space_port=space_port, ephemeral=ephemeral, data=data)
    raise typer.Exit(start(options))
