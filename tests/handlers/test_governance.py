"""Governance over the API: people, policy, limits, approvals, pauses, and what explains them."""

import json
from typing import Any

import psycopg
import pytest

from infra.local import bootstrap
from tests.conftest import Database
from tests.handlers.conftest import Call
from tests.handlers.people import People
from tests.integration.conftest import clock_of

SET_550 = {"action": "budget.set", "inputs": {"total": 550}}
SET_400 = {"action": "budget.set", "inputs": {"total": 400}}


def codes(answer: Any) -> list[str]:
    """The reason codes of an execution."""
    return [reason["code"] for reason in answer["reasons"]]


def test_a_budget_waits_for_an_admin_and_then_is_exactly_what_was_approved(people: People) -> None:
    """The operator's ask changes nothing until somebody else has approved its old and new value."""
    asked = people.execute("operator", SET_550, request_id="ask")
    assert (asked.status, asked.body["status"]) == (202, "pending_approval")
    assert codes(asked.body) == ["approval_required"]
    assert "diff" not in asked.body
    assert people.state()["budget"]["total"] == 500
    approval = asked.body["approval"]["id"]
    assert (asked.body["approval"]["status"], asked.body["approval"]["approved"]) == ("pending", 0)
    done = people.decide("approver", approval, comment="fine").body
    assert done["status"] == "success"
    assert done["about"] == asked.body["seq"]
    assert done["approval"] | {"deciders": None} == {
        "id": approval, "status": "done", "role": "admin", "count": 1, "approved": 1,
        "expires_at": None, "deciders": None,
    }  # fmt: skip
    assert people.state()["budget"]["total"] == 550
    assert people.execute("operator", SET_550, request_id="ask").body == done
    again = people.decide("approver", approval).body
    assert codes(again) == ["approval_closed", "already_decided"]


def test_nobody_may_decide_what_has_expired(people: People, database: Database) -> None:
    """Also until the clock's next run closes it; the inbox of whoever could have is empty then."""
    document = {"approvals": [{"actions": ["budget.set"], "expires_in": "2h"}]}
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    people.execute("operator", SET_550)
    for waits, moment in ((True, "1 hour"), (False, "3 hours")):
        clock_of(database)(f"clock_timestamp() + interval '{moment}'")
        [seen] = people("approver", "GET", "/approvals").body["items"]
        assert (seen["status"], seen["may_decide"]) == ("pending", waits)
        mine = people("approver", "GET", "/v1/approvals").body["items"]
        assert [item["id"] for item in mine] == ([seen["id"]] if waits else [])


def test_an_approval_of_another_effect_is_superseded(people: People) -> None:
    """When the old value has moved, nothing is changed, and a new request shows what would be."""
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    assert people.execute("approver", SET_400).body["status"] == "success"
    superseded = people.decide("approver", approval)
    assert (superseded.status, superseded.body["code"]) == (409, "approval_superseded")
    [step] = superseded.body["preview"]["steps"]
    assert [step["diff"][0]["before"], step["diff"][0]["value"]] == [400, 550]
    assert people.state()["budget"]["total"] == 400
    [waiting] = people("approver", "GET", "/v1/approvals").body["items"]
    assert waiting["id"] == superseded.body["approval"]["id"]
    assert waiting["replaces"] == approval
    assert people.decide("approver", waiting["id"]).body["status"] == "success"
    assert people.state()["budget"]["total"] == 550
    [old] = people("admin", "GET", "/approvals?status=superseded").body["items"]
    assert old["id"] == approval


def test_nobody_decides_about_what_they_asked_for(people: People) -> None:
    """Neither the requester nor somebody without the role; both attempts are on record."""
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    assert codes(people.decide("operator", approval).body) == ["own_request", "role_required"]
    assert codes(people.decide("viewer", approval).body) == ["role_required", "role_required"]
    assert people.state()["budget"]["total"] == 500


def test_a_role_newer_than_the_request_does_not_count(people: People) -> None:
    """Whoever is made admin to approve it can't."""
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    assert people("admin", "PUT", "/members/viewer", {"role": "admin"}).body["status"] == "success"
    assert codes(people.decide("viewer", approval).body) == ["role_too_new"]


