"""The HTTP API, called as API Gateway calls it."""

import json
import re
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import psycopg
import pytest
from control_plane import people, signing_in
from control_plane.api import app as api
from control_plane.api import shared
from control_plane.errors import ControlPlaneError
from control_plane.registry import load_registries
from control_plane.signing_in import login
from control_plane.store import Store
from handlers.api import handler

from tests.conftest import ADMIN_PASSWORD, Database
from tests.handlers.conftest import Call
from tests.handlers.events import Context, event

DEMO = "/v1/projects/demo"
ADD = {"action": "demo.counter.increment", "inputs": {"amount": 3}}
SET = {"action": "demo.counter.set", "inputs": {"value": 5}}


def executions(call: Call, token: str) -> list[dict[str, Any]]:
    """The newest page of the audit log."""
    items: list[dict[str, Any]] = call("GET", f"{DEMO}/executions", token=token).body["items"]
    return items


def test_the_main_job(call: Call, token: str) -> None:
    """Preview a plan, confirm it, and see the state and the executions."""
    preview = call("POST", f"{DEMO}/previews", {"steps": [SET, ADD]}, token).body
    assert [step["diff"][0]["value"] for step in preview["steps"]] == [5, 8]
    assert (preview["status"], preview["cost"]) == ("success", 2)
    plan = {"request_id": "job", "steps": [SET, ADD], "confirm": preview["digest"]}
    done = call("POST", f"{DEMO}/plans", plan, token).body
    assert done["status"] == "success"
    state = call("GET", f"{DEMO}/state", token=token).body
    assert state["components"]["demo.counter"] == {"value": 8}
    assert state["version"] == done["executions"][-1]["version"]
    newest = executions(call, token)[0]
    assert newest["request_id"] == "job/2"
    assert newest["username"] == "admin"
    assert call("POST", f"{DEMO}/plans", plan, token).body == done


def test_an_execution_answers_record_and_payload_flat(call: Call, token: str) -> None:
    """Record and payload members stand side by side, with hash and sentences."""
    answer = call("POST", f"{DEMO}/executions", {**ADD, "request_id": "r"}, token)
    item = answer.body
    assert answer.status == 200
    assert item["diff"] == [
        {"op": "replace", "path": "/demo.counter/value", "before": 0, "value": 3}
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", item["at"])
    assert (item["v"], item["seq"], item["request_id"]) == (1, 3, "r")
    again = call("GET", f"{DEMO}/executions/{item['seq']}", token=token).body
    assert again == {**item, "username": "admin"}


def test_a_refusal_is_an_execution_with_reasons_and_sentences(call: Call, token: str) -> None:
    """Unknown actions, wrong inputs and missing confirmations answer 200 and say why."""
    for body, code in [
        ({"action": "nope"}, "unknown_action"),
        ({**SET, "inputs": {"value": "5"}}, "invalid_inputs"),
        ({"action": "demo.counter.reset"}, "confirmation_required"),
    ]:
        answer = call("POST", f"{DEMO}/executions", body, token)
        assert (answer.status, answer.body["status"]) == (200, "rejected")
        assert [reason["code"] for reason in answer.body["reasons"]] == [code]
        assert " " in answer.body["explanations"][0]
        assert "version" not in answer.body


def test_a_moved_world_is_a_409_with_the_new_preview(call: Call, token: str) -> None:
    """The problem carries what would happen now."""
    digest = call("POST", f"{DEMO}/previews", {"steps": [SET]}, token).body["digest"]
    call("POST", f"{DEMO}/executions", ADD, token)
    answer = call("POST", f"{DEMO}/executions", {**SET, "confirm": digest}, token)
    assert (answer.status, answer.body["code"]) == (409, "confirmation_stale")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["preview"]["steps"][0]["diff"][0]["before"] == 3
    assert answer.body["execution"]["status"] == "rejected"


def test_the_key_may_come_as_a_header(call: Call, token: str) -> None:
    """`Idempotency-Key` equals `request_id`; two that differ are refused."""
    header = {"idempotency-key": "h"}
    first = call("POST", f"{DEMO}/executions", ADD, token, **header).body
    assert call("POST", f"{DEMO}/executions", {**ADD, "request_id": "h"}, token).body == first
    differing = call("POST", f"{DEMO}/executions", {**ADD, "request_id": "x"}, token, **header)
    assert (differing.status, differing.body["code"]) == (422, "idempotency_conflict")
    too_long = call("POST", f"{DEMO}/executions", ADD, token, **{"idempotency-key": "h" * 129})
    assert too_long.status == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"action": "demo.counter.set", "inputs": {"value": NaN}}', 400),
        ('{"action": "demo.counter.set", "inputs": {"value": 9007199254740992}}', 400),
        ('{"action": "memory.remember", "inputs": {"key": "\\u0000", "value": 1}}', 400),
        ('{"action": "memory.remember", "inputs": {"key": "\\ud800", "value": 1}}', 400),
        ("[]", 422),
        (None, 422),
        ({"action": 1}, 422),
        ({"inputs": {}}, 422),
        ({**ADD, "confirmed": True}, 422),
        ({**ADD, "confirm": "yes"}, 422),
        ({**ADD, "request_id": ""}, 422),
        ({**ADD, "request_id": "x" * 129}, 422),
        ({"action": "x", "inputs": {"text": "x" * 300_000}}, 413),
    ],
)
def test_a_malformed_request_leaves_nothing(call: Call, token: str, body: Any, status: int) -> None:
    """A clear 4xx, and no execution."""
    before = executions(call, token)
    answer = call("POST", f"{DEMO}/executions", body, token)
    assert answer.status == status
    assert answer.body["code"]
    assert answer.body["detail"]
    assert executions(call, token) == before


