"""Scripts and what governs: budgets, all projects at a glance, and what waits for approval."""

import asyncio

import httpx
import pytest
from chat_space.client import Api, ApiError, Caller
from gradio_client import Client

BEARER = {"Authorization": "Bearer script-token"}


@pytest.fixture
def script(space_url) -> Client:
    """A script with its own token."""
    return Client(space_url, headers=BEARER, verbose=False)


def test_a_budget_is_told_with_what_is_used(script):
    """A project without one says so."""
    limited = script.predict("harbor", api_name="/budget_forecast")
    assert (limited["code"], limited["message"]) == ("success", "0 of 100 used today.")
    assert limited["data"]["remaining"] == 100
    free = script.predict("demo", api_name="/budget_forecast")
    assert free["message"] == "The project has no daily budget."


def test_all_projects_are_told_at_a_glance(script):
    """One item a project, as the API gives them."""
    answer = script.predict(api_name="/api_org_rollup")
    assert answer["code"] == "success"
    assert [item["project"]["slug"] for item in answer["data"]["items"]] == ["demo", "harbor"]


@pytest.mark.parametrize("confirmed", [False, True])
def test_confirming_never_skips_an_approval(fake, script, confirmed):
    """The code is `pending_approval`, the data names the request, and nothing has changed."""
    asked = ("harbor", "harbor.budget.set", {"total": 550}, "assisted", confirmed)
    answer = script.predict(*asked, api_name="/execute_action")
    assert answer["code"] == "pending_approval"
    assert answer["data"]["approval"]["id"] == fake.projects["harbor"].requests[0]["id"]
    assert fake.projects["harbor"].state["harbor.budget"] == {"approved": 500}


def test_a_plan_that_needs_approval_waits_whole(fake, script):
    """One request for all of its steps."""
    budget = {"action_id": "harbor.budget.set", "inputs": {"total": 550}}
    plan = {"steps": [{"action_id": "harbor.release.freeze", "inputs": {}}, budget]}
    answer = script.predict("harbor", plan, api_name="/execute_plan")
    assert answer["code"] == "pending_approval"
    assert answer["data"]["approval"]["id"] == fake.projects["harbor"].requests[0]["id"]
    assert fake.projects["harbor"].state["harbor.release"]["frozen"] is False


CALLS = [
    ("approvals", (), "GET /v1/approvals?limit=100"),
    ("approvals", ("p", "done"), "GET /v1/projects/p/approvals?limit=100&status=done"),
    ("decide", ("p", "a/b", "approve"), "POST /v1/projects/p/approvals/a%2Fb/decision"),
    ("withdraw", ("p", "a"), "POST /v1/projects/p/approvals/a/withdraw"),
    ("members", ("p",), "GET /v1/projects/p/members?limit=200"),
    ("set_member", ("p", "ada", "admin"), "PUT /v1/projects/p/members/ada"),
    ("remove_member", ("p", "a?b"), "DELETE /v1/projects/p/members/a%3Fb"),
    ("policy", ("p",), "GET /v1/projects/p/policy"),
    ("set_policy", ("p", "limits: {}"), "PUT /v1/projects/p/policy"),
    ("policy_versions", ("p",), "GET /v1/projects/p/policy/versions?limit=20"),
    ("pause", ("p",), "POST /v1/projects/p/pause"),
    ("pause", (), "POST /v1/pause"),
    ("resume", ("p",), "POST /v1/projects/p/resume"),
    ("resume", (), "POST /v1/resume"),
    ("archive", ("p",), "POST /v1/projects/p/archive"),
    ("forecast", ("p",), "GET /v1/projects/p/forecast"),
    ("rollup", (), "GET /v1/rollup?limit=200"),
    ("users", (), "GET /v1/users?limit=200"),
    ("create_user", ("ada", "x"), "POST /v1/users"),
    ("disable_user", ("ada", True), "PATCH /v1/users/ada"),
    ("set_password", ("ada", "x"), "POST /v1/users/ada/password"),
]


@pytest.mark.parametrize(("call", "args", "sent"), CALLS)
def test_every_route_has_its_method(call, args, sent):
    """Names are quoted, so that none of them names another route."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    caller = Caller(Api("http://api", httpx.MockTransport(note)), "token")
    asyncio.run(getattr(caller, call)(*args))
    assert f"{seen[0].method} {seen[0].url.raw_path.decode()}" == sent
    assert seen[0].headers["authorization"] == "Bearer token"


WHOLE = [("projects", ()), ("rollup", ()), ("members", ("p",)), ("users", ())]


@pytest.mark.parametrize(("call", "args"), WHOLE)
def test_all_pages_of_a_list_are_one(call, args):
    """However many there are, and the pages in their order."""

    def page(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("cursor", 0))
        more = str(at + 1) if at < 2 else None
        return httpx.Response(200, json={"items": [at], "next_cursor": more})

    caller = Api("http://api", httpx.MockTransport(page)).caller("token")
    assert asyncio.run(getattr(caller, call)(*args)) == {"items": [0, 1, 2], "next_cursor": None}


def test_a_policy_is_sent_as_it_was_typed():
    """The API reads YAML itself, so that it can name lines."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    caller = Api("http://api", httpx.MockTransport(note)).caller("token")
    asyncio.run(caller.set_policy("p", "limits: {}  # é"))
    assert seen[0].headers["content-type"] == "application/yaml"
    assert seen[0].content.decode() == "limits: {}  # é"


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_a_way_through_paths_is_no_name(name):
    """Neither of a member nor of a request."""
    caller = Api("http://api", httpx.MockTransport(lambda _: httpx.Response(200, json={}))).caller(
        "t"
    )
    for call in (caller.remove_member, caller.withdraw):
        with pytest.raises(ApiError, match="not_found"):
            asyncio.run(call("p", name))