def test_rejecting_and_withdrawing_close_a_request(people: People) -> None:
    """Each leaves an execution about the request; its key answers it from then on."""
    first = people.execute("operator", SET_550, request_id="first").body
    rejected = people.decide("approver", first["approval"]["id"], "reject", "too much").body
    assert (rejected["status"], codes(rejected)) == ("rejected", ["approval_rejected"])
    assert rejected["about"] == first["seq"]
    assert people.execute("operator", SET_550, request_id="first").body == rejected
    second = people.execute("operator", SET_550).body["approval"]["id"]
    others = people("viewer", "POST", f"/approvals/{second}/withdraw", {}).body
    assert codes(others) == ["not_own_request"]
    mine = people("operator", "POST", f"/approvals/{second}/withdraw", {}).body
    assert codes(mine) == ["approval_withdrawn"]
    assert codes(people.decide("approver", second).body) == ["approval_closed"]
    [item] = people("viewer", "GET", "/approvals?status=rejected").body["items"]
    assert item["decisions"][0]["comment"] == "too much"


def test_edited_inputs_make_a_new_request_that_names_the_old_one(people: People) -> None:
    """The old one is withdrawn in the same transaction."""
    old = people.execute("operator", SET_550).body
    step = {"action": "budget.set", "inputs": {"total": 540}}
    new = people.execute("operator", step, replaces=old["approval"]["id"]).body
    assert new["about"] == old["seq"]
    waiting = people("approver", "GET", "/approvals?status=pending").body["items"]
    assert [(item["id"], item["replaces"]) for item in waiting] == [
        (new["approval"]["id"], old["approval"]["id"])
    ]
    foreign = people.execute("approver", SET_400, replaces=new["approval"]["id"])
    assert foreign.status == 409


def test_a_refusal_has_every_reason_and_a_verified_way_out(people: People) -> None:
    """Incident open, and too dear: resolve it first, and roll out less; that plan works."""
    steps = [{"action": "release.rollout", "inputs": {"percent": 60}}]
    seen = people("operator", "POST", "/previews", {"steps": steps}).body
    assert codes(seen["steps"][0]) == ["budget_exceeded", "rule_rejected"]
    assert seen["steps"][0]["explanations"] == [
        "It costs 120, and 100 of today's 100 are left.",
        "An incident is open: resolve it before you roll out.",
    ]
    assert seen["budget"] == {"limit": 100, "used": 0, "after": 0}
    unlock = seen["unlocks"][0]
    assert unlock["sentence"] == "Resolve the incident, then roll out to at most 50 percent."
    plan = people("operator", "POST", "/previews", {"steps": unlock["steps"]}).body
    assert (plan["status"], plan["cost"], plan["budget"]["after"]) == ("success", 100, 100)
    body = {"steps": unlock["steps"], "confirm": plan["digest"]}
    assert people("operator", "POST", "/plans", body).body["status"] == "success"
    forecast = people("operator", "GET", "/forecast").body
    assert (forecast["limit"], forecast["used"], forecast["remaining"]) == (100, 100, 0)
    refused = people.execute("operator", steps[0]).body
    assert codes(refused) == ["budget_exceeded"]
    assert refused["cost"] == 0


def test_viewers_do_not_see_what_rules_say(people: People) -> None:
    """Which rule and its words are for operators and admins."""
    people.execute("operator", {"action": "release.rollout", "inputs": {"percent": 5}})
    [seen] = people("viewer", "GET", "/executions?limit=1").body["items"]
    assert "no-rollout" not in json.dumps(seen)
    assert "incident is open" not in json.dumps(seen).lower()
    assert people("viewer", "GET", "/policy").status == 403
    assert people("operator", "GET", "/policy").body["version"] == 1


def test_a_policy_is_set_by_an_execution_and_in_force_at_once(people: People) -> None:
    """YAML or JSON; a wrong one is refused with line and key and changes nothing."""
    wrong = people("admin", "PUT", "/policy", "limits:\n  budget:\n    dayly: 3\n",
                   **{"content-type": "application/yaml"})  # fmt: skip
    assert (wrong.status, wrong.body["code"]) == (422, "invalid_policy")
    assert wrong.body["errors"][0]["line"] == 3
    assert wrong.body["errors"][0]["key"] == "limits.budget.dayly"
    right = people("admin", "PUT", "/policy", "limits:\n  rate: {per_minute: 2}\n",
                   **{"content-type": "application/yaml"})  # fmt: skip
    assert right.body["status"] == "success"
    assert right.body["diff"] == []
    assert people("operator", "PUT", "/policy", {}).body["reasons"][0]["code"] == "role_required"
    flip = {"action": "switch.flip", "inputs": {"name": "dark_mode"}}
    statuses = [people.execute("operator", flip).body for _ in range(3)]
    assert [each["status"] for each in statuses] == ["success", "success", "rejected"]
    assert statuses[2]["reasons"][0] | {"until": ""} == {
        "code": "rate_exceeded", "window": "minute", "limit": 2, "used": 2, "until": "",
    }  # fmt: skip
    assert people.execute("approver", flip).body["status"] == "success"
    versions = people("admin", "GET", "/policy/versions").body["items"]
    assert [item["version"] for item in versions] == [2, 1]