def test_an_encoded_body_is_read_as_strictly(call: Call, token: str) -> None:
    """API Gateway sends bodies of unknown types in Base64: that is no way round the checks."""
    given = event("POST", f"{DEMO}/executions", "", token)
    given["body"] = b64encode(b'{"action": "x", "inputs": {"a": NaN}}').decode()
    given["isBase64Encoded"] = True
    answered = handler(given, Context())
    assert answered["statusCode"] == 400
    given["body"] = "not base64!"
    assert handler(given, Context())["statusCode"] == 400
    assert executions(call, token)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/v1/me"),
        ("GET", "/v1/projects"),
        ("GET", DEMO),
        ("GET", f"{DEMO}/registry"),
        ("GET", f"{DEMO}/state"),
        ("GET", f"{DEMO}/executions"),
        ("GET", f"{DEMO}/executions/1"),
        ("POST", "/v1/auth/logout"),
    ],
)
@pytest.mark.parametrize(
    "bad", [None, "", "x", "cas_x_y", "cas_" + "0" * 32 + "_secret", "cas_" + "0" * 32 + "_"]
)
def test_nobody_is_let_in_without_a_token(
    call: Call, method: str, url: str, bad: str | None
) -> None:
    """Every route but the public ones answers 401 to a missing or made-up token."""
    answer = call(method, url, token=bad)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")


def test_another_scheme_is_no_token(call: Call, token: str) -> None:
    """Only `Bearer` counts."""
    assert call("GET", "/v1/me", authorization=f"Basic {token}").status == 401
    assert call("GET", "/v1/me", authorization=f"bearer {token}").status == 200


def test_callers_in_two_threads_are_never_mixed_up(
    call: Call, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever calls with a wrong token gets 401, whoever else calls at the same moment."""
    read = shared.bearer

    def read_slowly(router: Any) -> str | None:
        time.sleep(0.002)
        return read(router)

    monkeypatch.setattr(shared, "bearer", read_slowly)

    def statuses(sent: str) -> set[int]:
        return {call("GET", "/v1/me", token=sent).status for _ in range(50)}

    with ThreadPoolExecutor(2) as pool:
        known, unknown = pool.submit(statuses, token), pool.submit(statuses, token + "x")
        assert (known.result(), unknown.result()) == ({200}, {401})


def test_signing_out_ends_the_session_at_once(call: Call, token: str) -> None:
    """The next request with the same token is refused."""
    assert call("POST", "/v1/auth/logout", token=token).status == 204
    assert call("GET", "/v1/me", token=token).status == 401


def test_sessions_expire(call: Call, token: str, database: Database) -> None:
    """After its time a token is worth nothing."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE sessions SET expires_at = now() - interval '1s'")
    assert call("GET", "/v1/me", token=token).status == 401


