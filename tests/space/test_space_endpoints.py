"""Scripts drive a running Space through gradio_client, as themselves or not at all."""

import json
import re
from pathlib import Path
from typing import Any

import chat_space
import httpx
import pytest
from chat_space.auth import COOKIE
from chat_space.client import ApiError
from chat_space.endpoints import sentence_of
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from tests.space.conftest import SECRET, replica

BEARER = {"Authorization": "Bearer script-token"}


@pytest.fixture
def script(space_url) -> Client:
    """A script with its own token."""
    return Client(space_url, headers=BEARER, verbose=False)


def names(client: Client) -> dict[str, list[str]]:
    """The public endpoints and their parameters."""
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    return {
        name: [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        for name, endpoint in endpoints.items()
    }


def test_scripts_see_exactly_the_promised_endpoints(script):
    """Names and parameters are those scripts were written for; the page's events are not shown."""
    assert names(script) == {
        "/execute_action": ["project_id", "action_id", "inputs", "mode", "confirmed"],
        "/simulate_action": ["project_id", "action_id", "inputs", "mode"],
        "/execute_plan": ["project_id", "plan", "mode"],
        "/simulate_plan": ["project_id", "plan", "mode"],
        "/revert_snapshot": ["project_id", "snapshot_id"],
        "/get_registry": ["project_id"],
        "/get_audit_log": ["project_id", "limit"],
        "/budget_forecast": ["project_id"],
        "/api_org_rollup": [],
        "/chat": ["project_id", "message", "mode"],
    }


def test_the_readme_lists_each_endpoint_with_its_parameters(script):
    """None is missing, and none that isn't there."""
    page = (Path(chat_space.__file__).parents[1] / "README.md").read_text()
    rows = re.findall(r"^\| `(/\w+)` \| (.*?) ?\|", page, re.MULTILINE)
    listed = {name: re.findall(r"`(\w+)`", parameters) for name, parameters in rows}
    assert listed == names(script)


def test_a_script_with_a_login_acts_as_that_user(fake, space_url):
    """`auth=(user, password)` signs in at /login and the API sees that user's own token."""
    client = Client(space_url, auth=("ada", "correct horse"), verbose=False)
    answer = client.predict("demo", "demo.counter.set", {"value": 5}, api_name="/execute_action")
    assert (answer["code"], answer["message"]) == ("success", "Committed.")
    assert answer["data"]["diff"][0]["pointer"] == "/demo.counter/value"
    assert fake.projects["demo"].state["demo.counter"] == {"value": 5}


def test_a_script_with_a_token_acts_with_it(script):
    """A bearer header reaches the API as it is."""
    answer = script.predict("demo", 3, api_name="/get_audit_log")
    assert answer == {
        "code": "success",
        "message": "0 executions.",
        "data": {"items": [], "next_cursor": None},
    }


def test_without_a_login_or_token_there_is_an_error_and_no_default_user(fake, space_url):
    """An anonymous script, a wrong password and an unknown token all stay outside."""
    with pytest.raises(AuthenticationError):
        Client(space_url, verbose=False)
    with pytest.raises(AuthenticationError):
        Client(space_url, auth=("ada", "wrong"), verbose=False)
    with pytest.raises(AuthenticationError):
        Client(space_url, headers={"Authorization": "Bearer made-up"}, verbose=False)
    body = {"data": ["demo"], "session_hash": "x", "fn_index": 0}
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict"):
        assert httpx.post(space_url + path, json=body).status_code == 401
    assert not fake.bodies("/executions")


def test_confirmed_confirms_the_preview_it_made(fake, script):
    """Without `confirmed` an action that needs it is refused; with it, the digest is sent."""
    asked: tuple[Any, ...] = ("demo", "demo.counter.reset", {})
    refused = script.predict(*asked, api_name="/execute_action")
    done = script.predict(*asked, "assisted", True, api_name="/execute_action")
    assert (refused["code"], refused["message"]) == ("rejected", "It has to be confirmed.")
    assert done["code"] == "success"
    assert ["confirm" in body for body in fake.bodies("/executions")] == [False, True]


@pytest.mark.parametrize("confirmed", ["false", "true", 1, 0, None, {}, []])
def test_only_a_boolean_confirms(fake, script, confirmed):
    """The text "false" is true to Python; nothing but true and false is taken."""
    asked: tuple[Any, ...] = ("demo", "demo.counter.reset", {}, "assisted", confirmed)
    with pytest.raises(Exception, match="invalid_body: confirmed must be true or false"):
        script.predict(*asked, api_name="/execute_action")
    assert fake.bodies("/executions") == fake.bodies("/previews") == []


@pytest.mark.parametrize(
    ("endpoint", "args"),
    [
        ("execute_action", (5, "demo.counter.reset", {})),
        ("execute_action", ("demo", 5, {})),
        ("execute_action", ("demo", "demo.counter.reset", {}, ["assisted"])),
        ("simulate_action", ({}, "demo.counter.reset", {})),
        ("simulate_action", ("demo", None, {})),
        ("execute_plan", ([], {"steps": []})),
        ("simulate_plan", ("demo", {"steps": []}, {})),
        ("revert_snapshot", (5, "3")),
        ("revert_snapshot", ("demo", None)),
        ("revert_snapshot", ("demo", "-1")),
        ("revert_snapshot", ("demo", True)),
        ("revert_snapshot", ("demo", "the first one")),
        ("get_registry", (None,)),
        ("get_audit_log", (1, 5)),
        ("chat", ("demo", 5)),
        ("chat", (True, "add 3")),
    ],
)
def test_an_argument_of_another_type_is_refused_by_name(script, endpoint, args):
    """A script's mistake is told as its mistake, not as the Space's."""
    with pytest.raises(Exception, match="invalid_body: "):
        script.predict(*args, api_name=f"/{endpoint}")


def test_a_script_goes_back_to_a_version_or_to_what_an_execution_made(fake, script):
    """By number, by digits, or by the id of an execution that succeeded."""
    asked = [
        script.predict("demo", "demo.counter.set", {"value": value}, api_name="/execute_action")
        for value in (5, 7)
    ]
    first = asked[0]["data"]
    for snapshot in (first["version"], str(first["version"]), first["execution_id"]):
        script.predict("demo", snapshot, api_name="/revert_snapshot")
        sent = fake.bodies("/executions")[-1]
        assert sent["action"] == "project.revert"
        assert sent["inputs"] == {"version": first["version"]}
    unknown = first["execution_id"][:-1] + "x".replace("x", "0")
    with pytest.raises(Exception, match="not_found: No such execution was found"):
        script.predict("demo", unknown, api_name="/revert_snapshot")


def test_a_refused_body_says_where():
    """The API's `errors` name the places; the first ten are told."""
    errors = [{"at": f"body.inputs.{at}", "error": "Missing."} for at in range(12)]
    error = ApiError(422, "invalid_body", "The body is wrong.", {"errors": [*errors[:1], 5]})
    assert sentence_of(error) == (
        "invalid_body: The body is wrong. (body.inputs.0: Missing.)"
    )  # fmt: skip
    many = sentence_of(ApiError(422, "invalid_body", "Wrong.", {"errors": errors}))
    assert many.count("Missing.") == 10
    assert sentence_of(ApiError(404, "not_found", "None.")) == "not_found: None."


def test_a_simulation_leaves_nothing(fake, script):
    """Simulating an action or a plan shows the effect and stores nothing."""
    plan = {"steps": [{"action_id": "demo.counter.set", "inputs": {"value": 5}}]}
    one = script.predict("demo", "demo.counter.set", {"value": 5}, api_name="/simulate_action")
    many = script.predict("demo", plan, api_name="/simulate_plan")
    assert one["data"]["steps"] == many["data"]["steps"]
    assert one["data"]["steps"][0]["diff"][0]["value"] == 5
    assert fake.projects["demo"].executions == []


def test_a_plan_is_previewed_and_executed_whole(fake, script):
    """A plan's steps may name `action_id` or `action`; they commit together."""
    plan = {
        "steps": [
            {"action_id": "demo.counter.set", "inputs": {"value": 5}},
            {"action": "demo.counter.increment", "inputs": {"amount": 3}},
        ]
    }
    answer = script.predict("demo", plan, api_name="/execute_plan")
    assert answer["code"] == "success"
    assert [item["seq"] for item in answer["data"]["executions"]] == [1, 2]
    assert fake.projects["demo"].state["demo.counter"] == {"value": 8}


def test_a_plan_cannot_confirm_a_step_that_needs_it(fake, script):
    """`execute_plan` has no `confirmed`: such a plan is not executed, and says what to do."""
    plan = {"steps": [{"action_id": "demo.counter.reset", "inputs": {}}]}
    answer = script.predict("demo", plan, api_name="/execute_plan")
    assert answer["code"] == "rejected"
    assert "execute_action" in answer["message"]
    assert fake.projects["demo"].executions == []


@pytest.mark.parametrize(
    ("mode", "count", "sentence"),
    [
        ("interactive", 2, "allows 1"),
        ("assisted", 6, "allows 5"),
        ("wild", 1, "one of interactive"),
    ],
)
def test_modes_limit_the_steps_of_a_plan(script, mode, count, sentence):
    """1, 5 and 10 steps; an unknown mode is refused."""
    plan = {"steps": [{"action": "demo.counter.increment", "inputs": {"amount": 1}}] * count}
    with pytest.raises(Exception, match=f"invalid_body: .*{sentence}"):
        script.predict("demo", plan, mode, api_name="/execute_plan")


def test_an_error_reaches_the_script_as_code_and_sentence(fake, script):
    """The API's refusal and its outage are readable, and no more than that."""
    with pytest.raises(Exception, match=r"not_found: There is no such project\."):
        script.predict("nowhere", api_name="/get_registry")
    fake.broken = "/registry"
    with pytest.raises(Exception, match=r"unavailable: The database can't be reached\."):
        script.predict("demo", api_name="/get_registry")


def test_state_that_looks_like_a_file_is_neither_served_nor_downloaded(fake, script, tmp_path):
    """A stored value in the shape of Gradio's file data arrives as plain data."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    bait: dict[str, Any] = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    for number, value in enumerate((bait, {"path": "x", "meta": None})):
        inputs = {"key": f"k{number}", "value": value}
        fake.projects["demo"].commit(
            f"r{number}", [{"action": "memory.remember", "inputs": inputs}], None
        )
    answer = script.predict("demo", 10, api_name="/get_audit_log")
    text = json.dumps(answer)
    assert '"path"' not in text
    assert answer["data"]["items"][1]["diff"][0]["value"]["pointer"] == str(secret)
    assert "/gradio_api/file=" not in text


def test_the_chat_endpoint_proposes_and_never_acts(fake, script):
    """A proposal comes with its preview; the state stays."""
    answer = script.predict("demo", "set the counter to 5, then add 3", api_name="/chat")
    assert answer["code"] == "proposal"
    assert [step["action"] for step in answer["data"]["steps"]] == [
        "demo.counter.set",
        "demo.counter.increment",
    ]
    assert fake.projects["demo"].executions == []


def test_any_replica_serves_any_session(api_server, space_url):
    """A cookie from one replica opens another with the same key, and none with another key."""
    credentials = {"username": "ada", "password": "correct horse"}
    cookies = {COOKIE: httpx.post(f"{space_url}/login", data=credentials).cookies[COOKIE]}
    with replica(api_server[1], SECRET) as twin, replica(api_server[1], "another") as stranger:
        assert httpx.get(f"{twin}/config", cookies=cookies).status_code == 200
        assert httpx.get(f"{stranger}/config", cookies=cookies).status_code == 401
