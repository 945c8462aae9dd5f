"""What a policy names is there: a mistyped approval or budget would quietly never apply."""

from typing import Any

import pytest
from control_plane.canonical import canonical
from control_plane.engine.policy import compile_policy, policy_of
from control_plane.registry import load_registries

from tests.handlers.people import People

GONE = {
    "action_budgets": {"budget.sett": {"daily": 0}},
    "approvals": [{"actions": ["budget.set", "relase.*"]}, {"actions": ["budget.set.*"]}],
    "rules": [{"id": "a", "condition": 'state["incidnt"].open', "effect": "reject"}],
    "role_mappings": [{"role": "operator", "condition": "state.budgets.total > 0"}],
}
THERE: dict[str, Any] = {
    "action_budgets": {"budget.set": {"daily": 0}},
    "approvals": [{"actions": ["release.*", "project.member.set", "project.approval.*"]}],
    "rules": [
        {"id": "a", "condition": 'state["budget"].total < 0', "effect": "reject"},
        {"id": "b", "condition": "state.exists(id, id == inputs.x)", "effect": "allow"},
    ],
}
YAML = """\
approvals:
  - risk: high
  - actions: [budget.set, budget.sett]
"""


def test_what_a_policy_names_must_be_declared(people: People) -> None:
    """Actions, prefixes, components: each that isn't is told with its key, and nothing is set."""
    refused = people("admin", "PUT", "/policy", GONE)
    assert (refused.status, refused.body["code"]) == (422, "invalid_policy")
    assert [error["key"] for error in refused.body["errors"]] == [
        'action_budgets["budget.sett"]',
        "approvals[0].actions[1]",
        "approvals[1].actions[0]",
        "rules[0].condition",
        "role_mappings[0].condition",
    ]
    sentences = [error["error"] for error in refused.body["errors"]]
    assert sentences[1] == "This project has no action relase.*: correct it, or leave it out."
    assert 'state["incidnt"]' in sentences[3]
    assert people("admin", "GET", "/policy").body["version"] == 1
    assert people("admin", "PUT", "/policy", THERE).body["status"] == "success"


def test_a_name_that_isnt_there_is_told_with_its_line(people: People) -> None:
    """As every error of a policy's text is."""
    yaml = {"content-type": "application/yaml"}
    [error] = people("admin", "PUT", "/policy", YAML, **yaml).body["errors"]
    assert (error["line"], error["key"]) == (3, "approvals[1].actions[1]")


def test_by_whichever_way_it_comes_a_policy_names_what_is_there(people: People) -> None:
    """Asked for as an action, tried out, or set again: not in the route alone."""
    ask = {"action": "project.policy.set", "inputs": {"document": GONE}}
    done = people.execute("admin", ask).body
    assert (done["status"], done["reasons"]) == (
        "rejected",
        [{"code": "invalid_policy", "errors": 5}],
    )
    steps = [{"action": "switch.flip", "inputs": {"name": "dark_mode"}}]
    tried = people("admin", "POST", "/policy/what-if", {"steps": steps, "document": GONE})
    assert (tried.status, len(tried.body["errors"])) == (422, 5)


def test_the_policy_of_new_projects_may_name_what_any_template_has(people: People) -> None:
    """It isn't judged by one template's declarations."""
    assert people("admin", "PUT", "/v1/policy", GONE).body["status"] == "success"
    assert people("admin", "PUT", "/v1/policy", {}).body["status"] == "success"


@pytest.mark.parametrize("document", [GONE, THERE])
def test_what_is_stored_stays_in_force_whatever_is_declared(document: dict[str, Any]) -> None:
    """A template may lose an action later; a file is checked without any."""
    assert policy_of(canonical(document)) == compile_policy(document)
    assert compile_policy(THERE, load_registries()["harbor"]) == compile_policy(THERE)