@pytest.mark.parametrize("username", ["admin", "nobody"])
def test_wrong_passwords_are_slowed_down(call: Call, username: str) -> None:
    """After five failures the answer is 429 with Retry-After, whether there is such a person."""
    wrong = {"username": username, "password": "wrong"}
    assert [call("POST", "/v1/auth/login", wrong).status for _ in range(5)] == [401] * 5
    answer = call("POST", "/v1/auth/login", {"username": username, "password": ADMIN_PASSWORD})
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.usefixtures("call")
def test_attempts_at_once_are_counted_before_they_are_looked_at(database: Database) -> None:
    """Twenty guesses at the same moment get five answers."""

    def guess(number: int) -> str:
        store = Store(database.app)
        try:
            login(store, "admin", f"guess {number}", None)
        except ControlPlaneError as error:
            return error.code
        finally:
            store.disconnect()
        return "in"

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(guess, range(20)))
    assert codes == ["throttled"] * 15 + ["unauthenticated"] * 5


def test_nobody_is_locked_out_for_ever(call: Call, database: Database) -> None:
    """After a thousand failures the wait is still a minute at most, and the count goes on."""
    wrong = {"username": "admin", "password": "wrong"}
    call("POST", "/v1/auth/login", wrong)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE login_attempts SET failures = 5000, retry_at = now()")
    assert call("POST", "/v1/auth/login", wrong).status == 401
    answer = call("POST", "/v1/auth/login", wrong)
    assert (answer.status, int(answer.headers["Retry-After"])) == (429, 60)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE login_attempts SET retry_at = now()")
    right = {"username": "admin", "password": ADMIN_PASSWORD}
    assert call("POST", "/v1/auth/login", right).status == 200
    assert call("POST", "/v1/auth/login", wrong).status == 401


def test_a_session_needs_the_password_in_force(
    call: Call, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who verified the old password while it was changed gets no session."""
    opened = signing_in._open_session

    def change_first(*given: Any) -> Any:
        new = {"current_password": ADMIN_PASSWORD, "new_password": "another password"}
        monkeypatch.setattr(signing_in, "_open_session", opened)
        assert call("POST", "/v1/auth/password", new, token).status == 204
        return opened(*given)

    monkeypatch.setattr(signing_in, "_open_session", change_first)
    monkeypatch.setattr(api, "_one_at_a_time", nullcontext())
    old = {"username": "admin", "password": ADMIN_PASSWORD}
    assert call("POST", "/v1/auth/login", old).status == 401


def test_unknown_people_are_refused_alike(call: Call) -> None:
    """Neither user names nor organizations can be found out by signing in."""
    answers = [
        call("POST", "/v1/auth/login", body).body
        for body in (
            {"username": "admin", "password": "wrong"},
            {"username": "nobody", "password": "wrong"},
            {"username": "admin", "password": "wrong", "organization": "nowhere"},
        )
    ]
    assert answers[0] == answers[1] == answers[2]


@pytest.fixture
def newcomer(call: Call) -> str:
    """The token of a person whose admin chose their password, and who is nobody's member."""
    org = call("POST", "/v1/auth/login", {"username": "admin", "password": ADMIN_PASSWORD})
    me = call("GET", "/v1/me", token=org.body["token"]).body
    people.create_user(
        shared.store(), load_registries(), me["organization"]["id"], "new", "first password"
    )
    body = {"username": "new", "password": "first password"}
    return str(call("POST", "/v1/auth/login", body).body["token"])


def test_a_due_password_change_comes_first(call: Call, newcomer: str) -> None:
    """A session with a given password can do nothing but change it."""
    assert call("GET", "/v1/me", token=newcomer).body["must_change_password"] is True
    answer = call("GET", "/v1/projects", token=newcomer)
    assert (answer.status, answer.body["code"]) == (403, "password_change_required")
    change = {"current_password": "first password", "new_password": "short"}
    assert call("POST", "/v1/auth/password", change, newcomer).status == 422
    change["new_password"] = "a password of my own"
    wrong = {**change, "current_password": "guess"}
    assert call("POST", "/v1/auth/password", wrong, newcomer).body["code"] == "wrong_password"
    assert call("POST", "/v1/auth/password", change, newcomer).status == 204
    assert call("GET", "/v1/me", token=newcomer).status == 401
    body = {"username": "new", "password": "a password of my own"}
    token = call("POST", "/v1/auth/login", body).body["token"]
    assert call("GET", "/v1/projects", token=token).body["items"] == []


def test_what_one_may_not_see_is_not_there(call: Call, newcomer: str, database: Database) -> None:
    """To somebody who is no member, a project answers like one that doesn't exist."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE users SET must_change_password = false")
    for method, url, body in (
        ("GET", "state", None),
        ("GET", "registry", None),
        ("POST", "executions", ADD),
        ("POST", "previews", {"steps": [ADD]}),
    ):
        secret = call(method, f"{DEMO}/{url}", body, newcomer)
        absent = call(method, f"/v1/projects/absent/{url}", body, newcomer)
        assert (secret.status, secret.body) == (404, absent.body)
    assert call("POST", "/v1/projects", {"slug": "mine"}, newcomer).status == 403


@pytest.mark.parametrize(("role", "status"), [("viewer", "rejected"), ("operator", "success")])
def test_a_members_role_decides(
    call: Call, newcomer: str, database: Database, role: str, status: str
) -> None:
    """Viewers look, operators act; both see the project."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE users SET must_change_password = false")
        connection.execute(
            "INSERT INTO members SELECT p.org_id, p.id, u.id, %s, now() FROM projects p, users u"
            " WHERE p.slug = 'demo' AND u.username = 'new'",
            [role],
        )
    answer = call("POST", f"{DEMO}/executions", ADD, newcomer)
    assert (answer.status, answer.body["status"]) == (200, status)
    assert answer.body["principal"]["role"] == role
    assert call("GET", f"{DEMO}/state", token=newcomer).status == 200


