"""The writing path: strict order, two trips, one transaction, nothing twice, nothing lost."""

import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from copy import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from control_plane import execution, people
from control_plane.archive.reader import Archive
from control_plane.audit import Asking
from control_plane.engine.decide import decide
from control_plane.errors import ConfirmationStale, IdempotencyConflict, Unavailable
from control_plane.journal import CHECKPOINT_EVERY, Journal
from control_plane.loading import context_of
from control_plane.models import Intent, Message, Principal
from control_plane.registry import (
    Changed,
    Handler,
    Registry,
    State,
    Template,
    View,
    load_registries,
)
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.store.writing import Asked, writing
from control_plane.watch import HANDLER_LIMIT_S

from tests.integration.conftest import ADD, Project, SetClock, sign_in
from tests.unit.test_policy_gates import preparing

SET = Intent("demo.counter.set", {"value": 5})
RESET = Intent("demo.counter.reset", {})


def asked(project: Project) -> Asked:
    """What trip 1 asks for."""
    target = project.target
    return Asked(target.org, target.project, target.principal, None, [])


def test_a_waiter_sees_what_the_holder_committed(project: Project) -> None:
    """Whoever gets the lock reads the state as the one before left it, never an older one.

    Fails under REPEATABLE READ, and when lock and read share a snapshot.
    """
    seen: list[int] = []
    waiter_store = Store(project.database.app)

    def wait() -> None:
        with writing(waiter_store, asked(project)) as waiter:
            seen.append(waiter.loaded.head["seq"])

    with writing(project.store, asked(project)) as holder:
        thread = threading.Thread(target=wait)
        thread.start()
        _until_somebody_waits(project)
        journal = Journal(context_of(project.target, holder.loaded))
        decision = decide(ADD, journal.context, confirmed=False)
        journal.append(decision, Asking(project.target.principal, "r", "test"))
        holder.commit(journal.batch())
    thread.join(10)
    assert seen == [journal.context.seq]


def _until_somebody_waits(project: Project) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND %s <> ''"
    for _ in range(500):
        if project.rows(waiting):
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the lock")


def test_an_execution_takes_two_trips(project: Project, tmp_path: Path) -> None:
    """From BEGIN to the acknowledged COMMIT, the client sends two messages."""
    project.execute(ADD)
    trace = tmp_path / "trace"
    with project.store.connection() as connection, trace.open("w") as file:
        connection.pgconn.trace(file.fileno())
        project.execute(ADD)
        connection.pgconn.untrace()
    sent = [line for line in trace.read_text().splitlines() if "\tF\t" in line]
    assert len(sent) == 2
    assert all("Query" in line for line in sent)


def test_writing_looks_at_no_execution_again(project: Project) -> None:
    """What an execution costs can't depend on how many there were, not even at checkpoints."""
    project.store.disconnect()  # what this connection plans, it plans anew
    before = _looks_at_executions(project)
    for _ in range(CHECKPOINT_EVERY):
        project.execute(ADD)
    assert project.rows("SELECT seq FROM checkpoints WHERE project_id = %s")
    assert _looks_at_executions(project) == before


def _looks_at_executions(project: Project) -> int:
    """Scans of the table or an index of it, by connections that have ended."""
    with project.store.connection() as connection:
        backend = connection.info.backend_pid
    project.store.disconnect()
    still_there = f"SELECT 1 FROM pg_stat_activity WHERE pid = {backend} AND %s <> ''"
    while project.rows(still_there):
        time.sleep(0.01)
    [counted] = project.rows(
        "SELECT seq_scan + idx_scan AS scans FROM pg_stat_user_tables"
        " WHERE relname = 'executions' AND %s <> ''"
    )
    return int(counted["scans"])


