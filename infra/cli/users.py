"""`chat-agent users …`"""

import json
import re
import secrets
import uuid
from typing import Annotated

import typer

from infra.cli.shared import Organization, ask, fail, organization, succeeded, told_pages

app = typer.Typer(help="People: make, list, disable, give a new password.", no_args_is_help=True)

Username = Annotated[str, typer.Argument(help="The name that they sign in with.")]


@app.command()
def create(
    username: Username,
    admin: Annotated[
        bool, typer.Option("--admin", help="Make an admin of the organization, and so of projects.")
    ] = False,
    org: Organization = "main",
) -> None:
    """Make a person and print their first password, which they must change at the first sign-in."""
    from control_plane import people
    from control_plane.api.bodies import USERNAME
    from control_plane.archive.reader import Archive

    if not re.fullmatch(USERNAME, username):
        raise fail(
            f"{username!r} can't be signed in with: use at most 128 lower-case letters, digits and"
            " . _ @ + -, a letter or digit first."
        )
    store, target = organization(org)
    new = {
        "username": username,
        "password": secrets.token_urlsafe(12),
        "admin": admin,
        "attributes": {},
    }
    succeeded(people.add_user(store, Archive(store), target, new, str(uuid.uuid4())))
    typer.echo(json.dumps({"username": username, "password": new["password"]}))


@app.command("list")
def list_users(org: Organization = "main") -> None:
    """List an organization's people, a line of JSON each, newest first."""
    from control_plane import governance

    store, target = organization(org)
    told_pages(lambda cursor: governance.users(store, target.org, 200, cursor))


@app.command()
def disable(username: Username, org: Organization = "main") -> None:
    """Disable a person, which ends their sessions at once. The last active admin stays."""
    _update(username, org, disabled=True)


@app.command()
def enable(username: Username, org: Organization = "main") -> None:
    """Let a disabled person sign in again."""
    _update(username, org, disabled=False)


@app.command()
def password(username: Username, org: Organization = "main") -> None:
    """Give a person a new password and print it; they must change it at the next sign-in."""
    from control_plane import people
    from control_plane.archive.reader import Archive

    store, target = organization(org)
    user = people.user_id(store, target.org, username)
    new = secrets.token_urlsafe(12)
    archived, request_id = Archive(store), str(uuid.uuid4())
    succeeded(people.reset_password(store, archived, target, user, new, request_id))
    typer.echo(json.dumps({"username": username, "password": new}))


def _update(username: str, org: str, *, disabled: bool) -> None:
    from control_plane import people
    from control_plane.registry.builtin import UPDATE_USER

    store, target = organization(org)
    user = people.user_id(store, target.org, username)
    inputs = {"user": user, "disabled": disabled, "attributes": None}
    ask(store, target, UPDATE_USER, inputs)
    typer.echo(f"{username} is {'disabled' if disabled else 'enabled'}.")