def test_pages_go_through_the_whole_log(call: Call, token: str) -> None:
    """Pages are newest first, without gap or repetition, while new executions come in."""
    for _ in range(5):
        call("POST", f"{DEMO}/executions", ADD, token)
    seqs, cursor = [], ""
    while cursor is not None:
        url = f"{DEMO}/executions?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = call("GET", url, token=token).body
        seqs += [item["seq"] for item in page["items"]]
        cursor = page["next_cursor"]
        call("POST", f"{DEMO}/executions", ADD, token)
    assert seqs == [7, 6, 5, 4, 3, 2, 1]
    for odd in ("%21", "bm8=", b64encode(b"9" * 30).decode(), b64encode(b"-1").decode()):
        assert call("GET", f"{DEMO}/executions?cursor={odd}", token=token).status in (200, 400)
    assert call("GET", f"{DEMO}/executions?cursor=%21", token=token).status == 400
    assert call("GET", f"{DEMO}/executions/{9**30}", token=token).status == 422
    assert len(call("GET", f"{DEMO}/executions?limit=5000", token=token).body["items"]) > 7


def test_the_log_can_be_filtered(call: Call, token: str) -> None:
    """By status, action, principal and time."""
    done = call("POST", f"{DEMO}/executions", ADD, token).body
    call("POST", f"{DEMO}/executions", {"action": "nope"}, token)

    def found(query: str) -> list[int]:
        items = call("GET", f"{DEMO}/executions?{query}", token=token).body["items"]
        return [item["seq"] for item in items]

    assert found("status=rejected") == [done["seq"] + 1]
    assert found("action=demo.counter.increment") == [done["seq"]]
    assert found(f"principal={done['principal']['id']}") == [done["seq"] + 1, done["seq"]]
    assert found(f"until={done['at']}") == [2, 1]
    assert found("since=2100-01-01T00:00:00Z") == []
    assert call("GET", f"{DEMO}/executions?status=odd", token=token).status == 422


def test_state_at_an_earlier_moment(call: Call, token: str) -> None:
    """By version and by time; the moment of an execution includes it."""
    first = call("POST", f"{DEMO}/executions", ADD, token).body
    call("POST", f"{DEMO}/executions", ADD, token)
    for query in (f"version={first['version']}", f"at={first['at']}"):
        state = call("GET", f"{DEMO}/state?{query}", token=token).body
        assert state["components"]["demo.counter"] == {"value": 3}
        assert state["state_hash"] == first["state_hash"]
    assert call("GET", f"{DEMO}/state?version=0", token=token).body["components"] == {}
    assert call("GET", f"{DEMO}/state?version=99", token=token).status == 404
    for odd in ("at=yesterday", "at=0001-01-01T00:00:00%2B14:00", "version=-1", "version=x"):
        assert call("GET", f"{DEMO}/state?{odd}", token=token).status == 422
    assert call("GET", f"{DEMO}/state?at=0001-01-01T00:00:00Z", token=token).body["version"] == 0