def test_two_of_three_must_approve(people: People) -> None:
    """So many distinct people, each once; the request waits until the last of them."""
    document = {"approvals": [{"actions": ["budget.set"], "require_count": 2}]}
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    first = people.decide("approver", approval).body
    assert first["approval"]["status"] == "pending"
    assert first["approval"]["approved"] == 1
    assert codes(people.decide("approver", approval).body) == ["already_decided"]
    last = people.decide("admin", approval).body
    assert (last["status"], len(last["approval"]["deciders"])) == ("success", 2)


def test_a_plan_with_a_step_that_needs_approval_waits_whole(people: People) -> None:
    """No step is committed before; then all of them are, in one transaction."""
    steps = [{"action": "checklist.tick", "inputs": {"item": "security_review"}}, SET_550]
    seen = people("operator", "POST", "/previews", {"steps": steps}).body
    assert (seen["status"], seen["approval"]["role"]) == ("pending_approval", "admin")
    plan = {"steps": steps, "confirm": seen["digest"], "request_id": "plan"}
    asked = people("operator", "POST", "/plans", plan)
    assert asked.status == 202
    assert people.state()["checklist"]["security_review"] == "open"
    done = people.decide("approver", asked.body["approval"]["id"]).body
    assert [each["status"] for each in done["executions"]] == ["success", "success"]
    assert people.state()["checklist"]["security_review"] == "done"
    assert people.state()["budget"]["total"] == 550


def test_pause_stops_all_but_reads_and_administration(people: People) -> None:
    """In a project and in the whole organization, at once, waiting requests included."""
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    flip = {"action": "switch.flip", "inputs": {"name": "dark_mode"}}
    assert people("operator", "POST", "/pause", {}).body["status"] == "rejected"
    assert people("approver", "POST", "/pause", {}).body["status"] == "success"
    assert codes(people.execute("operator", flip).body) == ["project_paused"]
    assert codes(people.decide("approver", approval).body) == ["project_paused"]
    assert people("viewer", "GET", "/state").status == 200
    assert people("approver", "POST", "/resume", {}).body["status"] == "success"
    assert people("approver", "POST", "/v1/pause", {}).status == 403
    assert people("admin", "POST", "/v1/pause", {}).body["status"] == "success"
    assert codes(people.execute("operator", flip).body) == ["organization_paused"]
    assert people("admin", "POST", "/v1/resume", {}).body["status"] == "success"
    assert people.decide("approver", approval).body["status"] == "success"
    assert people("admin", "POST", "/archive", {}).body["status"] == "success"
    assert codes(people.execute("admin", flip).body) == ["project_archived"]


def test_people_are_made_and_disabled_by_admins_of_the_organization(
    people: People, call: Call
) -> None:
    """A made password must be changed; disabling ends sessions; the last admin stays."""
    new = {"username": "ada", "password": "a first password", "attributes": {"team": "desk"}}
    assert people("operator", "POST", "/v1/users", new).status == 403
    made = people("admin", "POST", "/v1/users", new, **{"idempotency-key": "k"})
    assert made.body["status"] == "success"
    assert "password" not in json.dumps(made.body["inputs"])
    assert people("admin", "POST", "/v1/users", new, **{"idempotency-key": "k"}).body == made.body
    assert people("admin", "POST", "/v1/users", new).status == 409
    signed = call("POST", "/v1/auth/login", {"username": "ada", "password": "a first password"})
    assert signed.body["must_change_password"]
    assert people("admin", "PUT", "/members/ada", {"role": "viewer"}).body["status"] == "success"
    assert people("viewer", "GET", "/members/ada").body["role"] == "viewer"
    assert people("admin", "DELETE", "/members/ada").body["status"] == "success"
    assert people("viewer", "GET", "/members/ada").status == 404
    assert people("admin", "PATCH", "/v1/users/ada", {"disabled": True}).body["status"] == "success"
    assert call("GET", "/v1/me", token=signed.body["token"]).status == 401
    names = [item["username"] for item in people("admin", "GET", "/v1/users").body["items"]]
    assert names[0] == "ada"
    assert set(names) == {"ada", "viewer", "approver", "operator", "admin"}
    last = people("admin", "PATCH", "/v1/users/admin", {"disabled": True}).body
    assert codes(last) == ["last_admin"]
    second = {"username": "eve", "password": "a first password", "admin": True}
    assert people("admin", "POST", "/v1/users", second).body["status"] == "success"
    gone = people("admin", "PATCH", "/v1/users/admin", {"disabled": True}).body
    assert gone["status"] == "success"
    assert people("operator", "GET", "/v1/users").status == 403


