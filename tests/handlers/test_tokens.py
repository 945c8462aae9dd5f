"""API tokens: shown once, bounded by scope, project and time, gone when revoked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest
from control_plane import identity
from control_plane.errors import Unauthenticated
from control_plane.store import Store

from tests.conftest import Database
from tests.handlers.conftest import Call
from tests.handlers.people import PASSWORDS, People

SET_550 = {"action": "budget.set", "inputs": {"total": 550}}
TICK = {"action": "checklist.tick", "inputs": {"item": "security_review"}}
NEW = {"name": "nightly", "scopes": ["read", "execute"]}

type Superuser = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture
def superuser(database: Database) -> Superuser:
    """What the database really holds, past its row-level security."""

    def rows(query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(database.superuser, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    return rows


def test_a_token_is_shown_once_and_kept_as_a_hash(people: People, superuser: Superuser) -> None:
    """Its text is in the first answer, in no later one, and in no row of the database."""
    made = people("operator", "POST", "/v1/tokens", NEW, **{"idempotency-key": "k"}).body
    assert made["token"].startswith("cat_")
    assert made["status"] == "success"
    again = people("operator", "POST", "/v1/tokens", NEW, **{"idempotency-key": "k"}).body
    assert (again["token"], again["token_id"]) == (None, made["token_id"])
    [listed] = people("operator", "GET", "/v1/tokens").body["items"]
    assert (listed["id"], listed["name"], listed["scopes"]) == (
        made["token_id"], "nightly", ["execute", "read"],
    )  # fmt: skip
    secret = made["token"].split("_")[2]
    tables = superuser(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for [table] in tables:
        assert superuser(f"SELECT 1 FROM {table} t WHERE t::text LIKE '%{secret}%'") == []


def test_making_and_revoking_are_executions_that_name_the_person(people: People) -> None:
    """The organization's own chain says who made which token, and that it ended."""
    made = people("operator", "POST", "/v1/tokens", NEW).body
    people.tokens["script"] = made["token"]
    assert people("script", "GET", "/state").status == 200
    ended = people("operator", "DELETE", f"/v1/tokens/{made['token_id']}").body
    assert (ended["action"], ended["status"]) == ("token.revoke", "success")
    assert people("script", "GET", "/state").status == 401
    log = people("admin", "GET", "/v1/projects/system/executions").body["items"]
    assert [item["action"] for item in log[:2]] == ["token.revoke", "token.create"]
    assert log[1]["username"] == "operator"
    assert log[1]["inputs"]["scopes"] == ["execute", "read"]
    [listed] = people("operator", "GET", "/v1/tokens").body["items"]
    assert listed["revoked_at"] is not None
    assert listed["last_used_at"] is not None


def test_a_token_acts_as_its_owner_with_the_role_of_the_moment(people: People) -> None:
    """Its executions name the token and the person; the role is lost for both at once."""
    people.tokens["script"] = people.token("operator", ["read", "execute"])
    done = people.execute("script", TICK).body
    assert (done["principal"]["kind"], done["principal"]["via"]) == ("token", "token")
    assert done["status"] == "success"
    assert people("admin", "GET", "/executions").body["items"][0]["username"] == "operator"
    people("admin", "PUT", "/members/operator", {"role": "viewer"})
    refused = people.execute("script", TICK).body
    assert refused["reasons"][0]["code"] == "role_required"
    people("admin", "DELETE", "/members/operator")
    assert people("script", "GET", "/state").status == 404


def test_nobody_approves_by_a_token_what_they_asked_for(people: People) -> None:
    """Neither with a token what one asked for oneself, nor oneself what one's token asked for."""
    policy = {"rules": [{
        "id": "two", "condition": 'action.id == "budget.set"', "effect": "require_approval",
    }]}  # fmt: skip
    people("admin", "PUT", "/policy", policy)
    people.tokens["script"] = people.token("approver", ["read", "execute", "approve"])
    for asker, decider in (("approver", "script"), ("script", "approver")):
        asked = people.execute(asker, SET_550).body
        said = people.decide(decider, asked["approval"]["id"]).body
        assert [reason["code"] for reason in said["reasons"]] == ["own_request"]
    people.tokens["other"] = people.token("admin", ["approve"])
    assert people.decide("other", asked["approval"]["id"]).body["status"] == "success"