FREEZER = """
import sys, time
from control_plane.models import Principal
from control_plane.store import Store
from control_plane.store.writing import Asked, writing
from control_plane.watch import HANDLER_LIMIT_S
url, org, project = sys.argv[1:]
principal = Principal("user", "x", org, "session")
with writing(Store(url), Asked(org, project, principal, None, [])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.mark.timeout(60)
def test_a_client_frozen_inside_the_transaction_loses_its_lock(project: Project) -> None:
    """A stopped process holds its project for the idle timeout of 8 s, and no longer."""
    arguments = [project.database.app, project.target.org, project.target.project]
    with subprocess.Popen(
        [sys.executable, "-c", FREEZER, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        assert project.execute(ADD)["status"] == "success"
        assert 1 < time.monotonic() - started < 15
        process.kill()


def test_the_timeouts_stand_in_their_order(project: Project) -> None:
    """lock < statement < idle <= 2 x lock < transaction < the Lambda's 28 s."""
    names = (
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "transaction_timeout",
    )
    with psycopg.connect(project.database.app) as connection:
        rows = connection.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name = ANY (%s)", [list(names)]
        )
        milliseconds: dict[str, int] = dict(rows.fetchall())
    lock, statement, idle, transaction = (milliseconds[name] for name in names)
    assert 0 < lock < statement < idle <= 2 * lock < transaction < 28_000


def test_the_head_moves_only_from_where_it_was_read(project: Project) -> None:
    """Without the lock, the second of two batches from one head is refused."""
    with writing(project.store, asked(project)) as transaction:
        loaded = transaction.loaded
        for id in ("a", "b"):
            journal = Journal(context_of(project.target, loaded))
            decision = decide(ADD, journal.context, confirmed=False)
            journal.append(decision, Asking(project.target.principal, id, "test"))
            if id == "a":
                transaction.commit(journal.batch())
    with (
        writing(project.store, asked(project)) as late,
        pytest.raises(psycopg.errors.SerializationFailure),
    ):
        late.commit(journal.batch())
    assert project.value() == 1


def test_eight_writers_lose_nothing(project: Project) -> None:
    """200 increments from 8 threads: the counter is 200, seq and version have no gap."""

    def work(name: int) -> None:
        store = Store(project.database.app)
        for number in range(25):
            request = Request("execution", f"{name}-{number}", [ADD], None)
            execution.execute(store, Archive(store), project.target, request)

    threads = [threading.Thread(target=work, args=[name]) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert project.value() == 200
    rows = project.executions()
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(one["at"] <= next["at"] for one, next in itertools.pairwise(rows))


def test_the_same_request_is_answered_the_same_and_runs_once(project: Project) -> None:
    """A retry gets the first answer, whatever happened since."""
    first = project.execute(ADD, request_id="once")
    project.execute(SET)
    assert project.execute(ADD, request_id="once") == first
    assert project.value() == 5


def test_the_same_key_for_another_request_is_refused(project: Project) -> None:
    """A key stands for one request: another body, or a plan's step, is a conflict."""
    project.execute(ADD, request_id="key")
    project.execute(SET, ADD, request_id="plan")
    for intent, key in ((SET, "key"), (ADD, "plan"), (ADD, "plan/1")):
        with pytest.raises(IdempotencyConflict):
            project.execute(intent, request_id=key)
    with pytest.raises(IdempotencyConflict):
        project.execute(ADD, ADD, request_id="key")


def test_keys_belong_to_one_principal(project: Project) -> None:
    """Another principal's request of the same name is another request."""
    project.execute(ADD, request_id="mine")
    other = sign_in(project.store)
    second = people.create_user(project.store, load_registries(), other.org, "b", "b" * 12)
    person = Principal("user", second["inputs"]["user"], second["inputs"]["user"], "session")
    project.superuser("UPDATE users SET admin = true WHERE username = 'b'")
    another = Project(project.store, replace(other, principal=person), project.database)
    another.execute(ADD, request_id="mine")
    assert project.value() == 2


@pytest.mark.parametrize("key", ['"', "a\\", "{a,b}", "NULL", "it's", ",", '"},{"'])
def test_a_request_id_may_look_like_anything(project: Project, key: str) -> None:
    """It is found again as it was given, alone and as a plan's."""
    first = project.execute(ADD, request_id=key)
    assert project.execute(ADD, request_id=key) == first
    digest, id = project.preview(SET, ADD)["digest"], f"{key} as a plan"
    plan = project.execute(SET, ADD, confirm=digest, request_id=id)
    assert project.execute(SET, ADD, confirm=digest, request_id=id) == plan
    assert project.value() == 6


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE projects SET slug = 'Not a slug'",
        "UPDATE projects SET slug = '01a20fda-ed40-7fcd-b327-136f4a517f94'",
        "UPDATE projects SET status = 'gone'",
        "UPDATE executions SET status = 'maybe'",
        "SELECT record(org_id, project_id, at, seq + 1, NULL, id, request_id, principal_id,"
        " owner_id, action, 'success', hash, salt, payload, record, NULL, NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) FROM executions",
        "SELECT record(org_id, project_id, at, seq + 1, version + 1, id, request_id, principal_id,"
        " owner_id, action, 'success', hash, NULL, payload, record, NULL, NULL, NULL, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) FROM executions",
    ],
)
def test_what_contradicts_itself_is_not_stored(project: Project, damage: str) -> None:
    """The database refuses it, whoever asks."""
    project.execute(ADD)
    with pytest.raises(psycopg.errors.CheckViolation):
        project.superuser(damage)