def test_two_admins_may_use_the_same_key(people: People, database: Database) -> None:
    """A key is its sender's: what another one sends under it is another request."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE users SET admin = true WHERE username = 'approver'")
    for who, name in (("admin", "ada"), ("approver", "bob")):
        new = {"username": name, "password": "a first password"}
        made = people(who, "POST", "/v1/users", new, **{"idempotency-key": "1"})
        assert (made.status, made.body.get("status")) == (200, "success")


def test_a_password_under_a_used_key_is_the_same_or_refused(people: People, call: Call) -> None:
    """What no record holds must be the same, too, when a request comes again."""
    key, route = {"idempotency-key": "reset"}, "/v1/users/operator/password"
    reset = people("admin", "POST", route, {"password": "the first word"}, **key)
    again = people("admin", "POST", route, {"password": "the first word"}, **key)
    assert (again.status, again.body) == (200, reset.body)
    other = people("admin", "POST", route, {"password": "another word"}, **key)
    assert (other.status, other.body["code"]) == (422, "idempotency_conflict")
    sign_in = {"username": "operator", "password": "the first word"}
    assert call("POST", "/v1/auth/login", sign_in).status == 200


@pytest.mark.usefixtures("people")
def test_a_link_signs_in_once(call: Call, database: Database) -> None:
    """The local stack's links are good for one session."""
    link = bootstrap.links(database.app, ["viewer"])["viewer"]
    opened = call("POST", "/v1/auth/link", {"link": link})
    assert call("GET", "/v1/me", token=opened.body["token"]).body["user"]["username"] == "viewer"
    assert call("POST", "/v1/auth/link", {"link": link}).status == 401
    assert call("POST", "/v1/auth/link", {"link": "csl_x_y"}).status == 401


def test_what_if_shows_another_policy_without_setting_it(people: People) -> None:
    """The same steps under a document that is not in force."""
    body = {"steps": [SET_550], "document": {"limits": {"budget": {"daily": 5}}}}
    assert people("operator", "POST", "/policy/what-if", body).status == 403
    seen = people("approver", "POST", "/policy/what-if", body).body
    assert codes(seen["steps"][0]) == ["budget_exceeded"]
    plain = people("operator", "POST", "/policy/what-if", {"steps": [SET_550]}).body
    assert plain["status"] == "pending_approval"


def test_the_rollup_shows_each_project_at_a_glance(people: People) -> None:
    """Budget, requests that wait, and whether it is paused."""
    people.execute("operator", SET_550)
    items = {i["project"]["slug"]: i for i in people("admin", "GET", "/v1/rollup").body["items"]}
    assert items["harbor"]["budget"] == {"limit": 100, "used": 0}
    assert items["harbor"]["pending"] == 1
    assert items["demo"]["budget"] is None


def test_new_projects_start_with_the_organizations_policy(people: People) -> None:
    """Set by the organization's admins; `demo` projects start without, the others keep theirs."""
    document = {"limits": {"budget": {"daily": 7}}}
    assert people("approver", "PUT", "/v1/policy", document).status == 403
    assert people("admin", "PUT", "/v1/policy", {"limits": 3}).status == 422
    assert people("admin", "PUT", "/v1/policy", document).body["status"] == "success"
    assert people("admin", "GET", "/v1/policy").body == {"document": document}
    for slug, template, version in (("second", "harbor", 1), ("plain", "demo", 0)):
        names = {"slug": slug, "template": template}
        assert people("admin", "POST", "/v1/projects", names).status == 200
        policy = people("admin", "GET", f"/v1/projects/{slug}/policy").body
        assert policy["version"] == version
    refused = people("admin", "POST", "/v1/projects/second/executions", SET_550).body
    assert codes(refused) == ["budget_exceeded"]
    assert people("admin", "GET", "/policy").body["document"] != document