def test_the_registry_lists_what_can_be_asked(call: Call, token: str) -> None:
    """Components and actions come with JSON Schemas and example phrases."""
    registry = call("GET", f"{DEMO}/registry", token=token).body
    actions = {action["id"]: action for action in registry["actions"]}
    assert actions["demo.counter.set"]["inputs"]["properties"]["value"]["type"] == "integer"
    assert "set the counter to {value}" in actions["demo.counter.set"]["phrases"]
    assert actions["demo.counter.reset"]["confirmation"] is True
    assert {component["id"] for component in registry["components"]} == {"demo.counter", "memory"}


def test_projects_are_made_from_templates(call: Call, token: str) -> None:
    """An admin makes one; its own chain begins with that."""
    made = call("POST", "/v1/projects", {"slug": "second", "title": "Second"}, token).body
    assert (made["action"], made["seq"], made["prev_hash"]) == ("project.create", 1, "0" * 64)
    slugs = [p["slug"] for p in call("GET", "/v1/projects", token=token).body["items"]]
    assert slugs == ["second", "demo"]
    by_id = call("GET", f"/v1/projects/{made['project']}", token=token).body
    assert by_id["title"] == "Second"
    for slug in ("Not a slug", made["project"]):
        assert call("POST", "/v1/projects", {"slug": slug}, token).status == 422
    taken = call("POST", "/v1/projects", {"slug": "second"}, token)
    assert (taken.status, taken.body["code"]) == (409, "conflict")
    assert call("POST", "/v1/projects", {"slug": "x", "template": "y"}, token).status == 422


def test_making_a_project_can_be_repeated(call: Call, token: str) -> None:
    """The same key makes it once and answers it again; another key finds the name taken."""
    body, key = {"slug": "again"}, {"idempotency-key": "make"}
    made = call("POST", "/v1/projects", body, token, **key)
    repeated = call("POST", "/v1/projects", body, token, **key)
    assert (made.status, repeated.body) == (200, made.body)
    other = call("POST", "/v1/projects", {**body, "title": "Other"}, token, **key)
    assert other.body["code"] == "idempotency_conflict"
    renamed = call("POST", "/v1/projects", {"slug": "renamed"}, token, **key)
    assert (renamed.status, renamed.body["code"]) == (422, "idempotency_conflict")
    assert call("GET", "/v1/projects/renamed/state", None, token).status == 404
    late = call("POST", "/v1/projects", body, token, **{"idempotency-key": "late"})
    assert late.body["code"] == "conflict"
    policy = {"limits": {"budget": {"daily": 7}}}
    assert call("PUT", "/v1/policy", policy, token).status == 200
    after = call("POST", "/v1/projects", body, token, **key)
    assert after.body == made.body  # new projects begin with that policy; this one is not new


def test_what_was_committed_can_always_be_answered(call: Call, token: str) -> None:
    """Effects that would outgrow an answer are stored as one replace, and read back."""
    for number in (0, 1):
        inputs = {"key": "k", "value": [number] * 20_000}
        body = {"request_id": f"big{number}", "action": "memory.remember", "inputs": inputs}
        answer = call("POST", f"{DEMO}/executions", body, token)
        assert answer.body["status"] == "success"
        assert len(answer.body["diff"]) == 1
        assert call("POST", f"{DEMO}/executions", body, token).body == answer.body
    assert len(executions(call, token)) == 4


