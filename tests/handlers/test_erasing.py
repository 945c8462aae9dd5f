"""Erasing over HTTP: whom it is for, and what is answered about it afterwards."""

import psycopg

from tests.conftest import Database
from tests.handlers.people import People

SECRET = "Erika Mustermann 4711"


def _told(people: People) -> tuple[int, int, int]:
    """Seqs of the executions that put a secret into the state and out; the first one's version."""
    first = people.execute("operator", _note(SECRET)).body
    last = people.execute("operator", _note("nothing")).body
    return first["seq"], last["seq"], first["version"]


def _note(text: str) -> dict[str, object]:
    return {"action": "note.write", "inputs": {"title": "n", "text": text}}


def test_an_admin_erases_and_the_version_answers_410(people: People) -> None:
    """The execution is answered, as for all administration; what was erased says so."""
    first, last, version = _told(people)
    body = {"first_seq": first, "last_seq": last, "reason": "she asked", "request_id": "mine"}
    lacking = people("operator", "POST", "/erasures", body | {"request_id": "theirs"}).body
    assert [reason["code"] for reason in lacking["reasons"]] == ["role_required"]
    done = people("admin", "POST", "/erasures", body)
    assert (done.status, done.body["action"], done.body["status"]) == (
        200, "project.erase", "success",
    )  # fmt: skip
    assert (done.body["request_id"], done.body["inputs"]["reason"]) == ("mine", "she asked")
    gone = people("admin", "GET", f"/state?version={version}")
    assert (gone.status, gone.body["code"]) == (410, "state_erased")
    assert people("admin", "GET", f"/state?version={version - 1}").status == 200
    assert people("admin", "GET", f"/state?version={version + 1}").status == 200
    assert people("viewer", "GET", f"/executions/{first}").body["erased"] is True
    listed = people("viewer", "GET", "/executions").body["items"]
    assert [item["seq"] for item in listed if item.get("erased")] == [last, first]
    reverted = people("admin", "POST", "/revert", {"version": version}).body
    assert reverted["explanations"] == [f"The state of version {version} was erased."]
    assert people("admin", "GET", "/audit/verify").body["verified"] is True


def test_a_token_needs_the_scope_admin(people: People) -> None:
    """Executing is not enough, by whichever route."""
    token = people.token("admin", ["execute", "read"])
    inputs = {"first_seq": 1, "last_seq": 1, "reason": "x"}
    by_route = people.call("POST", "/v1/projects/harbor/erasures", inputs, token)
    assert (by_route.status, by_route.body["code"]) == (403, "insufficient_scope")
    step = {"action": "project.erase", "inputs": inputs}
    by_action = people.call("POST", "/v1/projects/harbor/executions", step, token).body
    assert "scope_required" in [reason["code"] for reason in by_action["reasons"]]


def test_a_second_person_can_be_asked_for(people: People) -> None:
    """Nothing goes before they have approved, and then exactly what was asked for."""
    policy = {"approvals": [{"actions": ["project.erase"], "required_role": "admin"}]}
    people("admin", "PUT", "/policy", policy)
    first, last, version = _told(people)
    body = {"first_seq": first, "last_seq": last, "reason": "she asked"}
    asked = people("admin", "POST", "/erasures", body)
    assert asked.status == 202
    assert people("admin", "GET", f"/state?version={version}").status == 200
    done = people.decide("approver", asked.body["approval"]["id"]).body
    assert (done["action"], done["status"]) == ("project.erase", "success")
    assert people("admin", "GET", f"/state?version={version}").status == 410


def test_a_request_that_was_approved_goes_with_its_comments(
    people: People, database: Database
) -> None:
    """The request, its preview, what was said to it, and what everybody was answered."""
    rule = {"id": "ask", "condition": 'action.id == "note.write"', "effect": "require_approval"}
    people("admin", "PUT", "/policy", {"rules": [rule]})
    waiting = people.execute("operator", _note(SECRET), request_id="telling").body
    people.decide("approver", waiting["approval"]["id"], comment=f"{SECRET}, indeed")
    people("admin", "PUT", "/policy", {})
    gone = people.execute("operator", _note("nothing")).body
    assert SECRET in _everything(database)
    body = {"first_seq": waiting["seq"], "last_seq": gone["seq"], "reason": "she asked"}
    assert people("admin", "POST", "/erasures", body).body["status"] == "success"
    assert SECRET not in _everything(database)
    assert people("admin", "GET", "/approvals").body["items"] == []
    again = people.execute("operator", _note(SECRET), request_id="telling").body
    assert (again["status"], again["erased"]) == ("success", True)


def _everything(database: Database) -> str:
    """Every row of every table, as text."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
    with psycopg.connect(database.superuser) as connection:
        names = [name for [name] in connection.execute(tables).fetchall()]
        texts = [f"SELECT string_agg(t::text, ' ') FROM {name} t" for name in names]
        return " ".join(str(connection.execute(text.encode()).fetchone()) for text in texts)