class CuttingProxy:
    """A TCP proxy that can swallow the server's answer to the next COMMIT and cut the line."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
        self.armed = False
        self.cuts = 0
        self._swallowed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        threading.Thread(target=self._back, args=(server, client), daemon=True).start()
        while data := client.recv(65536):
            server.sendall(data)
            if self.armed and b"SELECT record(" in data:
                self._await_commit()
                self.armed, self.cuts = False, self.cuts + 1
                self._swallowed.clear()
                break
        client.close()
        server.close()

    def _await_commit(self) -> None:
        assert self._swallowed.wait(10)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                if self.armed and b"COMMIT" in data:
                    self._swallowed.set()
                else:
                    client.sendall(data)
        except OSError:
            return

    def close(self) -> None:
        """Accept nobody any more."""
        self._listener.close()


@pytest.fixture
def proxy(project: Project) -> Iterator[CuttingProxy]:
    with closing(CuttingProxy(project.database.app)) as proxy:
        yield proxy


def test_a_connection_cut_at_commit_neither_loses_nor_doubles(
    project: Project, proxy: CuttingProxy
) -> None:
    """The answer to COMMIT is lost: the retry finds the key and answers what was committed."""
    store = Store(proxy.url)
    for number in range(5):
        proxy.armed = True
        request = Request("execution", f"cut-{number}", [ADD], None)
        answer = execution.execute(store, Archive(store), project.target, request)
        assert answer["status"] == "success"
    assert proxy.cuts == 5
    assert project.value() == 5


def test_a_killed_backend_is_replaced_and_asked_again(project: Project) -> None:
    """An idle connection that the server closed is no error of the caller's."""
    project.execute(ADD)
    project.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'chat_agent_app' AND datname = current_database() AND %s <> ''"
    )
    assert project.execute(ADD)["status"] == "success"
    assert project.value() == 2


def test_nothing_is_begun_that_could_outlive_the_request(project: Project) -> None:
    """With less time left than a statement may take, nothing is tried."""
    project.store.limit_time(5)
    with pytest.raises(Unavailable):
        project.execute(ADD)
    project.store.limit_time(100)
    assert project.value() == 0


class Number(State):
    """A component that looks like the demo's."""

    value: int


def declaring(project: Project, handler: Handler, **declared: Any) -> Project:
    """The project with one action `demo.do` that runs `handler`."""
    template = Template("tests")
    template.component("demo.counter", Number, {"value": 0}, title="Counter")
    template.action("demo.do", changes="/demo.counter/value", title="Do", **declared)(handler)
    target = replace(project.target, registry=Registry(template))
    return Project(project.store, target, project.database)


