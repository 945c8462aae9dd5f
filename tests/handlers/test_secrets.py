"""Nothing that a caller sends and nothing that opens a door is ever written to a log.

Real functions in real processes, driven through successes and every kind of failure; then all
that they wrote to standard output and standard error is searched.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from control_plane.store import SCHEMA_VERSION, Store

from infra.local.bootstrap import seed
from tests.chat_parts import TOKEN, Answer, answered, control_plane, http_server
from tests.conftest import Cluster, Database
from tests.handlers.events import event
from tests.handlers.workers import Worker, working

MARK = "s3cr3t"
"""In every value that must not be told: a path, a body, a header, a key, a password."""
PASSWORD = f"{MARK} of the admin"
NOWHERE = f"postgresql://chat_agent_app:{MARK}@127.0.0.1:1/{MARK}"
UNREADABLE = f"postgresql://chat_agent_app:{MARK}@[{MARK}"
DEMO = "/v1/projects/demo"
REMEMBER = {"action": "memory.remember", "inputs": {"key": MARK, "value": {MARK: [MARK]}}}


def request(method: str, url: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """An event that carries something secret wherever something can be carried."""
    everywhere = {"x-anything": MARK, "cookie": MARK, "traceparent": MARK, "user-agent": MARK}
    sent = event(method, url, body, **{**everywhere, **headers})
    return {**sent, "cookies": [f"session={MARK}"]}


def assert_nothing_told(worker: Worker, *secrets: str) -> None:
    """No secret stands in anything that was written."""
    written = worker.written.lower()
    for secret in (MARK, *secrets):
        assert secret.lower() not in written, worker.written


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "written.log"


@pytest.fixture
def seeded(database: Database) -> Database:
    """A database that refuses some rows by saying what is in them, as PostgreSQL does."""
    seed(Store(database.app), PASSWORD)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("ALTER TABLE components ADD CHECK (state NOT LIKE '%detailed%')")
        connection.execute("""
            CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF NEW.payload LIKE '%raised%' THEN RAISE EXCEPTION 'no %', NEW.payload; END IF;
              RETURN NEW; END $$""")
        connection.execute("""CREATE TRIGGER tell BEFORE INSERT ON executions
            FOR EACH ROW EXECUTE FUNCTION tell()""")
    return database


def sign_in(api: Worker) -> str:
    """The token of the signed-in admin."""
    login = {"username": "admin", "password": PASSWORD}
    answer = api(request("POST", "/v1/auth/login", login))["result"]
    return str(json.loads(answer["body"])["token"])


def remembered(value: str) -> dict[str, Any]:
    """An execution that puts a value into the state."""
    return {**REMEMBER, "inputs": {"key": MARK, "value": f"{MARK} {value}"}}


def api_requests(token: str) -> list[tuple[int, dict[str, Any]]]:
    """One request of each kind of outcome that the api function has, with its status."""
    signed = {"authorization": f"Bearer {token}"}
    login = {"username": MARK, "password": MARK}
    policy = {"rules": [{"id": "r", "condition": MARK, "effect": MARK}]}
    confirmed = {**REMEMBER, "confirm": "0" * 64}
    return [
        (200, request("GET", "/v1/me", **signed)),
        (200, request("POST", f"{DEMO}/executions", REMEMBER, **signed)),
        (200, request("POST", f"{DEMO}/executions", {**REMEMBER, "inputs": {MARK: 1}}, **signed)),
        (200, request("GET", f"{DEMO}/executions?action={MARK}", **signed)),
        (200, request("GET", f"{DEMO}/state", **signed)),
        (400, request("POST", f"{DEMO}/executions", f'{{"{MARK}', **signed)),
        (401, request("POST", "/v1/auth/login", login)),
        (401, request("GET", "/v1/me", authorization=f"Bearer {MARK}")),
        (401, request("GET", "/v1/me", authorization=f"Basic {MARK}")),
        (404, request("GET", f"/v1/{MARK}?{MARK}={MARK}", **signed)),
        (404, request(MARK.upper(), f"/{MARK}", **signed)),
        (404, request("GET", f"/v1/projects/{MARK}/state", **signed)),
        (409, request("POST", f"{DEMO}/executions", confirmed, **signed)),
        (413, request("POST", f"{DEMO}/executions", MARK * 60_000, **signed)),
        (415, request("POST", f"{DEMO}/executions", MARK, **{"content-type": MARK}, **signed)),
        (422, request("POST", f"{DEMO}/executions", {MARK: MARK}, **signed)),
        (422, request("PUT", f"{DEMO}/policy", policy, **signed)),
        (422, request("GET", f"{DEMO}/executions/{MARK}", **signed)),
        (500, request("POST", f"{DEMO}/executions", remembered("detailed"), **signed)),
        (500, request("POST", f"{DEMO}/executions", remembered("raised"), **signed)),
    ]


def test_the_api_tells_nothing_that_it_was_sent(
    log: Path, seeded: Database, postgres: Cluster
) -> None:
    """Each request leaves one line, whatever became of it, and no secret in any."""
    with working("ApiFunction", log, CHAT_AGENT_DATABASE_URL=seeded.app) as api:
        token = sign_in(api)
        requests = api_requests(token)
        for status, sent in requests:
            assert api.status(sent) == status, sent
        assert [line["status"] for line in api.lines] == [200, *(s for s, _ in requests)]
        unexpected = [line["error"] for line in api.lines if "error" in line]
        assert unexpected == [
            "psycopg.errors.CheckViolation 23514",
            "psycopg.errors.RaiseException P0001",
        ]
        assert_nothing_told(api, token, *postgres.passwords.values())


@pytest.mark.parametrize(("url", "status"), [(NOWHERE, 503), (UNREADABLE, 500)])
def test_the_api_tells_nothing_of_its_database(log: Path, url: str, status: int) -> None:
    """An address that leads nowhere, or can't be read, isn't quoted."""
    signed = {"authorization": f"Bearer cas_{'0' * 32}_{MARK}"}
    with working("ApiFunction", log, CHAT_AGENT_DATABASE_URL=url) as api:
        assert api.status(request("GET", "/v1/me", **signed)) == status
        login = {"username": MARK, "password": MARK}
        assert api.status(request("POST", "/v1/auth/login", login)) == status
        assert api.status(request("GET", "/readyz")) == 503
        assert len(api.lines) == 3
        assert_nothing_told(api)


def anybody(method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
    """The API for whatever token comes; odd where a project is called so."""
    if path.startswith("/v1/projects/odd/"):
        return answered({"actions": [{MARK: MARK}]})
    return control_plane(method, path, {**headers, "authorization": TOKEN}, body)


def quoting(_method: str, _path: str, headers: dict[str, str], body: Any) -> Answer:
    """A model's provider that quotes the key and the message that it refuses."""
    said = f"Wrong key {headers['authorization']} for {body}"
    return answered({"error": {"message": said}}, 401)


