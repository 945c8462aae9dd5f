"""`GET …/audit/verify`: the chain in the database, in steps, and what it left out."""

from typing import Any

import psycopg
import pytest
from control_plane import checking
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive

from tests.conftest import Database
from tests.handlers.people import People
from tests.s3 import S3

TICKS = ("security_review", "tests", "no_such_item", "release_notes")


@pytest.fixture
def busy(people: People) -> People:
    """Project Harbor with a dozen executions, refused ones among them."""
    for number in range(12):
        step = {"action": "checklist.tick", "inputs": {"item": TICKS[number % 4]}}
        people.execute("operator", step)
    return people


def check(people: People, query: str = "", who: str = "viewer") -> dict[str, Any]:
    """What the route answers."""
    answer = people(who, "GET", f"/audit/verify{query}")
    assert answer.status == 200, answer.body
    body: dict[str, Any] = answer.body
    return body


def head(people: People) -> int:
    """The seq of the last execution."""
    items = people("admin", "GET", "/executions?limit=1").body["items"]
    return int(items[0]["seq"])


def change(database: Database, statement: str) -> None:
    """Change Harbor's rows as only a superuser can."""
    harbor = "project_id = (SELECT id FROM projects WHERE slug = 'harbor')"
    with psycopg.connect(database.superuser) as connection:
        assert connection.execute(f"{statement} AND {harbor}".encode()).rowcount > 0


def test_a_whole_chain_is_checked_by_any_member(busy: People) -> None:
    """From the first execution to the head, with what was not looked at."""
    found = check(busy)
    last = head(busy)
    assert (found["verified"], found["finding"], found["next_from_seq"]) == (True, None, None)
    assert (found["first_seq"], found["last_seq"], found["rows"]) == (1, last, last)
    assert found["head"]["seq"] == last
    assert str(found["checked"]).startswith(f"Executions 1 to {last}, in the database")
    assert found["not_checked"] == [
        "The anchors and the stored state: `chat-agent audit verify` reads them, and the archive."
    ]


def test_it_goes_on_where_it_ended(busy: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call looks at so many rows, or bytes, and names the next; together they look at all."""
    for limit in ("MAX_ROWS", "MAX_BYTES"):
        with monkeypatch.context() as patched:
            patched.setattr(checking, limit, 5)
            seqs, following = 0, 1
            while following:
                found = check(busy, f"?from_seq={following}")
                assert found["verified"], found
                assert found["first_seq"] == following
                seqs += found["rows"]
                following = found["next_from_seq"]
            assert seqs == head(busy)


def test_the_link_to_the_archive_is_checked_and_the_archive_is_not(
    busy: People, database: Database, s3: S3
) -> None:
    """What is archived is said to be left out; all archived, there is nothing left to look at."""
    archive(database.archiver, Bucket(s3.new_bucket()), 0)
    border = head(busy)
    found = check(busy)
    assert (found["verified"], found["rows"], found["checked"]) == (True, 0, "No execution.")
    assert found["archived"]["seq"] == border
    busy.execute("operator", {"action": "checklist.tick", "inputs": {"item": "tests"}})
    found = check(busy)
    assert (found["verified"], found["first_seq"], found["rows"]) == (True, border + 1, 1)
    assert found["not_checked"][0] == f"Executions 1 to {border}, which are archived."
    change(database, "UPDATE archive_ranges SET head_hash = repeat('1', 64) WHERE true")
    broken = check(busy)
    assert broken["verified"] is False
    assert broken["finding"]["seq"] == border + 1


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        (
            "UPDATE executions SET record = replace(record, 'cost', 'coat') WHERE seq = 7",
            7,
        ),
        ("UPDATE executions SET payload = payload || ' ' WHERE seq = 5", 5),
        ("UPDATE executions SET hash = repeat('0', 64) WHERE seq = 1", 1),
        ("UPDATE executions SET action = 'x' WHERE seq = 8", 8),
        ("DELETE FROM executions WHERE seq = 6", 6),
        ("DELETE FROM executions WHERE seq >= 9", 9),
        ("DELETE FROM executions WHERE seq >= 1", 1),
    ],
)
def test_what_is_altered_or_missing_is_named(
    busy: People, database: Database, statement: str, seq: int
) -> None:
    """The first of them, by project and seq, wherever one begins to look."""
    change(database, statement)
    found = check(busy)
    assert (found["verified"], found["finding"]["seq"]) == (False, seq)
    assert found["next_from_seq"] is None
    assert found["finding"]["project"] == found["project"]


def test_where_one_begins_is_linked_to_the_one_before(busy: People, database: Database) -> None:
    """Beginning in the middle, the execution before it must be there; beyond the end is nothing."""
    found = check(busy, "?from_seq=6")
    assert (found["verified"], found["first_seq"]) == (True, 6)
    assert found["not_checked"][0] == "Executions 1 to 5, before from_seq."
    beyond = check(busy, "?from_seq=1000")
    assert (beyond["verified"], beyond["rows"], beyond["next_from_seq"]) == (True, 0, None)
    change(database, "DELETE FROM executions WHERE seq = 5")
    assert check(busy, "?from_seq=6")["finding"]["seq"] == 5


def test_a_seq_that_is_none_is_refused(busy: People) -> None:
    """Seqs begin at 1."""
    assert busy("viewer", "GET", "/audit/verify?from_seq=0").status == 422