def test_pages_end_before_they_grow_too_large(call: Call, token: str) -> None:
    """Bytes count, not characters; the next page goes on without a gap."""
    for number in range(24):
        inputs = {"key": "note", "value": f"{number:02}" + "字" * 40_000}
        call("POST", f"{DEMO}/executions", {"action": "memory.remember", "inputs": inputs}, token)
    seqs, cursor = [], ""
    while cursor is not None:
        url = f"{DEMO}/executions?limit=200{cursor and '&cursor='}{cursor}"
        page = call("GET", url, token=token).body
        assert len(json.dumps(page, ensure_ascii=False).encode()) < 4 * 1024 * 1024
        seqs += [item["seq"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seqs == list(range(26, 0, -1))


@pytest.mark.parametrize(
    "query", ["action=%00", "principal=a%00b", "cursor=%00", "since=%00", "status=%00"]
)
def test_a_nul_in_the_query_is_refused(call: Call, token: str, query: str) -> None:
    """PostgreSQL can't hold it, so nobody can ask for it."""
    assert call("GET", f"{DEMO}/executions?{query}", token=token).status == 400


def test_bodies_are_json(call: Call, token: str) -> None:
    """Another media type is a 415 problem; parameters of the right one are fine."""
    odd = {"content-type": "text/plain"}
    answer = call("POST", f"{DEMO}/executions", ADD, token, **odd)
    assert (answer.status, answer.body["code"]) == (415, "unsupported_media_type")
    right = {"content-type": "application/json; charset=utf-8"}
    assert call("POST", f"{DEMO}/executions", ADD, token, **right).status == 200


def test_deep_bodies_are_refused_whatever_they_hold(call: Call, token: str) -> None:
    """Depth is looked at first."""
    for inner in ('"\\u0000"', '"\\\\u0000"', "1"):
        text = '{"action": "x", "inputs": {"a": ' + "[" * 990 + inner + "]" * 990 + "}}"
        assert call("POST", f"{DEMO}/executions", text, token).status == 400


def test_health(call: Call, database: Database) -> None:
    """Alive without a database; ready only with the schema that this code needs."""
    assert call("GET", "/livez").body == {"status": "ok"}
    assert call("GET", "/readyz").status == 200
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    answer = call("GET", "/readyz")
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    with psycopg.connect(database.superuser) as connection:
        connection.execute("DROP TABLE alembic_version")
    assert call("GET", "/readyz").status == 503


def test_a_request_without_time_is_not_begun(call: Call, token: str) -> None:
    """When the Lambda has little time left, nothing is started that it couldn't finish."""
    answer = call("POST", f"{DEMO}/executions", ADD, token, seconds=5.0)
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"


def test_every_request_has_its_own_time(call: Call, token: str) -> None:
    """A request's limit ends with it, also for routes that nobody has signed in for."""
    call("GET", "/v1/me", token=token, seconds=5.0)
    assert call("GET", "/readyz").status == 200
    body = {"username": "admin", "password": ADMIN_PASSWORD}
    assert call("POST", "/v1/auth/login", body, seconds=5.0).status == 503
    assert call("POST", "/v1/auth/login", body).status == 200


def test_the_description_is_public_and_carries_v1(call: Call) -> None:
    """OpenAPI 3.1 without a token, its paths as they are called."""
    document = call("GET", "/openapi.json").body
    assert document["openapi"].startswith("3.1")
    assert "/v1/projects/{project}/executions" in document["paths"]


@pytest.mark.parametrize("renamed", ["FUNCTION load_project", "TABLE components"])
def test_a_schema_of_another_version_is_unavailable(
    call: Call, token: str, database: Database, renamed: str
) -> None:
    """Between a deployment and its migration nothing is done, and nobody is told of a fault."""
    with psycopg.connect(database.superuser) as connection:
        connection.execute(f"ALTER {renamed} RENAME TO another_one")
    body = {"request_id": "early", "action": "demo.counter.increment", "inputs": {"amount": 1}}
    answer = call("POST", f"{DEMO}/executions", body, token)
    assert (answer.status, answer.body["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert answer.body["detail"].endswith("migrate.")
    with psycopg.connect(database.superuser) as connection:
        name = renamed.replace(renamed.split()[1], "another_one")
        connection.execute(f"ALTER {name} RENAME TO {renamed.split()[1]}")
    assert call("POST", f"{DEMO}/executions", body, token).status == 200


def test_an_unexpected_error_tells_nothing_and_is_logged(
    call: Call, token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug answers 500 as a problem; the log has its type and place, nobody its text."""

    def broken(*_: Any) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(api.app, "resolve", broken)
    answer = call("GET", "/v1/me", token=token)
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(answer.body)
    [told] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (vars(told)["error"], vars(told)["status"]) == ("RuntimeError", 500)
    assert vars(told)["stack"][-1].endswith(" broken")
    assert "a secret detail" not in str([vars(record) for record in caplog.records])
