"""What commands share: settings that must be set, whom they act for, and how they fail."""

import json
import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from control_plane.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from control_plane.store import Store
    from control_plane.target import Target

ARCHIVER = "chat_agent_archiver"
Organization = Annotated[str, typer.Option("--organization", help="The organization's slug.")]


def required(name: str) -> str:
    """A setting's value; ends the command with what to do where it is not set."""
    value: str = getattr(settings(), name)
    if not value:
        raise fail(f"{name.upper()} is not set. `chat-agent up` prints it in `env`.")
    return value


def archiver_url() -> str:
    """The archiver's database; ends the command for another login, to whom its rows are hidden."""
    url = required("chat_agent_archiver_database_url")
    login = urlsplit(url).username
    if login not in (None, ARCHIVER):
        raise fail(
            f"CHAT_AGENT_ARCHIVER_DATABASE_URL is of the login {login}, who doesn't see what the"
            f" archiver sees. Give the one of {ARCHIVER}."
        )
    return url


def fail(sentence: str) -> typer.Exit:
    """Say what happened on standard error; raise the answer to end with exit code 1."""
    typer.echo(sentence, err=True)
    return typer.Exit(1)


def organization(slug: str) -> "tuple[Store, Target]":
    """The database, and the organization's own project as the system itself reaches it."""
    from control_plane import administration
    from control_plane.registry import load_registries
    from control_plane.store import Store

    store = Store(required("chat_agent_database_url"))
    org = administration.organization_id(store, slug)
    if org is None:
        raise fail(f"There is no organization {slug!r}. Name one with --organization.")
    return store, administration.system_target(store, load_registries(), org)


def project(org: str, slug: str) -> "tuple[Store, Target]":
    """The database, and a project as the system itself reaches it."""
    from copy import replace

    from control_plane.registry import load_registries

    store, system = organization(org)
    found = store.read(system.org, "project_by_slug", slug=slug)
    if not found:
        raise fail(f"There is no project {slug!r} in {org!r}.")
    [made] = store.read(system.org, "project_of", project=found[0]["id"])
    registry = load_registries().get(made["template"])
    if registry is None:
        raise fail(
            f"The template {made['template']!r} of {slug!r} isn't installed here. Give the command"
            " its package, as `up` had it: `uv run --with-editable FOLDER chat-agent …`."
        )
    return store, replace(system, project=found[0]["id"], registry=registry)


def told_pages(page_of: Callable[[str | None], dict[str, Any]]) -> None:
    """Print all pages' items, a line of JSON each; `page_of` answers the page at a cursor."""
    cursor: str | None = None
    while True:
        page = page_of(cursor)
        for item in page["items"]:
            typer.echo(json.dumps(item))
        cursor = page["next_cursor"]
        if cursor is None:
            return


def ask(store: "Store", target: "Target", action: str, inputs: dict[str, Any]) -> None:
    """Ask for a built-in action as the system; ends the command with the reasons of a refusal."""
    from control_plane import execution
    from control_plane.archive.reader import Archive
    from control_plane.models import Intent
    from control_plane.requests import Request

    intents = [Intent(action, inputs)]
    request = Request("execution", str(uuid.uuid4()), intents, None, "command")
    succeeded(execution.execute(store, Archive(store), target, request))


def succeeded(done: "Mapping[str, Any]") -> None:
    """End the command with the reasons of a refusal."""
    if done["status"] != "success":
        raise fail(" ".join(done["explanations"]))


def check_slug(slug: str) -> None:
    """End the command where this can't be a slug."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", slug):
        raise fail(f"{slug!r} is no slug. Use lower-case letters, digits and dashes.")
