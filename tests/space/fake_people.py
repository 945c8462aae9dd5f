"""What the fake API answers about the organization: its inboxes, people, and all projects."""

from typing import TYPE_CHECKING, Any

from tests.space.fake_governance import listed, page
from tests.space.fake_world import Problem

if TYPE_CHECKING:
    from tests.space.fake_api import FakeApi

Json = dict[str, Any]


def answer(fake: "FakeApi", who: str, method: str, path: str, body: Json) -> Json:
    """The routes outside of any project."""
    if path == "/approvals":
        return page(_inbox(fake, who))
    if path == "/rollup":
        return page([_glance(project, who) for project in fake.projects.values()])
    if who != "root":
        raise Problem(403, "forbidden", "Admins of the organization only.")
    if path in ("/pause", "/resume"):
        for project in fake.projects.values():
            project.paused = path == "/pause"
    elif path.startswith("/users"):
        if method == "GET":
            return page([_person(fake, name) for name in fake.users])
        _change(fake, method, path.split("/")[2:], body)
    return fake.projects["demo"].record("organization.change", who)


def _inbox(fake: "FakeApi", who: str) -> list[Json]:
    items = [
        listed(project, request, who)
        for project in fake.projects.values()
        for request in project.requests
        if request["status"] == "pending"
    ]
    return [item for item in items if item["mine"] or item["may_decide"]]


def _glance(project: Any, who: str) -> Json:
    item = project.item(who)
    return {
        "project": {key: item[key] for key in ("id", "slug", "title")},
        **{key: item[key] for key in ("status", "paused", "role", "version", "seq", "at")},
        "budget": project.limit and {"limit": project.limit, "used": project.used},
        "pending": sum(request["status"] == "pending" for request in project.requests),
    }


def _person(fake: "FakeApi", name: str) -> Json:
    return {
        "id": f"u-{name}", "username": name, "attributes": {},
        "admin": name in {"root", *fake.admins},
        "disabled": name in fake.disabled, "must_change_password": name in fake.due,
    }  # fmt: skip


def _change(fake: "FakeApi", method: str, rest: list[str], body: Json) -> None:
    if method == "PATCH":
        (fake.disabled.add if body["disabled"] else fake.disabled.discard)(rest[0])
        return
    name = rest[0] if rest else body["username"]
    if not rest and name in fake.users:
        raise Problem(409, "name_taken", "There is somebody with this name already.")
    fake.users[name] = body["password"]
    fake.due.add(name)
    fake.admins |= {name} if body.get("admin") else set()
