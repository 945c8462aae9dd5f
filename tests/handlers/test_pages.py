"""Lists while they grow: what was there at the first page comes once, newest first."""

import json
import random
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.handlers.people import HARBOR, People

DEMO = "/v1/projects/demo"
THERE = 9
type Add = Callable[[People, int], Any]


def _execution(people: People, number: int) -> Any:
    step = {"action": "demo.counter.increment", "inputs": {"amount": number + 1}}
    return people("admin", "POST", f"{DEMO}/executions", step)


def _project(people: People, number: int) -> Any:
    return people("admin", "POST", "/v1/projects", {"slug": f"p{number}"})


def _user(people: People, number: int) -> Any:
    body = {"username": f"u{number}", "password": "a password for somebody"}
    return people("admin", "POST", "/v1/users", body)


def _policy(people: People, number: int) -> Any:
    document = {"limits": {"budget": {"daily": 10_000 + number}}}
    return people("admin", "PUT", f"{DEMO}/policy", document)


def _approval(people: People, number: int) -> Any:
    return people.execute("operator", {"action": "budget.set", "inputs": {"total": 501 + number}})


def _member(people: People, number: int) -> Any:
    _user(people, number)
    return people("admin", "PUT", f"{DEMO}/members/u{number}", {"role": "viewer"})


# Each list: its address, what tells its items apart, and how one more comes to be.
LISTS: dict[str, tuple[str, str, Add]] = {
    "executions": (f"{DEMO}/executions", "seq", _execution),
    "projects": ("/v1/projects", "slug", _project),
    "users": ("/v1/users", "username", _user),
    "policy versions": (f"{DEMO}/policy/versions", "version", _policy),
    "a project's approvals": (f"{HARBOR}/approvals", "id", _approval),
    "the rollup": ("/v1/rollup", "slug", _project),
    "one's approvals": ("/v1/approvals", "id", _approval),
}


def _named(item: dict[str, Any], key: str) -> Any:
    return item[key] if key in item else item["project"][key]


@pytest.mark.parametrize(("url", "key", "add"), LISTS.values(), ids=LISTS)
def test_what_was_there_comes_once(people: People, url: str, key: str, add: Add) -> None:
    """Whatever is added between pages, and however long they are."""
    chance = random.Random(url)
    for number in range(THERE):
        assert add(people, number).status in (200, 202)
    there = [_named(item, key) for item in people("admin", "GET", f"{url}?limit=200").body["items"]]
    assert len(there) >= THERE
    seen, cursor, number = [], "", THERE
    while cursor is not None:
        limit = chance.randint(1, 4)
        page = people("admin", "GET", f"{url}?limit={limit}{cursor and '&cursor='}{cursor}").body
        assert len(page["items"]) <= limit
        seen += [_named(item, key) for item in page["items"]]
        cursor = page["next_cursor"]
        for _ in range(chance.randint(0, 3)):
            add(people, number)
            number += 1
    assert number > THERE
    assert seen == there


def test_members_are_listed_by_name_page_by_page(people: People) -> None:
    """Whoever joins meanwhile before the last name is left out, and nobody comes twice."""
    for number in (7, 3, 5, 1):
        assert _member(people, number).status == 200
    first = people("admin", "GET", f"{DEMO}/members?limit=3").body
    _member(people, 2)
    last = people("admin", "GET", f"{DEMO}/members?limit=3&cursor={first['next_cursor']}").body
    names = [[item["username"] for item in page["items"]] for page in (first, last)]
    assert names == [["u1", "u3", "u5"], ["u7"]]
    assert last["next_cursor"] is None


@pytest.mark.parametrize("url", ["/v1/rollup", f"{DEMO}/members"])
def test_a_cursor_that_no_page_has_answered_is_refused(people: People, url: str) -> None:
    """Whatever it is made of."""
    for cursor in ("x", "YQ==", "AA=="):
        assert people("admin", "GET", f"{url}?cursor={cursor}").status == 400


