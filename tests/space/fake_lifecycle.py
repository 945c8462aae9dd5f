"""Projects of the fake API: made, renamed, archived and purged."""

from typing import TYPE_CHECKING, Any

from tests.space.fake_projects import ACTIONS, COMPONENTS, states
from tests.space.fake_world import Problem, Project

if TYPE_CHECKING:
    from tests.space.fake_api import FakeApi

Json = dict[str, Any]


def make(fake: "FakeApi", who: str, body: Json) -> Json:
    """POST /v1/projects."""
    slug, template = body["slug"], body["template"]
    if who != "root":
        raise Problem(403, "forbidden", "Admins of the organization only.")
    if template not in ACTIONS:
        detail = f"There is no template {template!r}; there are: demo, harbor."
        raise Problem(422, "invalid_body", detail)
    if slug in fake.projects:
        raise Problem(409, "conflict", "The name is taken. Choose another.")
    title, parts = str(body.get("title", slug)), (COMPONENTS[template], ACTIONS[template])
    made = Project(slug, title, *parts, states()[template], roles={"root": "admin"})
    fake.projects[slug] = made
    return made.record("project.create", who)


def change(
    fake: "FakeApi", project: Project, who: str, asked: tuple[str, str], body: Json
) -> Json | None:
    """What changes a project as a whole; None for every other request."""
    if asked not in (("PATCH", ""), ("POST", "archive"), ("POST", "purge")):
        return None
    if project.role(who) != "admin":
        raise Problem(403, "forbidden", "Admins of the project only.")
    match asked[1]:
        case "":
            project.title = body["title"]
        case "archive":
            project.status = "archived"
        case _:
            if body["slug"] != project.slug:
                why = ["The slug doesn't match: type the project's own."]
                return project.record("project.purge", who, "rejected", explanations=why)
            del fake.projects[project.slug]
    return project.record(f"project.{asked[1] or 'update'}", who)
