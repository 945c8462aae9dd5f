"""What operators see of a request: its line in the log, and its metrics."""

import json
import re
from typing import Any

import psycopg
import pytest
from control_plane import execution
from control_plane.api import shared
from control_plane.identity import authenticate, target
from control_plane.models import Intent
from control_plane.observing.current import add
from control_plane.observing.functions import answering
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.signing_in import login
from control_plane.store import Store

from tests.conftest import ADMIN_PASSWORD, Database
from tests.handlers.conftest import Call

DEMO = "/v1/projects/demo"
SET = {"action": "demo.counter.set", "inputs": {"value": 5}}
RESET = {"action": "demo.counter.reset"}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Told:
    """What was told since the last look: log lines as they were given, metrics as printed."""

    def __init__(
        self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._caplog = caplog
        self._capsys = capsys

    def line(self) -> dict[str, Any]:
        """The members of the one line that the last request left."""
        [line] = self.lines()
        return line

    def lines(self) -> list[dict[str, Any]]:
        """The members of each line."""
        records = [vars(record) for record in self._caplog.records]
        self._caplog.clear()
        return records

    def metrics(self) -> list[dict[str, Any]]:
        """The metrics that were printed."""
        self._caplog.clear()
        printed = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        return [each for each in printed if "_aws" in each]

    def forget(self) -> None:
        """Look only at what comes now."""
        self.metrics()


@pytest.fixture
def told(
    call: Call,  # noqa: ARG001 (seeds, which is no request of ours)
    token: str,  # noqa: ARG001
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> Told:
    told = Told(caplog, capsys)
    told.forget()
    return told


def series(line: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """Each metric of an EMF line under its name and the values of each set of its dimensions."""
    return {
        (metric["Name"], *(f"{name}={line[name]}" for name in sorted(dimensions))): line[
            metric["Name"]
        ]
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def test_a_request_leaves_one_line(call: Call, token: str, told: Told) -> None:
    """Who asked for what by which route, what became of it, and how to find it elsewhere."""
    body = {**SET, "request_id": "mine"}
    answer = call("POST", f"{DEMO}/executions", body, token, traceparent=f"00-{TRACE}-{SPAN}-01")
    done = answer.body
    line = told.line()
    assert (line["method"], line["route"]) == ("POST", "/v1/projects/{project}/executions")
    assert (line["status"], line["request_id"]) == (200, answer.headers["X-Request-Id"])
    assert line["invocation_id"] == "52fdfc07-2182-154f-163f-5f0f9a621d72"
    assert (line["organization"], line["project"]) == (done["org"], done["project"])
    assert line["principal"] == done["principal"]["id"]
    executed = (line["execution_request_id"], line["seq"], line["execution_status"])
    assert executed == ("mine", done["seq"], "success")
    assert (line["trace_id"], line["parent_id"]) == (TRACE, SPAN)
    assert 0 < line["lock_and_load_ms"] < line["duration_ms"]
    assert line["levelname"] == "INFO"


def test_a_refusal_names_its_code(call: Call, token: str, told: Told) -> None:
    """A problem's code, or an execution's first reason."""
    call("POST", f"{DEMO}/executions", {"unknown": 1}, token)
    line = told.line()
    assert (line["status"], line["code"]) == (422, "invalid_body")
    assert line["route"] == "/v1/projects/{project}/executions"
    call("POST", f"{DEMO}/executions", RESET, token)
    line = told.line()
    assert (line["execution_status"], line["reason"]) == ("rejected", "confirmation_required")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/unknown"), ("PUT", DEMO), ("GET", f"{DEMO}/unknown/1"), ("GET", "/")],
)
def test_an_address_without_a_route_is_not_told(
    call: Call, token: str, told: Told, method: str, path: str
) -> None:
    """What stands in its place may be anything."""
    assert call(method, path, token=token).status >= 400
    line = told.line()
    assert line.get("route") is None
    assert path not in str([value for name, value in line.items() if name != "pathname"])


def test_a_replay_is_no_second_execution(call: Call, token: str, told: Told) -> None:
    """The same request, answered again, is counted once."""
    for counted in ([1.0], None):
        call("POST", f"{DEMO}/executions", {**SET, "request_id": "once"}, token)
        [line] = told.metrics()
        assert line.get("Executions") == counted


def test_executions_are_counted_by_status_and_first_reason(
    call: Call, token: str, told: Told
) -> None:
    """Times are told by service alone, so that codes don't multiply them."""
    call("POST", f"{DEMO}/executions", RESET, token)
    [line] = told.metrics()
    found = series(line)
    exact = ("Executions", "code=confirmation_required", "service=api", "status=rejected")
    assert found[exact] == found[("Executions", "service=api", "status=rejected")] == [1]
    assert found[("ExecutionDuration", "service=api")][0] > 0
    assert found[("LockAndLoad", "service=api")][0] > 0
    assert len(found) == 4
    assert {each["Namespace"] for each in line["_aws"]["CloudWatchMetrics"]} == {"ChatAgent"}


def test_metrics_name_no_project_and_nobody(call: Call, token: str, told: Told) -> None:
    """Dimensions are service, status and code: few, whatever is asked for."""
    done = call("POST", f"{DEMO}/executions", {**SET, "request_id": "mine"}, token).body
    [line] = told.metrics()
    dimensions = {
        name
        for directive in line["_aws"]["CloudWatchMetrics"]
        for each in directive["Dimensions"]
        for name in each
    }
    assert dimensions <= {"service", "status", "code"}
    written = json.dumps(line)
    for id in (done["org"], done["project"], done["principal"]["id"], "mine"):
        assert id not in written


def test_a_plan_counts_each_of_its_steps(call: Call, token: str, told: Told) -> None:
    """Steps that end alike are counted on one line."""
    steps = [SET, SET]
    digest = call("POST", f"{DEMO}/previews", {"steps": steps}, token).body["digest"]
    told.forget()
    plan = {"request_id": "plan", "steps": steps, "confirm": digest}
    call("POST", f"{DEMO}/plans", plan, token)
    [line] = told.metrics()
    assert line["Executions"] == [2]


def test_steps_that_end_differently_are_counted_apart(call: Call, token: str, told: Told) -> None:
    """What they have in common is told once, with the last."""
    steps = [SET, {"action": "nope", "inputs": {}}]
    digest = call("POST", f"{DEMO}/previews", {"steps": steps}, token).body["digest"]
    told.forget()
    plan = {"request_id": "plan", "steps": steps, "confirm": digest}
    call("POST", f"{DEMO}/plans", plan, token)
    first, last = told.metrics()
    assert [first["code"], last["code"]] == ["none", "unknown_action"]
    assert ("LockAndLoad" in first, "LockAndLoad" in last) == (False, True)


def test_a_limited_budget_tells_how_much_of_it_is_used(call: Call, token: str, told: Told) -> None:
    """In percent, with this execution's cost; a project without a limit tells nothing."""
    call("POST", f"{DEMO}/executions", SET, token)
    assert "BudgetUsed" not in told.metrics()[0]
    policy = {"limits": {"budget": {"daily": 4}}}
    assert call("PUT", f"{DEMO}/policy", policy, token).status == 200
    told.forget()
    used = []
    for _ in range(2):
        call("POST", f"{DEMO}/executions", SET, token)
        used.append(told.metrics()[0]["BudgetUsed"])
    assert used == [[25], [50]]


def test_reading_prints_no_metrics(call: Call, token: str, told: Told) -> None:
    """Only what writes is measured: the gateway counts requests already."""
    call("GET", f"{DEMO}/state", token=token)
    assert told.metrics() == []


def test_metrics_can_be_switched_off(
    call: Call, token: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Powertools' own variable."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    call("POST", f"{DEMO}/executions", SET, token)
    assert told.metrics() == []


def test_the_use_case_itself_says_nothing(
    call: Call,  # noqa: ARG001 (seeds)
    database: Database,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only handlers tell: who uses the engine in process finds nothing on standard output."""
    store = Store(database.app)
    token = login(store, "admin", ADMIN_PASSWORD, None)["token"]
    demo = target(authenticate(store, token, "demo"), load_registries())
    request = Request("execution", "quiet", [Intent("demo.counter.increment", {})], None)
    assert execution.execute(store, shared.archived(), demo, request)["status"] == "success"
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    store.disconnect()


def test_a_database_that_fails_is_named_by_its_code(
    call: Call, token: str, told: Told, database: Database
) -> None:
    """By the SQLSTATE alone, as often as it failed."""
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'chat%'"
        )
    assert call("GET", "/v1/me", token=token).status == 200
    line = told.line()
    assert re.fullmatch(r"psycopg\.\w+(\.\w+)*( \w{5})?", line["database_error"])
    assert line["database_failures"] == 1


def test_what_cant_be_told_never_costs_the_answer(told: Told) -> None:
    """Whatever was measured: the caller is answered, and the log names what went wrong."""

    @answering("odd")
    def handler(_event: object, _context: object) -> dict[str, Any]:
        add(archived_rows=2**70)
        return {"statusCode": 200}

    told.forget()
    assert handler({}, None) == {"statusCode": 200}
    line, failure = told.lines()
    assert (line["status"], failure["error"]) == (200, "TypeError")
    assert line["trace_id"] == failure["trace_id"]
