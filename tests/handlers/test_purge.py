"""Purging a project: out of reach at once, gone with the next archive run, but for a tombstone."""

import psycopg
import pytest
from control_plane.archive.bucket import Bucket
from control_plane.archive.lag import lag
from control_plane.archive.reader import Archive
from control_plane.archive.run import archive
from control_plane.errors import NotFound
from control_plane.execution import execute
from control_plane.identity import authenticate, target
from control_plane.models import Intent
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.store import Store

from tests.conftest import Database
from tests.handlers.people import HARBOR, People
from tests.s3 import S3

TICK = {"action": "checklist.tick", "inputs": {"item": "security_review"}}
PURGE = {"slug": "harbor"}
LEFT = {"idempotency_keys": 1, "erasures": 1}
"""Beside executions: the purge can be repeated, and the archive has to follow it."""


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    """A versioned bucket of this test's own."""
    return Bucket(s3.new_bucket())


def _counts(database: Database, project: str) -> dict[str, int]:
    """Rows by table that name a project."""
    tables = "SELECT table_name FROM information_schema.columns WHERE column_name = 'project_id'"
    with psycopg.connect(database.superuser) as connection:
        found = {}
        for [table] in connection.execute(tables).fetchall():
            query = f"SELECT count(*) FROM {table} WHERE project_id = %s"
            [[rows]] = connection.execute(query.encode(), [project]).fetchall()
            found[table] = rows
    return {table: rows for table, rows in found.items() if rows}


def test_a_purge_takes_the_slug_typed_back(people: People) -> None:
    """Another slug, or no admin, changes nothing; both refusals are on record."""
    wrong = people("admin", "POST", "/purge", {"slug": "demo"}).body
    assert [reason["code"] for reason in wrong["reasons"]] == ["wrong_slug"]
    lacking = people("operator", "POST", "/purge", PURGE).body
    assert [reason["code"] for reason in lacking["reasons"]] == ["role_required"]
    assert people("viewer", "GET", "/state").status == 200


def test_a_purged_project_is_there_for_nobody_but_as_a_tombstone(people: People) -> None:
    """Everything about it answers 404; an admin of the organization still sees that it was."""
    people.execute("operator", TICK)
    id = people("admin", "GET", "").body["id"]
    done = people("admin", "POST", "/purge", PURGE, **{"idempotency-key": "purge"}).body
    assert (done["action"], done["status"]) == ("project.purge", "success")
    for path in ("/state", "/executions", "/executions/1", "/registry", "/approvals", "/policy"):
        assert people("admin", "GET", path).status == 404
        assert people("operator", "GET", path).status == 404
    assert people.execute("admin", TICK).status == 404
    assert people("approver", "GET", "").status == 404
    tombstone = people("admin", "GET", f"/v1/projects/{id}").body
    assert (tombstone["status"], tombstone["seq"]) == ("purged", done["seq"])
    slugs = [item["slug"] for item in people("admin", "GET", "/v1/projects").body["items"]]
    assert "harbor" not in slugs
    again = people("admin", "POST", "/purge", PURGE, **{"idempotency-key": "purge"})
    assert again.body["execution_id"] == done["execution_id"]
    assert people("admin", "POST", "/purge", PURGE).status == 404


def test_its_slug_stays_taken(people: People) -> None:
    """Nobody takes a new project for the old one."""
    people("admin", "POST", "/purge", PURGE)
    made = people("admin", "POST", "/v1/projects", {"slug": "harbor", "template": "harbor"})
    assert made.status == 409


def test_nothing_else_is_left_in_the_database(
    people: People, database: Database, bucket: Bucket
) -> None:
    """At once all but the executions; those go with the next archive run, the purge's own stays."""
    people.execute("operator", {"action": "budget.set", "inputs": {"total": 550}})
    id = people("admin", "GET", "").body["id"]
    done = people("admin", "POST", "/purge", PURGE).body
    left = _counts(database, id)
    assert left == {"executions": done["seq"], **LEFT}
    archive(database.archiver, bucket, 90)
    assert _counts(database, id) == {"executions": 1, **LEFT}
    archive(database.archiver, bucket, 0)
    assert _counts(database, id) == {"executions": 1, **LEFT}
    assert people("viewer", "GET", f"{HARBOR}/state").status == 404
    assert lag(database.archiver, 0) == 0


def test_nothing_is_added_to_a_tombstone(people: People, database: Database) -> None:
    """Not by another purge, nor by what waited for the lock meanwhile, asked by an admin."""
    id = people("admin", "GET", "").body["id"]
    store, registries = Store(database.app), load_registries()
    waited = target(authenticate(store, people.tokens["admin"], "harbor"), registries)
    done = people("admin", "POST", "/purge", PURGE).body
    assert people("admin", "POST", "/purge", PURGE).status == 404
    for intent in (Intent("checklist.tick", {"item": "tests"}), Intent("project.pause", {})):
        with pytest.raises(NotFound):
            execute(store, Archive(store), waited, Request("execution", "r", [intent], None))
    assert _counts(database, id) == {
        "executions": done["seq"],
        "idempotency_keys": 1,
        "erasures": 1,
    }
    assert people("admin", "GET", f"/v1/projects/{id}").body["seq"] == done["seq"]


def test_a_purge_that_waits_for_approval_is_carried_out(
    people: People, database: Database, bucket: Bucket
) -> None:
    """The request goes with the project that it asked to remove; the purge itself stays."""
    policy = {"approvals": [{"actions": ["project.purge"], "required_role": "admin"}]}
    people("admin", "PUT", "/policy", policy)
    id = people("admin", "GET", "").body["id"]
    asked = people("admin", "POST", "/purge", PURGE)
    assert (asked.status, people("admin", "GET", "").status) == (202, 200)
    done = people.decide("approver", asked.body["approval"]["id"])
    assert (done.status, done.body["action"], done.body["status"]) == (
        200, "project.purge", "success",
    )  # fmt: skip
    assert people("admin", "GET", "/state").status == 404
    assert people("admin", "GET", "/v1/approvals").body["items"] == []
    assert _counts(database, id) == {
        "executions": done.body["seq"],
        "idempotency_keys": 1,
        "erasures": 1,
    }
    archive(database.archiver, bucket, 0)
    assert _counts(database, id) == {"executions": 1, **LEFT}


def test_a_purge_that_finds_a_new_declaration_leaves_no_state(
    people: People, database: Database
) -> None:
    """The state is brought to its declarations first, and goes with the rest."""
    id = people("admin", "GET", "").body["id"]
    with psycopg.connect(database.superuser) as connection:
        connection.execute("DELETE FROM components WHERE project_id = %s AND id = 'budget'", [id])
    done = people("admin", "POST", "/purge", PURGE).body
    assert _counts(database, id) == {
        "executions": done["seq"],
        "idempotency_keys": 1,
        "erasures": 1,
    }