def test_viewers_do_not_read_policies_in_the_audit_log(people: People) -> None:
    """The document stands in no answer to them; operators and admins see it."""
    limit = 987_654_321_012_345  # so long that no hash holds it by chance
    people("admin", "PUT", "/policy", {"limits": {"budget": {"daily": limit}}})
    for path in ("/executions?action=project.policy.set", "/executions/2", "/executions/3"):
        assert str(limit) not in json.dumps(people("viewer", "GET", path).body)
    assert str(limit) in json.dumps(people("operator", "GET", "/executions").body)


def test_administration_can_be_approved_while_the_project_is_paused(people: People) -> None:
    """Whoever made resuming need approval isn't locked out by a pause."""
    document = {"approvals": [{"actions": ["project.resume"]}]}
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    assert people("admin", "POST", "/pause", {}).body["status"] == "success"
    waiting = people("admin", "POST", "/resume", {})
    assert waiting.status == 202
    done = people.decide("approver", waiting.body["approval"]["id"]).body
    assert done["status"] == "success"
    flip = {"action": "switch.flip", "inputs": {"name": "dark_mode"}}
    assert people.execute("operator", flip).body["status"] == "success"


def test_members_can_be_changed_by_approval(people: People) -> None:
    """The request remembers whom it is about."""
    document = {"approvals": [{"actions": ["project.member.set"]}]}
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    waiting = people("admin", "PUT", "/members/viewer", {"role": "operator"})
    assert waiting.status == 202
    assert people.decide("approver", waiting.body["approval"]["id"]).body["status"] == "success"
    assert people("admin", "GET", "/members/viewer").body["role"] == "operator"


def test_the_vote_of_somebody_who_lost_the_role_does_not_count(people: People) -> None:
    """So many people who may approve now, not who once might."""
    document = {"approvals": [{"actions": ["budget.set"], "require_count": 2}]}
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    assert people.decide("approver", approval).body["approval"]["approved"] == 1
    people("admin", "PUT", "/members/approver", {"role": "viewer"})
    still = people.decide("admin", approval).body
    assert (still["approval"]["status"], still["approval"]["approved"]) == ("pending", 1)
    assert people.state()["budget"]["total"] == 500


def test_a_policy_that_would_refuse_the_next_one_is_refused(people: People) -> None:
    """A rule that is simply true can't lock everyone out."""
    document = {"rules": [{"id": "no", "condition": "true", "effect": "reject"}]}
    refused = people("admin", "PUT", "/policy", document).body
    assert codes(refused) == ["policy_locks_out"]
    assert people("admin", "PUT", "/policy", {}).body["status"] == "success"


ALL_WAITS = {"approvals": [{"actions": ["project.*"]}]}


def test_a_policy_whose_next_one_nobody_could_approve_is_refused(people: People) -> None:
    """It takes others: as many as it asks for, of the role that it asks for, who are active."""
    two = {"approvals": [{"actions": ["project.policy.set"], "require_count": 2}]}
    assert codes(people("admin", "PUT", "/policy", two).body) == ["policy_locks_out"]
    operators = {"approvals": [{**two["approvals"][0], "required_role": "operator"}]}
    assert people("admin", "PUT", "/policy", operators).body["status"] == "success"
    way_out = people("admin", "PUT", "/policy", {}).body
    assert way_out["status"] == "pending_approval"
    for name in ("approver", "operator"):
        done = people.decide(name, way_out["approval"]["id"]).body
    assert done["status"] == "success"
    assert people("admin", "DELETE", "/members/approver").body["status"] == "success"
    asks = {"rules": [{"id": "ask", "condition": "true", "effect": "require_approval"}]}
    for document in (ALL_WAITS, asks):
        assert codes(people("admin", "PUT", "/policy", document).body) == ["policy_locks_out"]
        assert codes(people("admin", "PUT", "/v1/policy", document).body) == ["policy_locks_out"]
    assert people("admin", "PUT", "/policy", {}).body["status"] == "success"
    people("admin", "PUT", "/members/approver", {"role": "admin"})
    assert people("admin", "PUT", "/policy", ALL_WAITS).body["status"] == "success"


