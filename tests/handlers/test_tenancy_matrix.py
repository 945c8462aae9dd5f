"""Who may call what: every route, each kind of caller, each tenant, each scope of an API token.

A route without a row fails; so does a row without a route, and each cell that answers otherwise.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from control_plane import administration, organizations
from control_plane.people import create_user, set_password
from control_plane.registry import load_registries
from control_plane.store import Store

from tests.conftest import Database
from tests.handlers.conftest import Answer, Call
from tests.handlers.people import People

PASSWORD = "a long enough password"
SCOPES = ("read", "execute", "approve", "admin")
PEOPLE = ("outsider", "viewer", "operator", "approver", "admin")
SCOPED = tuple(f"may {scope}" for scope in SCOPES)
CALLERS = ("anonymous", "stranger", *PEOPLE, *SCOPED, "everything", "elsewhere")
"""`stranger` is another organization's admin, `outsider` a member of no project; the tokens are the
admin's, each with one scope; `everything` has all, and so has `elsewhere`, in another project."""

type Cells = dict[str, str]

_SCOPE = dict.fromkeys(SCOPED, "insufficient_scope")
_NOBODY = {"anonymous": "unauthenticated"}


def _open(answer: str = "ok") -> Cells:
    return dict.fromkeys(CALLERS, answer)


def _own(scope: str = "read") -> Cells:
    """What everybody has: one's own list of something."""
    return _open() | _NOBODY | _SCOPE | {f"may {scope}": "ok"}


def _session(answer: str = "ok") -> Cells:
    """What takes a session; an API token never does."""
    tokens = dict.fromkeys((*SCOPED, "everything", "elsewhere"), "forbidden")
    return _open(answer) | _NOBODY | tokens


def _project(scope: str = "read", answer: str = "ok") -> Cells:
    """What every member may; who is none learns not even that the project exists."""
    secret = dict.fromkeys(("stranger", "outsider", "elsewhere"), "not_found")
    return _open(answer) | _NOBODY | _SCOPE | {f"may {scope}": answer} | secret


def _operators() -> Cells:
    return {**_project(), "viewer": "forbidden"}


def _ask(least: str, scope: str) -> Cells:
    """An action: who lacks the role is refused by the engine, on record."""
    lacking = PEOPLE[1 : PEOPLE.index({"admin": "approver"}.get(least, least))]
    return {**_project(scope), **dict.fromkeys(lacking, "role_required")}


def _organization(scope: str) -> Cells:
    """What an organization's admins may; a token for some projects is none."""
    others = dict.fromkeys(("outsider", "viewer", "operator", "approver", "elsewhere"), "forbidden")
    return _open() | _NOBODY | _SCOPE | {f"may {scope}": "ok"} | others


@dataclass(frozen=True)
class Row:
    """A route, what is sent to it, and what each caller is answered."""

    route: str
    cells: Cells
    body: Callable[["World"], Any] = lambda _: None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass
class World:
    """Two organizations, their people, tokens, and things to ask for."""

    call: Call
    tokens: dict[str, str | None]
    approval: str
    numbers: "Iterator[int]" = field(default_factory=lambda: count(1))

    def answer(self, row: Row, caller: str) -> str:
        """In a word: `ok`, the problem's code, or the reason of a role or scope that lacks."""
        method, path = row.route.split(" ")
        names = {"project": "harbor", "username": "somebody", **row.names}
        url = path.format(**names, approval=self.approval, token=self.approval, seq="1")
        answer = self.call(method, url, row.body(self), self.tokens[caller])
        return _in_a_word(answer)


def _in_a_word(answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, dict) else {}
    if answer.status >= 400:
        return str(body["code"])
    reasons = [reason["code"] for reason in body.get("reasons", ())]
    return next((code for code in reasons if code in ("role_required", "scope_required")), "ok")


