"""Purging a project: out of reach at once, gone with the next archive run, but for a tombstone."""

import psycopg
import pytest
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive

from tests.conftest import Database
from tests.handlers.people import HARBOR, People
from tests.s3 import S3

TICK = {"action": "checklist.tick", "inputs": {"item": "security_review"}}
PURGE = {"slug": "harbor"}


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
    another = people("admin", "POST", "/purge", PURGE).body
    assert "project_purged" in [reason["code"] for reason in another["reasons"]]


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
    assert left == {"executions": done["seq"], "idempotency_keys": 1}
    archive(database.archiver, bucket, 90)
    assert _counts(database, id) == {"executions": 1, "idempotency_keys": 1}
    archive(database.archiver, bucket, 0)
    assert _counts(database, id) == {"executions": 1, "idempotency_keys": 1}
    assert people("viewer", "GET", f"{HARBOR}/state").status == 404
