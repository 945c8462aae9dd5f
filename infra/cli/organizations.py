"""`chat-agent organizations …`"""

import json
import re
import secrets

import typer

from infra.cli.shared import fail, required

app = typer.Typer(help="Organizations, the tenants of this deployment.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Organizations, the tenants of this deployment."""


@app.command()
def create(slug: str) -> None:
    """Make an organization and print its first admin, whose password must then be changed."""
    from control_plane import administration
    from control_plane.errors import Conflict
    from control_plane.registry import load_registries
    from control_plane.store import Store

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", slug):
        raise fail(f"{slug!r} is no slug. Use lower-case letters, digits and dashes.")
    store = Store(required("chat_agent_database_url"))
    try:
        made = administration.create_organization(
            store, load_registries(), slug, secrets.token_urlsafe(18)
        )
    except Conflict as error:
        raise fail(f"There is already an organization {slug!r}. Choose another slug.") from error
    typer.echo(json.dumps({"slug": slug, **made}))