@pytest.mark.parametrize(
    ("seconds", "limit"), [(0.2, 0.1), (8.6, HANDLER_LIMIT_S)], ids=["late", "cut off"]
)
def test_a_slow_handler_is_recorded_once_as_failed(
    project: Project, monkeypatch: pytest.MonkeyPatch, seconds: float, limit: float
) -> None:
    """A handler that outlives its time ran once, changed nothing, and left one execution.

    Also where the server has meanwhile ended the idle transaction, after 8 s.
    """
    runs = []

    def wait(_: View) -> Changed:
        runs.append(1)
        time.sleep(seconds)
        return {"demo.counter": {"value": 1}}

    monkeypatch.setattr("control_plane.watch.HANDLER_LIMIT_S", limit)
    slow = declaring(project, wait)
    answer = slow.execute(Intent("demo.do", {}), request_id="slow")
    assert (answer["status"], answer["reasons"]) == ("failed", [{"code": "handler_timeout"}])
    assert slow.execute(Intent("demo.do", {}), request_id="slow") == answer
    assert (runs, project.value()) == ([1], 0)


def test_the_search_for_unlocks_does_not_hold_a_preview_up(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty simulations of a slow handler would take as many times its time."""
    ran: list[int] = []
    target = replace(project.target, registry=Registry(preparing(ran, 0.1)))
    monkeypatch.setattr("control_plane.execution.SEARCH_LIMIT_S", 0.2)
    desk = Project(project.store, target, project.database)
    assert desk.preview(Intent("box.ship", {}))["unlocks"] == []
    assert 0 < len(ran) <= 3


def test_messages_commit_with_the_state_or_not_at_all(project: Project) -> None:
    """An outbox row is there exactly when its execution is a success."""

    def set_value(_: View, value: int) -> Changed:
        return {"demo.counter": {"value": value}}

    def tell(value: int) -> list[Message]:
        return [Message("counter.set", {"value": value})]

    telling = declaring(project, set_value, messages=tell)
    [step] = telling.preview(Intent("demo.do", {"value": 7}))["steps"]
    assert step["messages"] == [{"topic": "counter.set", "body": {"value": 7}}]
    done = telling.execute(Intent("demo.do", {"value": 7}))
    telling.execute(Intent("demo.do", {"value": "x"}))
    [row] = project.rows("SELECT seq, topic, body FROM outbox WHERE project_id = %s")
    assert row == {"seq": done["seq"], "topic": "counter.set", "body": '{"value":7}'}


def test_time_never_goes_back(project: Project, set_clock: SetClock) -> None:
    """When the clock is set back, executions keep the project's last moment."""
    set_clock("timestamptz '2030-01-01 00:00:00.5+00'")
    later = project.execute(ADD)
    set_clock("timestamptz '2020-01-01 00:00:00+00'")
    assert project.execute(ADD)["at"] == later["at"] == "2030-01-01T00:00:00.500000Z"


def test_a_confirmation_holds_while_other_state_moves(project: Project) -> None:
    """What was previewed is what happens, whatever else changed."""
    preview = project.preview(RESET)
    project.execute(Intent("memory.remember", {"key": "a", "value": 1}))
    done = project.execute(RESET, confirm=preview["digest"])
    assert done["status"] == "success"
    assert done["diff"] == preview["steps"][0]["diff"]
    assert done["preview"] == preview["digest"]


def test_a_stale_confirmation_changes_nothing_and_shows_the_new_preview(project: Project) -> None:
    """When a touched value has moved, the answer is what would happen now."""
    preview = project.preview(SET)
    project.execute(ADD)
    with pytest.raises(ConfirmationStale) as stale:
        project.execute(SET, confirm=preview["digest"], request_id="stale")
    fresh = stale.value.members["preview"]
    assert fresh["steps"][0]["diff"][0]["before"] == 1
    assert project.value() == 1
    last = project.executions()[-1]
    assert (last["status"], last["request_id"]) == ("rejected", "stale")
    with pytest.raises(ConfirmationStale) as again:
        project.execute(SET, confirm=preview["digest"], request_id="stale")
    assert again.value.members == stale.value.members
    assert project.execute(SET, confirm=fresh["digest"])["status"] == "success"


def test_a_plan_commits_whole_or_not_at_all(project: Project) -> None:
    """A plan whose world moved commits no step; confirmed anew, it commits all."""
    preview = project.preview(SET, ADD)
    project.execute(ADD)
    with pytest.raises(ConfirmationStale) as stale:
        project.execute(SET, ADD, confirm=preview["digest"])
    assert project.value() == 1
    fresh = stale.value.members["preview"]["digest"]
    done = project.execute(SET, ADD, confirm=fresh, request_id="plan")
    assert [step["request_id"] for step in done["executions"]] == ["plan/1", "plan/2"]
    assert done["executions"][1]["plan"] == {"id": "plan", "step": 2, "of": 2}
    assert project.value() == 6


def test_a_plan_with_a_predicted_refusal_commits_what_was_predicted(project: Project) -> None:
    """What was confirmed happens: the successes before the first non-success, and that one."""
    wrong = Intent("demo.counter.set", {"value": "x"})
    done = project.execute(SET, wrong, ADD)
    assert [step["status"] for step in done["executions"]] == ["success", "rejected"]
    assert done["status"] == "rejected"
    assert project.value() == 5


def test_a_refusal_is_recorded_and_changes_nothing(project: Project) -> None:
    """Every ask leaves an execution in the chain."""
    before = project.executions()
    refused = project.execute(RESET)
    assert refused["reasons"] == [{"code": "confirmation_required"}]
    after = project.executions()
    assert len(after) == len(before) + 1
    assert "version" not in refused
    assert after[-1]["version"] is None


def test_a_preview_stores_nothing(project: Project) -> None:
    """Looking ahead leaves no trace."""
    before = project.rows("SELECT * FROM projects WHERE id = %s")
    project.preview(SET, ADD, RESET)
    assert project.rows("SELECT * FROM projects WHERE id = %s") == before


def test_a_slow_step_of_a_plan_is_the_one_on_record(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record names the step whose code took too long, and nothing of the plan is committed."""
    template = Template("tests")
    template.component("demo.counter", Number, {"value": 0}, title="Counter")

    @template.action("quick.do", changes="/demo.counter/value", title="Quick")
    def quick(_: View) -> Changed:
        return {"demo.counter": {"value": 1}}

    @template.action("slow.do", changes="/demo.counter/value", title="Slow")
    def slow(_: View) -> Changed:
        time.sleep(0.3)
        return {"demo.counter": {"value": 2}}

    target = replace(project.target, registry=Registry(template))
    desk = Project(project.store, target, project.database)
    intents = [Intent("quick.do", {}), Intent("slow.do", {})]
    digest = desk.preview(*intents)["digest"]
    monkeypatch.setattr("control_plane.watch.HANDLER_LIMIT_S", 0.2)
    [failed] = desk.plan(intents, digest)["executions"]
    assert (failed["action"], failed["status"]) == ("slow.do", "failed")
    assert failed["plan"]["step"] == 2
    assert failed["component_versions"] == {"demo.counter": 1}
    assert project.value() == 0


def test_a_migration_that_takes_too_long_is_tried_once_and_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction would be lost each time: the answer says what to do, and nothing changes."""
    tried = []

    def slow(state: dict[str, Any]) -> dict[str, Any]:
        tried.append(state)
        time.sleep(0.3)
        return state

    template = Template("tests")
    template.component(
        "demo.counter",
        Number,
        {"value": 0},
        title="Counter",
        schema_version=2,
        migrations={1: slow},
    )
    desk = Project(
        project.store, replace(project.target, registry=Registry(template)), project.database
    )
    before = project.executions()
    monkeypatch.setattr("control_plane.watch.HANDLER_LIMIT_S", 0.2)
    with pytest.raises(Unavailable, match="Make them faster"):
        desk.execute(ADD)
    assert len(tried) == 1
    assert project.executions() == before