def test_administration_by_the_generic_route_takes_the_scope(people: People) -> None:
    """A token that may execute doesn't set a policy by naming its action; that is on record."""
    people.tokens["script"] = people.token("admin", ["execute"])
    step = {"action": "project.policy.set", "inputs": {"document": {}}}
    refused = people.execute("script", step).body
    assert refused["reasons"] == [{"code": "scope_required", "scope": "admin"}]
    asked = people.execute("operator", SET_550).body["approval"]["id"]
    vote = {"approval": asked, "decision": "approve", "comment": ""}
    step = {"action": "project.approval.decide", "inputs": vote}
    refused = people.execute("script", step).body
    assert "scope_required" in [reason["code"] for reason in refused["reasons"]]


def test_a_token_for_some_projects_sees_no_other(people: People) -> None:
    """Not in lists, not in the rollup, not in the inbox, and it administers no organization."""
    people.execute("operator", SET_550)
    people.tokens["script"] = people.token("admin", ["read", "execute", "admin"], ["demo"])
    listed = people("script", "GET", "/v1/projects").body["items"]
    assert [item["slug"] for item in listed] == ["demo"]
    rollup = people("script", "GET", "/v1/rollup").body["items"]
    assert [item["project"]["slug"] for item in rollup] == ["demo"]
    assert people("script", "GET", "/v1/approvals").body["items"] == []
    assert people("script", "GET", "/state").status == 404
    assert people("script", "GET", "/v1/projects/system/executions").status == 404
    assert people("script", "GET", "/v1/users").status == 403
    assert people("script", "GET", "/v1/projects/demo/state").status == 200


def test_a_token_can_not_be_made_for_a_project_that_its_owner_does_not_see(people: People) -> None:
    """Nor with a scope that there is none of, without any, or for longer than a year."""
    secret = people("operator", "POST", "/v1/tokens", {**NEW, "projects": ["demo"]})
    absent = people("operator", "POST", "/v1/tokens", {**NEW, "projects": ["nowhere"]})
    assert secret.status == absent.status == 404
    assert secret.body["detail"].replace("demo", "") == absent.body["detail"].replace("nowhere", "")
    wrongs: list[dict[str, object]] = [
        {"scopes": ["all"]},
        {"scopes": []},
        {"days": 367},
        {"days": 0},
        {"name": ""},
    ]
    for wrong in wrongs:
        assert people("operator", "POST", "/v1/tokens", {**NEW, **wrong}).status == 422


def test_a_token_for_some_projects_is_for_none_that_administers_the_organization(
    people: People,
) -> None:
    """Its actions could else be asked for by name, past the routes that refuse such a token."""
    id = people("admin", "GET", "/v1/projects/system/registry").body["project"]["id"]
    for named in ("system", id):
        new = {"name": "all", "scopes": ["admin"], "projects": [named]}
        assert people("admin", "POST", "/v1/tokens", new).status == 404


def test_no_token_gives_anybody_a_password(people: People, call: Call) -> None:
    """It would sign in by it as its owner, with all that they may, for longer than it holds."""
    people.tokens["script"] = people.token("admin", ["read", "execute", "approve", "admin"])
    word = {"password": "one of the script"}
    for name in ("admin", "operator"):
        assert people("script", "POST", f"/v1/users/{name}/password", word).status == 403
        asked = {"username": name, **word}
        assert call("POST", "/v1/auth/login", asked).status == 401
    assert people("admin", "POST", "/v1/users/operator/password", word).status == 200