SPARE = {"project": "spare"}
TICK = {"action": "checklist.tick", "inputs": {"item": "tests"}}
P = "/v1/projects/{project}"
ROWS = (
    Row("GET /livez", _open()),
    Row("GET /readyz", _open()),
    Row("GET /openapi.json", _open()),
    Row(
        "POST /v1/auth/login",
        _open("unauthenticated"),
        lambda world: {"username": f"nobody{next(world.numbers)}", "password": "wrong"},
    ),
    Row("POST /v1/auth/link", _open("unauthenticated"), lambda _: {"link": "csl_0_0"}),
    Row("GET /v1/me", _own()),
    Row("GET /v1/projects", _own()),
    Row("GET /v1/approvals", _own()),
    Row("GET /v1/rollup", _own()),
    Row("GET /v1/tokens", _own()),
    Row("GET /v1/users", _organization("read")),
    Row("GET /v1/policy", _organization("read")),
    Row("PUT /v1/policy", _organization("admin"), lambda _: {}),
    Row(
        "POST /v1/projects",
        _organization("admin"),
        lambda world: {"slug": f"made-{next(world.numbers)}"},
    ),
    Row(
        "POST /v1/users",
        {**_organization("admin"), "may admin": "forbidden", "everything": "forbidden"},
        lambda world: {"username": f"made{next(world.numbers)}", "password": "a long password"},
    ),
    Row(
        "PATCH /v1/users/{username}",
        {**_organization("admin"), "stranger": "not_found"},
        lambda _: {"attributes": {"team": "a"}},
    ),
    Row(
        "POST /v1/users/{username}/password",
        {
            **_organization("admin"),
            **{"may admin": "forbidden", "everything": "forbidden", "stranger": "not_found"},
        },
        lambda _: {"password": "another long password"},
    ),
    Row("POST /v1/pause", _organization("admin"), lambda _: {}),
    Row("POST /v1/resume", _organization("admin"), lambda _: {}),
    Row(f"GET {P}", _project()),
    Row(f"GET {P}/registry", _project()),
    Row(f"GET {P}/state", _project()),
    Row(f"GET {P}/executions", _project()),
    Row(f"GET {P}/executions/{{seq}}", _project()),
    Row(f"GET {P}/audit/verify", _project()),
    Row(f"GET {P}/approvals", _project()),
    Row(f"GET {P}/members", _project()),
    Row(f"GET {P}/members/{{username}}", _project(), names={"username": "viewer"}),
    Row(f"GET {P}/forecast", _project()),
    Row(f"GET {P}/archives", _project()),
    Row(f"GET {P}/export", _project()),
    Row(f"GET {P}/policy", _operators()),
    Row(f"GET {P}/policy/versions", _operators()),
    Row(f"POST {P}/policy/what-if", _operators(), lambda _: {"steps": [TICK]}),
    Row(f"POST {P}/previews", _project(), lambda _: {"steps": [TICK]}),
    Row(f"POST {P}/executions", _ask("operator", "execute"), lambda _: TICK),
    Row(
        f"POST {P}/plans",
        _project("execute", "confirmation_stale"),
        lambda _: {"steps": [TICK], "confirm": "0" * 64},
    ),
    Row(f"POST {P}/revert", _ask("admin", "execute"), lambda _: {"version": 10**9}),
    Row(
        f"POST {P}/approvals/{{approval}}/decision",
        _ask("admin", "approve"),  # what this request's rule asks for
        lambda _: {"decision": "reject"},
    ),
    Row(f"POST {P}/approvals/{{approval}}/withdraw", _project("execute"), lambda _: {}),
    Row(f"PUT {P}/policy", _ask("admin", "admin"), lambda _: {}),
    Row(f"PUT {P}/members/{{username}}", _ask("admin", "admin"), lambda _: {"role": "viewer"}),
    Row(f"DELETE {P}/members/{{username}}", _ask("admin", "admin")),
    Row(f"PATCH {P}", _ask("admin", "admin"), lambda _: {"title": "Other"}, SPARE),
    Row(f"POST {P}/pause", _ask("admin", "admin"), lambda _: {}, SPARE),
    Row(f"POST {P}/resume", _ask("admin", "admin"), lambda _: {}, SPARE),
    Row(f"POST {P}/archive", _ask("admin", "admin"), lambda _: {}, SPARE),
    Row(f"POST {P}/purge", _ask("admin", "admin"), lambda _: {"slug": "another"}, SPARE),
    Row(
        f"POST {P}/erasures",
        _ask("admin", "admin"),
        lambda _: {"first_seq": 10**9, "last_seq": 10**9, "reason": "asked for"},
    ),
    Row(
        "POST /v1/tokens",
        _session(),
        lambda _: {"name": "mine", "scopes": ["read"]},
    ),
    Row(
        "DELETE /v1/tokens/{token}",
        _open("not_found") | _NOBODY | _SCOPE | {"may admin": "not_found"},
    ),
    Row(
        "POST /v1/auth/password",
        _session("wrong_password"),
        lambda _: {"current_password": "not mine", "new_password": "a much longer one"},
    ),
    Row("POST /v1/auth/logout", _session()),
)


