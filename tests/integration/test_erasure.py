"""Erasure: the value is gone, chain and state are unharmed; who, why and what is recorded."""

from typing import Any

import psycopg
import pytest
from control_plane import deciding, history, reading
from control_plane.archive.reader import Archive
from control_plane.checking import check_chain
from control_plane.errors import StateErased
from control_plane.models import Intent
from control_plane.registry import load_registries
from control_plane.registry.builtin import ERASE, MIGRATE, SET_POLICY, is_erasable

from tests.integration.conftest import ADD, Project

SECRET = "Erika Mustermann 4711"


def remember(value: Any, key: str = "k") -> Intent:
    return Intent("memory.remember", {"key": key, "value": value})


def forget(key: str = "k") -> Intent:
    return Intent("memory.forget", {"key": key})


def erasing(first: int, last: int) -> Intent:
    return Intent(ERASE, {"first_seq": first, "last_seq": last, "reason": "she asked"})


def erase(project: Project, first: int, last: int, **more: Any) -> Any:
    return project.execute(erasing(first, last), **more)


def codes(execution: Any) -> list[str]:
    return [reason["code"] for reason in execution["reasons"]]


def everything(project: Project) -> str:
    """Every row of every table, as text."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
    with psycopg.connect(project.database.superuser) as connection:
        names = [name for [name] in connection.execute(tables.encode()).fetchall()]
        texts = [f"SELECT string_agg(t::text, ' ') FROM {name} t" for name in names]
        return " ".join(str(connection.execute(text.encode()).fetchone()) for text in texts)


def state(project: Project, version: int) -> Any:
    return history.state_at_version(project.store, Archive(project.store), project.target, version)[
        "components"
    ]


def log(project: Project) -> dict[int, Any]:
    """The audit log by seq."""
    page = reading.executions(
        project.store, Archive(project.store), project.target, 200, None, **reading.ANY
    )
    return {item["seq"]: item for item in page["items"]}


@pytest.fixture
def told(project: Project) -> Any:
    """A secret was remembered and forgotten again: the first and the last execution about it."""
    project.execute(ADD)
    first = project.execute(remember(SECRET), request_id="telling")
    project.execute(ADD)
    project.execute(ADD)
    last = project.execute(forget())
    project.execute(ADD)
    return first, last


def test_no_row_holds_the_value_any_more(project: Project, told: Any) -> None:
    """At once and in every table: payloads, keys, checkpoints, whatever there is."""
    first, last = told
    assert SECRET in everything(project)
    done = erase(project, first["seq"], last["seq"])
    assert (done["status"], done["version"], done["diff"]) == ("success", last["version"] + 2, [])
    assert SECRET not in everything(project)


def test_checkpoints_and_messages_that_hold_it_go(project: Project) -> None:
    """A state in between was kept for reading, a message waited to be delivered."""
    first = project.execute(remember(SECRET))
    for _ in range(64):
        project.execute(ADD)
    last = project.execute(forget())
    project.superuser(
        "INSERT INTO outbox (id, org_id, project_id, seq, topic, body, at, next_at) VALUES"
        f" (gen_random_uuid(), '{project.target.org}', '{project.target.project}',"
        f" {first['seq']}, 't', '\"{SECRET}\"', now(), now())"
    )
    kept = project.rows("SELECT state FROM checkpoints WHERE project_id = %s")
    assert any(SECRET in row["state"] for row in kept)
    project.execute(ADD)
    assert erase(project, first["seq"], last["seq"])["status"] == "success"
    assert SECRET not in everything(project)
    assert state(project, last["version"])["demo.counter"] == {"value": 64}


def test_database_and_code_agree_on_what_keeps_its_payload(project: Project) -> None:
    """Live rows are erased by the one, archived lines by the other."""
    registries = load_registries().values()
    declared = {action.id for registry in registries for action in registry.actions.values()}
    assert is_erasable(MIGRATE)
    for action in declared | {MIGRATE, "project.create", "project.restore"}:
        [row] = project.rows(f"SELECT erasable('{action}') AS erased, %s AS project")
        assert row["erased"] == is_erasable(action), action


def test_who_why_and_what_is_recorded(project: Project, told: Any) -> None:
    """In the project's own chain, with its effect; the record can't be erased itself."""
    first, last = told
    done = erase(project, first["seq"], last["seq"])
    kept = log(project)[done["seq"]]
    assert kept["username"] == "admin"
    assert kept["inputs"] == {
        "first_seq": first["seq"],
        "last_seq": last["seq"],
        "reason": "she asked",
    }
    assert codes(erase(project, done["seq"], done["seq"])) == ["nothing_to_erase"]
    [row] = project.rows("SELECT * FROM erasures WHERE project_id = %s")
    assert (row["seq"], row["first_version"], row["last_version"]) == (
        done["seq"], first["version"], last["version"],
    )  # fmt: skip


def test_records_and_hashes_stay(project: Project, told: Any) -> None:
    """The chain verifies; the log shows what was erased as that, and all else as before."""
    before = log(project)
    first, last = told
    done = erase(project, first["seq"], last["seq"])
    assert check_chain(project.store, project.target)["verified"]
    after = log(project)
    del after[done["seq"]]
    assert {seq: item["hash"] for seq, item in after.items()} == {
        seq: item["hash"] for seq, item in before.items()
    }
    erased = {seq for seq, item in after.items() if item.get("erased")}
    assert erased == set(range(first["seq"], last["seq"] + 1))
    assert all(after[seq] == before[seq] for seq in after.keys() - erased)
    one = reading.execution(project.store, Archive(project.store), project.target, first["seq"])
    assert one["erased"] is True
    assert not one.keys() & {"inputs", "diff"}


def test_erased_versions_are_gone_and_all_others_stay(project: Project, told: Any) -> None:
    """State before the range and from its end on reads as before; reverting goes there, too."""
    first, last = told
    newest = reading.state(project.store, project.target)["version"]
    gone = range(first["version"], last["version"])
    there = [v for v in range(newest + 1) if v not in gone]
    before = {version: state(project, version) for version in there}
    erase(project, first["seq"], last["seq"])
    assert {version: state(project, version) for version in there} == before
    for version in gone:
        with pytest.raises(StateErased):
            state(project, version)
        assert codes(project.execute(Intent("project.revert", {"version": version}))) == [
            "state_erased"
        ]
    assert project.execute(Intent("project.revert", {"version": last["version"]}))["version"]


def test_a_repeated_request_is_answered_and_not_run_again(project: Project, told: Any) -> None:
    """The key stays, without what it answered."""
    first, last = told
    erase(project, first["seq"], last["seq"], request_id="erasing")
    again = project.execute(remember(SECRET), request_id="telling")
    assert (again["seq"], again["hash"], again["erased"]) == (first["seq"], first["hash"], True)
    assert erase(project, first["seq"], last["seq"], request_id="erasing")["status"] == "success"
    assert SECRET not in everything(project)


def test_a_plans_answer_goes_too(project: Project) -> None:
    """Its key answers all of its steps."""
    steps = [remember(SECRET), forget()]
    digest = project.preview(*steps)["digest"]
    done = project.plan(steps, digest, "plan")
    first, last = (each["seq"] for each in done["executions"])
    assert erase(project, first, last)["status"] == "success"
    assert SECRET not in everything(project)
    again = project.plan(steps, digest, "plan")
    assert [each["erased"] for each in again["executions"]] == [True, True]


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(5, 4, "unknown_range"), (1, 999, "unknown_range"), (1, 1001, "range_too_large")],
)
def test_a_range_that_is_not_there_is_refused(
    project: Project, first: int, last: int, code: str
) -> None:
    """Nothing is erased, and the refusal is on record."""
    assert codes(erase(project, first, last)) == [code]


@pytest.mark.parametrize("removal", ["none", "outside"])
def test_a_value_that_is_still_in_the_state_is_refused(project: Project, removal: str) -> None:
    """Remove it first, and erase up to the execution that did: its `before` holds it as well."""
    first = project.execute(remember(SECRET))
    last = project.execute(forget()) if removal == "outside" else first
    refused = erase(project, first["seq"], first["seq"])
    assert codes(refused) == ["still_in_state"]
    assert (refused["reasons"][0]["component"], refused["reasons"][0]["version"]) == (
        "memory", first["version"],
    )  # fmt: skip
    assert SECRET in everything(project)
    if removal == "outside":
        assert erase(project, first["seq"], last["seq"])["status"] == "success"


def test_a_copy_elsewhere_in_the_state_is_found(project: Project) -> None:
    """A text that was new with the range may be nowhere in the state, wherever it was copied."""
    first = project.execute(remember(SECRET))
    last = project.execute(forget())
    project.execute(remember({"note": ["of", SECRET]}, key="other"))
    assert codes(erase(project, first["seq"], last["seq"])) == ["still_in_state"]


def test_what_took_the_values_place_may_stay(project: Project) -> None:
    """To overwrite a value is to remove it."""
    first = project.execute(Intent("demo.counter.set", {"value": 471_100_815}))
    last = project.execute(Intent("demo.counter.set", {"value": 5}))
    assert erase(project, first["seq"], last["seq"])["status"] == "success"
    assert "471100815" not in everything(project)
    assert project.value() == 5


def test_what_still_waits_is_refused(project: Project) -> None:
    """Its request needs the inputs; once it is withdrawn they can go, the request's own too."""
    rule = {
        "id": "ask",
        "condition": 'action.id == "memory.remember"',
        "effect": "require_approval",
    }
    project.execute(Intent(SET_POLICY, {"document": {"rules": [rule]}}))
    waiting = project.execute(remember(SECRET))
    assert waiting["status"] == "pending_approval"
    refused = erase(project, waiting["seq"], waiting["seq"])
    assert [reason["about"] for reason in refused["reasons"]] == [waiting["seq"]]
    withdrawn = (Archive(project.store), project.target, waiting["approval"]["id"], "withdraw")
    closed = deciding.withdraw(project.store, *withdrawn)
    assert codes(closed) == ["approval_withdrawn"]
    assert erase(project, waiting["seq"], closed["seq"])["status"] == "success"
    assert SECRET not in everything(project)


