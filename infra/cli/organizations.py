"""`chat-agent organizations …`"""

import json
import secrets

import typer

from infra.cli.shared import check_slug, fail, required

app = typer.Typer(help="Organizations, the tenants of this deployment.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Organizations, the tenants of this deployment."""


@app.command()
def create(slug: str) -> None:
    """Make an organization and print its first admin, whose password is good once, within a day."""
    from control_plane import organizations
    from control_plane.errors import Conflict
    from control_plane.registry import load_registries
    from control_plane.store import Store

    check_slug(slug)
    store = Store(required("chat_agent_database_url"))
    try:
        made = organizations.create_organization(
            store,
            load_registries(),
            slug,
            secrets.token_urlsafe(18),
            password_hours=organizations.FIRST_HOURS,
        )
    except Conflict as error:
        raise fail(f"There is already an organization {slug!r}. Choose another slug.") from error
    typer.echo(json.dumps({"slug": slug, **made}))
