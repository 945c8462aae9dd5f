"""`chat-agent projects …`"""

import json
from typing import Annotated

import typer

from infra.cli.shared import Organization, ask, check_slug, fail, organization, project

app = typer.Typer(
    help="Projects: make, list, pause, resume, archive, erase, purge; their members.",
    no_args_is_help=True,
)

Slug = Annotated[str, typer.Argument(help="The project's slug.")]


@app.command()
def create(
    slug: Slug,
    template: Annotated[str, typer.Option(help="Which declarations it starts from.")] = "demo",
    title: Annotated[str, typer.Option(help="What people call it; the slug if not given.")] = "",
    org: Organization = "main",
) -> None:
    """Make a project from a template."""
    from control_plane import organizations
    from control_plane.api.bodies import MAX_TITLE
    from control_plane.models import SYSTEM
    from control_plane.registry import load_registries

    check_slug(slug)
    if len(title) > MAX_TITLE:
        raise fail(f"A title has at most {MAX_TITLE} characters; this one has {len(title)}.")
    store, target = organization(org)
    names = {"slug": slug, "title": title or slug, "template": template}
    organizations.create_project(store, load_registries(), (target.org, SYSTEM), names)
    typer.echo(f"Project {slug} is there.")


@app.command("list")
def list_projects(org: Organization = "main") -> None:
    """List an organization's projects, a line of JSON each."""
    store, target = organization(org)
    for row in store.read(target.org, "projects_all"):
        typer.echo(json.dumps(row))


@app.command()
def pause(slug: Slug, org: Organization = "main") -> None:
    """Stop everything in a project but reads and administration, at once."""
    _change(slug, org, "project.pause", "paused")


@app.command()
def resume(slug: Slug, org: Organization = "main") -> None:
    """Let a paused or archived project go on."""
    _change(slug, org, "project.resume", "active")


@app.command()
def archive(slug: Slug, org: Organization = "main") -> None:
    """Make a project read-only until it is resumed."""
    _change(slug, org, "project.archive", "archived")


@app.command()
def purge(
    slug: Slug,
    confirm: Annotated[str, typer.Option(prompt="Type the slug again", help="The slug, again.")],
    org: Organization = "main",
) -> None:
    """Remove a project for good, all but a tombstone and records. There is no way back.

    Executions are out of reach at once and are removed by the next archive run.
    What is in the archive by then loses inputs and values, but keeps who did
    what when, by ids, and policies, members' ids and titles.
    """
    store, target = project(org, slug)
    ask(store, target, "project.purge", {"slug": confirm})
    typer.echo(f"Project {slug} is purged.")


@app.command()
def member(
    slug: Slug,
    username: Annotated[str, typer.Argument(help="Who.")],
    role: Annotated[str, typer.Argument(help="viewer, operator, admin; or none.")],
    org: Organization = "main",
) -> None:
    """Give somebody a role in a project, or take it away."""
    from control_plane import people
    from control_plane.registry.builtin import REMOVE_MEMBER, SET_MEMBER

    store, target = project(org, slug)
    user = people.user_id(store, target.org, username)
    if role == "none":
        ask(store, target, REMOVE_MEMBER, {"user": user})
    else:
        ask(store, target, SET_MEMBER, {"user": user, "role": role})
    typer.echo(f"{username}: {role}.")


@app.command()
def erase(
    slug: Slug,
    first: Annotated[int, typer.Argument(help="The first execution's seq.")],
    last: Annotated[int, typer.Argument(help="The last execution's seq.")],
    reason: Annotated[str, typer.Option(prompt="Why", help="Why; it is kept.")],
    org: Organization = "main",
) -> None:
    """Erase what executions hold, for good: their records and hashes stay.

    What they put into the state must be gone from there first. In the archive, it goes with the
    next archive run.
    """
    store, target = project(org, slug)
    ask(store, target, "project.erase", {"first_seq": first, "last_seq": last, "reason": reason})
    typer.echo(
        f"Executions {first} to {last} of {slug} are erased; in the archive by its next run."
    )


def _change(slug: str, org: str, action: str, status: str) -> None:
    store, target = project(org, slug)
    ask(store, target, action, {})
    typer.echo(f"Project {slug} is {status}.")
