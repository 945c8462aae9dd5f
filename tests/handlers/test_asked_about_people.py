"""Administration is about somebody by whichever way it is asked for, not by its own route alone."""

from typing import Any

import pytest

from tests.handlers.people import People

SYSTEM = "/v1/projects/system/executions"
FOUR_EYES = {"approvals": [{"actions": ["project.member.*"]}]}


def about(people: People, username: str) -> str:
    """The id of a member."""
    return str(people("admin", "GET", f"/members/{username}").body["id"])


def giving(user: str, role: str = "operator") -> dict[str, Any]:
    """A step that gives somebody a role."""
    return {"action": "project.member.set", "inputs": {"user": user, "role": role}}


def codes(answer: Any) -> list[str]:
    """The reason codes of an execution."""
    return [reason["code"] for reason in answer["reasons"]]


def test_a_member_is_changed_by_an_execution_like_any_other(people: People) -> None:
    """Their id is an input: what it says is whom it is about."""
    viewer = about(people, "viewer")
    assert people.execute("admin", giving(viewer)).body["status"] == "success"
    assert people("admin", "GET", "/members/viewer").body["role"] == "operator"
    removal = {"action": "project.member.remove", "inputs": {"user": viewer}}
    assert people.execute("admin", removal).body["status"] == "success"
    assert people("admin", "GET", "/members/viewer").status == 404
    assert codes(people.execute("admin", removal).body) == ["unknown_user"]


def test_a_rule_on_membership_can_be_tried_out(people: People) -> None:
    """In a preview and under a policy that isn't in force; approved, it is about the same."""
    step = giving(about(people, "viewer"))
    assert people("admin", "POST", "/previews", {"steps": [step]}).body["status"] == "success"
    tried = {"steps": [step], "document": FOUR_EYES}
    assert people("admin", "POST", "/policy/what-if", tried).body["status"] == "pending_approval"
    people("admin", "PUT", "/policy", FOUR_EYES)
    waiting = people.execute("admin", step)
    assert waiting.status == 202
    assert people.decide("approver", waiting.body["approval"]["id"]).body["status"] == "success"
    assert people("admin", "GET", "/members/viewer").body["role"] == "operator"


def test_whoever_asks_it_is_the_same_that_may(people: People) -> None:
    """The gates are those of the route: an admin's role, and a token's scope."""
    step = giving(about(people, "viewer"), "admin")
    assert codes(people.execute("operator", step).body) == ["role_required"]
    people.tokens["script"] = people.token("admin", ["read", "execute"])
    assert codes(people.execute("script", step).body) == ["scope_required"]
    assert people("admin", "GET", "/members/viewer").body["role"] == "viewer"


@pytest.mark.parametrize("user", ["01890000-0000-7000-8000-000000000000", "viewer", 5, None])
def test_nobody_is_made_up(people: People, user: Any) -> None:
    """An id of nobody is unknown, and what is no id is no input."""
    expected = "unknown_user" if user != "viewer" and isinstance(user, str) else "invalid_inputs"
    assert codes(people.execute("admin", giving(user)).body) == [expected]


def test_a_person_is_changed_by_an_execution_of_the_organization(people: People) -> None:
    """Admins alone, and never so that none is left."""
    viewer, admin = about(people, "viewer"), people("admin", "GET", "/v1/me").body["user"]["id"]

    def disable(who: str, user: str) -> Any:
        ask = {"action": "user.update", "inputs": {"user": user, "disabled": True}}
        return people(who, "POST", SYSTEM, ask)

    assert disable("approver", viewer).status == 404
    assert codes(disable("admin", admin).body) == ["last_admin"]
    assert disable("admin", viewer).body["status"] == "success"
    assert people("viewer", "GET", "/v1/me").status == 401