def test_more_projects_and_members_than_a_page_holds_are_all_listed(
    people: People, database: Database
) -> None:
    """None is left out without a word."""
    many = 1_100
    with psycopg.connect(database.superuser) as connection:
        for made in (
            "INSERT INTO users (id, org_id, username, password_hash, must_change_password)"
            " SELECT gen_random_uuid(), org_id, 'n' || n, '', false FROM projects, numbers"
            " WHERE slug = 'demo'",
            "INSERT INTO members (org_id, project_id, user_id, role, since)"
            " SELECT p.org_id, p.id, u.id, 'viewer', now() FROM projects p, users u"
            " WHERE p.slug = 'demo' AND u.username ~ '^n[0-9]+$'",
            "INSERT INTO projects (id, org_id, slug, title, template, at)"
            " SELECT gen_random_uuid(), org_id, 'n' || n, 'N', 'demo', now() FROM projects, numbers"
            " WHERE slug = 'demo'",
        ):
            counted = f"WITH numbers AS (SELECT generate_series(1, {many}) AS n) {made}"
            connection.execute(counted.encode())
    for url, key in ((f"{DEMO}/members", "username"), ("/v1/rollup", "slug")):
        items, cursor = [], ""
        while cursor is not None:
            page = people("admin", "GET", f"{url}?limit=200{cursor and '&cursor='}{cursor}").body
            items += page["items"]
            cursor = page["next_cursor"]
        assert len({_named(item, key) for item in items}) == len(items)
        assert len(items) >= many


def test_people_are_listed_newest_first(people: People) -> None:
    """Their ids follow their request's, so that it is their moment that counts."""
    for number in range(THERE):
        _user(people, number)
    listed = [user["username"] for user in people("admin", "GET", "/v1/users").body["items"]]
    assert listed[:THERE] == [f"u{number}" for number in reversed(range(THERE))]
    assert listed[-1] == "admin"


def test_a_page_of_people_ends_with_its_bytes(people: People) -> None:
    """No answer outgrows what a function may answer, however much is said of people."""
    many = 12
    for number in range(many):
        body = {"username": f"u{number}", "password": "a password for somebody"}
        people("admin", "POST", "/v1/users", {**body, "attributes": {"note": "x" * 260_000}})
    first = people("admin", "GET", "/v1/users?limit=200").body
    assert 0 < len(json.dumps(first)) < 2_500_000
    rest = people("admin", "GET", f"/v1/users?limit=200&cursor={first['next_cursor']}").body
    listed = [user["username"] for user in [*first["items"], *rest["items"]]]
    assert listed[:many] == [f"u{number}" for number in reversed(range(many))]
    assert (len(listed), rest["next_cursor"]) == (many + 4, None)


def described(rules: int, character: str = "x") -> dict[str, Any]:
    """A policy with so many rules that say as much as a rule can, 2 KB each."""
    says = {"condition": "false", "effect": "reject", "description": character * 1_000}
    return {"rules": [{"id": f"r{n}", "message": "y" * 1_000, **says} for n in range(rules)]}


@pytest.mark.parametrize(
    ("path", "action"),
    [(DEMO, "project.policy.set"), ("/v1/projects/system", "organization.policy.set")],
)
def test_a_policy_is_refused_by_its_canonical_size(people: People, path: str, action: str) -> None:
    """By whichever route it comes; bytes count, not characters."""
    for document, reasons in [
        (described(31), []),
        (described(32), [{"code": "policy_too_large", "limit": 65536}]),
        (described(21, "\u0436"), []),
        (described(22, "\u0436"), [{"code": "policy_too_large", "limit": 65536}]),
    ]:
        step = {"action": action, "inputs": {"document": document}}
        done = people("admin", "POST", f"{path}/executions", step).body
        assert done["reasons"] == reasons
        assert [s for s in done["explanations"] if "65536" not in s] == []


def test_a_page_of_policies_ends_with_its_bytes(people: People, database: Database) -> None:
    """Also where documents are stored that could not be set any more."""
    text = json.dumps(described(100))
    with psycopg.connect(database.superuser) as connection:
        connection.execute(
            "INSERT INTO policies (org_id, project_id, version, at, document)"
            " SELECT org_id, id, n, now(), %s FROM projects, generate_series(1, 30) n"
            " WHERE slug = 'demo'",
            [text],
        )
    seen, cursor = [], ""
    while cursor is not None:
        url = f"{DEMO}/policy/versions?limit=200{cursor and '&cursor='}{cursor}"
        page = people("admin", "GET", url).body
        assert len(json.dumps(page)) < 4 * 1024 * 1024
        seen += [item["version"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == list(range(30, 0, -1))


def test_the_organizations_own_project_is_shown_by_name_and_listed_nowhere(people: People) -> None:
    """To those who see its state: the admins of the organization."""
    shown = people("admin", "GET", "/v1/projects/system")
    named = {name: shown.body.get(name) for name in ("slug", "template", "role")}
    assert (shown.status, named) == (
        200,
        {"slug": "system", "template": "system", "role": "admin"},
    )
    assert people("approver", "GET", "/v1/projects/system").status == 404
    listed = people("admin", "GET", "/v1/projects").body["items"]
    assert {item["slug"] for item in listed} == {"demo", "harbor"}
