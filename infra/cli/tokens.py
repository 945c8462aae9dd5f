"""`chat-agent tokens …`"""

import json
import uuid
from typing import Annotated

import typer

from infra.cli.shared import Organization, fail, organization, told_pages

app = typer.Typer(help="API tokens for scripts: make, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    username: Annotated[str, typer.Argument(help="Whose it is: it acts as this person.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="read, execute, approve or admin; repeat it.")],
    project: Annotated[
        list[str] | None, typer.Option(help="Only in this project; repeat it. Without: in all.")
    ] = None,
    days: Annotated[int, typer.Option(help="Days until it ends.", min=1, max=366)] = 90,
    org: Organization = "main",
) -> None:
    """Make an API token and print it, this once: only its hash is kept."""
    from control_plane import people, tokens
    from control_plane.registry import load_registries

    unknown = set(scope) - {"read", "execute", "approve", "admin"}
    if unknown:
        raise fail(f"{unknown.pop()!r} is no scope. There are read, execute, approve and admin.")
    store, target = organization(org)
    owner = people.user_id(store, target.org, username)
    issuer = tokens.Issuer(store, load_registries(), target.org, target.principal)
    new = tokens.NewToken(name, scope, project, days)  # type: ignore[arg-type]  # checked above
    made = tokens.create(issuer, owner, new, str(uuid.uuid4()))
    typer.echo(json.dumps({"id": made["token_id"], "token": made["token"]}))


@app.command("list")
def list_tokens(org: Organization = "main") -> None:
    """List an organization's API tokens, a line of JSON each, newest first."""
    from control_plane import tokens

    store, target = organization(org)
    told_pages(lambda cursor: tokens.tokens(store, target.org, None, 200, cursor))


@app.command()
def revoke(
    token: Annotated[uuid.UUID, typer.Argument(help="Its id, as `list` shows it.")],
    org: Organization = "main",
) -> None:
    """End an API token at once."""
    from control_plane import tokens
    from control_plane.registry import load_registries

    store, target = organization(org)
    issuer = tokens.Issuer(store, load_registries(), target.org, target.principal)
    tokens.revoke(issuer, None, str(token), str(uuid.uuid4()))
    typer.echo(f"Token {token} is revoked.")