@contextmanager
def chatting(log: Path, **variables: str) -> Iterator[Worker]:
    with (
        http_server(anybody) as (api, _),
        working("ChatFunction", log, **{"CHAT_AGENT_API_URL": api, **variables}) as chat,
    ):
        yield chat


def say(project: str = "demo", **headers: str) -> dict[str, Any]:
    """A message to the chat."""
    signed = {"authorization": f"Bearer {MARK}", **headers}
    return request("POST", f"/v1/projects/{project}/chat", {"message": f"add 3 {MARK}"}, **signed)


def test_the_chat_tells_nothing_that_it_was_sent(log: Path) -> None:
    """Neither the message nor the token, when it is answered, refused, or fails."""
    path = f"/v1/projects/{MARK}/chat"
    with chatting(log) as chat:
        assert chat.status(say()) == 200
        assert chat.status(say(MARK)) == 404
        assert chat.status(say("odd")) == 500
        assert chat.status(say(authorization=MARK)) == 401
        assert chat.status(request("POST", path, MARK, authorization=f"Bearer {MARK}")) == 400
        assert chat.status(request("POST", f"/{MARK}", {}, authorization=f"Bearer {MARK}")) == 404
        assert len(chat.lines) == 6
        assert_nothing_told(chat)


@pytest.mark.parametrize("url", ["quoting", f"http://{MARK}:{MARK}@127.0.0.1:1/{MARK}"])
def test_the_chat_tells_nothing_of_its_model(log: Path, url: str) -> None:
    """Neither the key nor what the provider says of it, nor an address with a password in it."""
    with http_server(quoting) as (provider, _):
        found = provider if url == "quoting" else url
        with chatting(log, OPENAI_API_KEY=f"sk-{MARK}", OPENAI_BASE_URL=found) as chat:
            assert chat.status(say()) == 200
            assert chat.lines[0]["model_failures"] == 1
            assert_nothing_told(chat)


@pytest.mark.parametrize(
    ("function", "variable"),
    [
        ("ArchiveFunction", "CHAT_AGENT_ARCHIVER_DATABASE_URL"),
        ("TickFunction", "CHAT_AGENT_DATABASE_URL"),
        ("MigrateFunction", "CHAT_AGENT_OWNER_DATABASE_URL"),
    ],
)
@pytest.mark.parametrize("url", [NOWHERE, UNREADABLE])
def test_a_run_that_fails_tells_nothing_of_its_database(
    log: Path, function: str, variable: str, url: str
) -> None:
    """Lambda logs what a run raises: that has no text of the driver's either."""
    with working(function, log, **{variable: url}) as run:
        assert run({"admin_password": MARK}) == {"failed": True}
        assert [line["message"] for line in run.lines] == ["run"]
        assert run.lines[0]["error"]
        assert_nothing_told(run)


def test_the_first_admins_password_is_not_told(log: Path, database: Database) -> None:
    """It comes in the event that makes the first organization."""
    event = {"organization": "first", "admin_password": PASSWORD}
    with working("MigrateFunction", log, CHAT_AGENT_OWNER_DATABASE_URL=database.owner) as migrate:
        assert migrate(event)["result"]["made"] is True
        assert (migrate.lines[0]["schema"], migrate.lines[0]["made"]) == (SCHEMA_VERSION, True)
        assert_nothing_told(migrate)