def test_administration_keeps_what_a_restore_needs(project: Project) -> None:
    """A policy within the range stays readable: it holds nobody's data, and restores need it."""
    first = project.execute(remember(SECRET))
    policy = project.execute(Intent(SET_POLICY, {"document": {}}))
    last = project.execute(forget())
    erase(project, first["seq"], last["seq"])
    assert log(project)[policy["seq"]]["inputs"] == {"document": {}}
    assert SECRET not in everything(project)


def test_ranges_that_overlap(project: Project) -> None:
    """A later erasure may reach into an earlier one; it ends where the state is known."""
    seqs = [project.execute(remember(f"{SECRET} {n}"))["seq"] for n in range(5)]
    seqs.append(project.execute(forget())["seq"])
    project.execute(ADD)
    assert erase(project, seqs[2], seqs[5])["status"] == "success"
    assert codes(erase(project, seqs[0], seqs[3])) == ["state_erased"]
    assert erase(project, seqs[0], seqs[5])["status"] == "success"
    assert SECRET not in everything(project)
    assert check_chain(project.store, project.target)["verified"]


def test_no_payload_goes_without_an_execution_that_says_so(project: Project) -> None:
    """The application's own login can't erase on the quiet, nor in another tenant."""
    project.execute(remember(SECRET))
    forged = '{"seq": 99, "first_seq": 1, "last_seq": 5}'

    def quietly(org: str) -> None:
        with psycopg.connect(project.database.app) as connection:
            connection.execute("SELECT set_config('app.org', %s, true)", [org])
            connection.execute(
                "SELECT erase_payloads(%s, now(), %s)", [project.target.project, forged]
            )

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        quietly(project.target.org)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        quietly("00000000-0000-0000-0000-000000000000")
    assert SECRET in everything(project)


def test_it_holds_with_approvals(project: Project, told: Any) -> None:
    """A policy may ask for a second person; until then nothing is erased."""
    policy = {"approvals": [{"actions": [ERASE], "required_role": "admin"}]}
    project.execute(Intent(SET_POLICY, {"document": policy}))
    first, last = told
    assert erase(project, first["seq"], last["seq"])["status"] == "pending_approval"
    assert SECRET in everything(project)