def test_a_mapped_admin_locks_no_admin_out(people: People) -> None:
    """A policy is judged for admins themselves, whoever sets it."""
    mapped = {"role_mappings": [{"role": "admin", "condition": "true"}]}
    assert people("admin", "PUT", "/policy", mapped).body["status"] == "success"
    never = {"id": "never", "condition": 'action.id == "project.policy.set"', "effect": "reject"}
    refused = people("operator", "PUT", "/policy", {**mapped, "rules": [never]}).body
    assert codes(refused) == ["policy_locks_out"]


def test_an_archived_project_that_is_paused_stays_archived(people: People) -> None:
    """Until it is resumed, which ends both."""
    for path in ("/archive", "/pause"):
        assert people("admin", "POST", path, {}).body["status"] == "success"
    assert people("admin", "GET", "").body["status"] == "archived"
    people("admin", "POST", "/resume", {})
    project = people("admin", "GET", "").body
    assert (project["status"], project["paused"]) == ("active", False)


def test_a_withdrawal_names_the_request_that_it_takes_back(people: People) -> None:
    """Another's isn't withdrawn on record by way of one's own."""
    own = people.execute("operator", SET_550).body["approval"]["id"]
    other = people.execute("viewer", SET_400).body
    assert other["status"] == "rejected"
    made_up = "00000000-0000-7000-8000-000000000000"
    step = {"action": "project.approval.withdraw", "inputs": {"approval": made_up}}
    refused = people.execute("operator", step, replaces=own).body
    assert codes(refused) == ["unknown_approval"]
    [waiting] = people("operator", "GET", "/approvals?status=pending").body["items"]
    assert waiting["id"] == own


def test_a_refused_ask_answers_no_request_that_it_would_have_replaced(people: People) -> None:
    """Its record is about nothing; and nobody names another's request in theirs."""
    own = people.execute("operator", SET_550).body["approval"]["id"]
    wrong = {"action": "budget.set", "inputs": {"total": "many"}}
    refused = people.execute("operator", wrong, replaces=own).body
    assert (codes(refused), "about" in refused) == (["invalid_inputs"], False)
    stale = people.execute("operator", SET_400, replaces=own, confirm="0" * 64)
    assert (stale.status, "about" in stale.body["execution"]) == (409, False)
    seq = people("admin", "GET", "").body["seq"]
    assert people.execute("approver", wrong, replaces=own).status == 409
    assert people("admin", "GET", "").body["seq"] == seq


def test_a_rejected_request_was_approved_by_nobody(people: People) -> None:
    """Whoever rejects it is its decider, and no vote for it."""
    approval = people.execute("operator", SET_550).body["approval"]["id"]
    rejected = people.decide("approver", approval, "reject").body["approval"]
    assert (rejected["status"], rejected["approved"]) == ("rejected", 0)


def test_administration_is_no_step_of_a_plan(people: People) -> None:
    """Neither twice the policy, nor a pause with something after it."""
    step = {"action": "project.policy.set", "inputs": {"document": {}}}
    seen = people("admin", "POST", "/previews", {"steps": [step, step]}).body
    assert codes(seen["steps"][0]) == ["not_in_a_plan"]


def test_people_are_made_by_their_route_alone(people: People) -> None:
    """The generic one has no password to give, and makes nobody an admin."""
    user = "01a20f7f-bf31-7fc6-80a5-01876f20e570"
    inputs = {"user": user, "username": "eve", "admin": True}
    body = {"action": "user.create", "inputs": inputs}
    done = people("admin", "POST", "/v1/projects/system/executions", body).body
    assert codes(done) == ["needs_its_route"]
    cursor = "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"
    assert people("admin", "GET", f"/policy/versions?cursor={cursor}").status == 400


def test_a_plan_that_waits_counts_each_of_its_steps(people: People) -> None:
    """Waiting as one makes it no cheaper."""
    document = {
        "limits": {"rate": {"per_minute": 2}},
        "approvals": [{"actions": ["budget.set"]}],
    }
    assert people("admin", "PUT", "/policy", document).body["status"] == "success"
    steps = [SET_550, {"action": "checklist.tick", "inputs": {"item": "tests"}}]
    for status in ("pending_approval", "rejected"):
        seen = people("operator", "POST", "/previews", {"steps": steps}).body
        body = {"steps": steps, "confirm": seen["digest"]}
        assert people("operator", "POST", "/plans", body).body["status"] == status
