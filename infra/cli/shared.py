"""What commands share: settings that must be set, and how they fail."""

import typer
from control_plane.settings import settings


def required(name: str) -> str:
    """A setting's value; ends the command with what to do where it is not set."""
    value: str = getattr(settings(), name)
    if not value:
        raise fail(f"{name.upper()} is not set. `chat-agent up` prints it in `env`.")
    return value


def fail(sentence: str) -> typer.Exit:
    """Say what happened on standard error; raise the answer to end with exit code 1."""
    typer.echo(sentence, err=True)
    return typer.Exit(1)