@pytest.fixture
def world(people: People, database: Database) -> World:
    """Everybody who calls, each with a session or a token that works."""
    store, registries = Store(database.app), load_registries()
    organizations.create_organization(
        store, registries, "strangers", PASSWORD, must_change_password=False
    )
    org = str(administration.organization_id(store, "main"))
    for name in ("outsider", "somebody"):
        create_user(store, registries, org, name, PASSWORD)
        set_password(store, registries, org, name, PASSWORD)
    store.disconnect()
    people("admin", "POST", "/v1/projects", {"slug": "spare", "template": "harbor"})
    for name, role in (("viewer", "viewer"), ("operator", "operator"), ("approver", "admin")):
        people("admin", "PUT", f"/v1/projects/spare/members/{name}", {"role": role})
    asked = people.execute("operator", {"action": "budget.set", "inputs": {"total": 550}})
    tokens: dict[str, str | None] = {
        **people.tokens,
        "anonymous": None,
        "outsider": people.signed_in("outsider", PASSWORD),
        "stranger": people.signed_in("admin", PASSWORD, organization="strangers"),
        **{f"may {scope}": people.token("admin", [scope]) for scope in SCOPES},
        "everything": people.token("admin", SCOPES),
        "elsewhere": people.token("admin", SCOPES, ["demo"]),
    }
    return World(people.call, tokens, asked.body["approval"]["id"])


def test_every_route_has_a_row_and_every_row_a_route(call: Call) -> None:
    """A new route is in nobody's reach until somebody says in whose."""
    assert len(set(CALLERS)) == len(CALLERS)
    paths = call("GET", "/openapi.json").body["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert served - {"POST /v1/projects/{project}/chat"} == {row.route for row in ROWS}


def test_every_caller_is_answered_as_the_matrix_says(world: World) -> None:
    """All cells, in the order of the rows: what ends something comes last."""
    wrong = [
        f"{row.route} as {caller}: {found}, not {row.cells[caller]}"
        for row in ROWS
        for caller in CALLERS
        if (found := world.answer(row, caller)) != row.cells[caller]
    ]
    assert wrong == []


def test_another_tenants_things_are_answered_like_nothing_at_all(
    world: World, database: Database
) -> None:
    """By id, slug, name or cursor, what another organization has is not there."""
    secret = _ids_of(database, "main")
    nothing = str(UUID(int=7))
    for path in (
        "/v1/projects/{}",
        "/v1/projects/{}/state",
        "/v1/projects/{}/executions",
        "/v1/projects/{}/executions/1",
        "/v1/projects/{}/members",
        "/v1/projects/{}/archives",
        "/v1/projects/{}/export",
    ):
        for mine in ("harbor", secret["projects"]):
            theirs = world.call("GET", path.format(mine), token=world.tokens["stranger"])
            absent = world.call("GET", path.format(nothing), token=world.tokens["stranger"])
            assert (theirs.status, theirs.body) == (absent.status, absent.body)
    for name in ("me", "projects", "approvals", "rollup", "users", "policy"):
        seen = world.call("GET", f"/v1/{name}", token=world.tokens["stranger"])
        assert seen.status == 200
        assert not [id for id in secret.values() if id in json.dumps(seen.body)]
    ended = world.call("DELETE", f"/v1/tokens/{secret['tokens']}", None, world.tokens["stranger"])
    assert ended.status == 404
    cursor = world.call("GET", "/v1/users?limit=1", token=world.tokens["admin"]).body["next_cursor"]
    page = world.call("GET", f"/v1/users?cursor={cursor}", token=world.tokens["stranger"]).body
    assert page == {"items": [], "next_cursor": None}


def _ids_of(database: Database, organization: str) -> dict[str, str]:
    """An id of each kind that an organization has."""
    with psycopg.connect(database.superuser) as connection:
        query = "SELECT id FROM organizations WHERE slug = %s"
        [[org]] = connection.execute(query, [organization]).fetchall()
        ids = {"organizations": str(org)}
        for table in ("projects", "users", "approvals", "tokens", "executions"):
            query = f"SELECT id::text FROM {table} WHERE org_id = %s ORDER BY id LIMIT 1"
            [[ids[table]]] = connection.execute(query.encode(), [org]).fetchall()
    return ids