def test_a_token_ends_with_its_time_and_with_its_owner(
    people: People, superuser: Superuser
) -> None:
    """Expiry, and disabling the person, are at once; enabling brings the token back."""
    made = people("operator", "POST", "/v1/tokens", {**NEW, "days": 7}).body
    people.tokens["script"] = made["token"]
    [listed] = people("operator", "GET", "/v1/tokens").body["items"]
    begins, ends = (datetime.fromisoformat(listed[each]) for each in ("created_at", "expires_at"))
    assert ends - begins == timedelta(days=7)
    people("admin", "PATCH", "/v1/users/operator", {"disabled": True})
    assert people("script", "GET", "/v1/me").status == 401
    people("admin", "PATCH", "/v1/users/operator", {"disabled": False})
    assert people("script", "GET", "/v1/me").status == 200
    superuser("UPDATE tokens SET expires_at = clock_timestamp()")
    assert people("script", "GET", "/v1/me").status == 401


def test_a_token_waits_for_its_owners_password_change(people: People) -> None:
    """After an admin's reset, a token does nothing until its owner has chosen a password."""
    people.tokens["script"] = people.token("operator", ["read"])
    people("admin", "POST", "/v1/users/operator/password", {"password": "one of an admin"})
    assert people("script", "GET", "/state").body["code"] == "password_change_required"


def test_a_mistyped_token_is_refused_before_the_database_is_asked(people: People) -> None:
    """The checksum tells, so that a database which isn't there doesn't matter."""
    token, nowhere = people.token("operator", ["read"]), Store("postgresql://127.0.0.1:1/none")
    digit = "0" if token[60] != "0" else "1"
    altered = f"{token[:60]}{digit}{token[61:]}"
    for shape in (altered, token[:-1], token.upper(), f"{token}_", "cat_", "cat__", "cat_x_y_z"):
        with pytest.raises(Unauthenticated):
            identity.authenticate(nowhere, shape)


def test_admins_see_and_end_everybodys_tokens_and_others_only_theirs(people: People) -> None:
    """Who is no admin learns nothing of other people's tokens, not even by ending them."""
    operators = people("operator", "POST", "/v1/tokens", NEW).body["token_id"]
    assert people("viewer", "DELETE", f"/v1/tokens/{operators}").status == 404
    assert people("viewer", "GET", "/v1/tokens?everybody=true").body["items"] == []
    [listed] = people("admin", "GET", "/v1/tokens?everybody=true").body["items"]
    assert (listed["id"], listed["owner"]) == (operators, "operator")
    assert people("admin", "DELETE", f"/v1/tokens/{operators}").status == 200
    assert people("admin", "DELETE", f"/v1/tokens/{operators}").status == 200


def test_pages_of_tokens_hold_each_once(people: People) -> None:
    """Newest first; a token made between two pages moves nothing."""
    ids = [people("viewer", "POST", "/v1/tokens", NEW).body["token_id"] for _ in range(5)]
    first = people("viewer", "GET", "/v1/tokens?limit=2").body
    people("viewer", "POST", "/v1/tokens", NEW)
    rest = people("viewer", "GET", f"/v1/tokens?cursor={first['next_cursor']}").body
    assert [item["id"] for item in [*first["items"], *rest["items"]]] == ids[::-1]


def test_a_password_change_ends_sessions_and_spares_tokens(people: People, call: Call) -> None:
    """Scripts go on: whoever fears for a token revokes it."""
    script = people.token("operator", ["read"])
    words = {"current_password": PASSWORDS["operator"], "new_password": "quite another one"}
    people("operator", "POST", "/v1/auth/password", words)
    assert people("operator", "GET", "/v1/me").status == 401
    assert call("GET", "/v1/me", token=script).status == 200


def test_what_a_revoked_token_asked_for_is_not_carried_out(people: People) -> None:
    """Revoking it ends its waiting requests, too: the approval finds nobody who may."""
    made = people("operator", "POST", "/v1/tokens", NEW).body
    people.tokens["script"] = made["token"]
    asked = people.execute("script", SET_550).body["approval"]["id"]
    people("operator", "DELETE", f"/v1/tokens/{made['token_id']}")
    done = people.decide("approver", asked).body
    assert (done["status"], done["reasons"][0]["code"]) == ("rejected", "role_required")
    assert people.state()["budget"]["total"] == 500
