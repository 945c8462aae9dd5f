"""The stored row, the API's answer and the archived line are one thing: the same texts and hash."""

import gzip
from typing import Any

import orjson
import psycopg
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive
from control_plane.canonical import canonical, sha256
from control_plane.proof.answer import payload_text, record_text
from control_plane.proof.line import check_texts, read_line
from psycopg.rows import dict_row

from tests.conftest import Database
from tests.evidence import fetched
from tests.handlers.people import People
from tests.s3 import S3

PERSONAL = {
    "id": "team",
    "description": "Reads who asks.",
    "condition": 'action.id == "budget.spend" && principal.attributes.team == "b"',
    "effect": "reject",
    "message": "Not your team's.",
}


def of_every_kind(people: People) -> None:
    """Executions with plans, approvals, refusals, reverts, facts, personal ones, any text."""
    tick = {"action": "checklist.tick", "inputs": {"item": "security_review"}}
    people.execute("operator", tick)
    steps = [{"action": "release.freeze", "inputs": {}}]
    preview = people("operator", "POST", "/previews", {"steps": steps}).body
    people("operator", "POST", "/plans", {"steps": steps, "confirm": preview["digest"]})
    asked = people.execute("operator", {"action": "budget.set", "inputs": {"total": 550}})
    people.decide("approver", asked.body["approval"]["id"], comment="weil’s nötig ist 😀")
    people.execute("viewer", tick)
    people.execute("operator", {"action": "no.such.action", "inputs": {"é": [1.5, None, "\u2028"]}})
    policy = people("admin", "GET", "/policy").body["document"]
    policy["rules"].append(PERSONAL)
    people("admin", "PUT", "/policy", policy)
    people.execute("operator", {"action": "budget.spend", "inputs": {"amount": 5}})
    note = {"key": "ключ", "value": {"π": 1e21, "": [-0.5, 10**15]}}
    people.execute("operator", {"action": "memory.remember", "inputs": note})
    people("admin", "POST", "/revert", {"version": 3})


def answers(people: People) -> list[dict[str, Any]]:
    """Every execution of Harbor as the API answers it, oldest first."""
    page = people("admin", "GET", "/executions?limit=200").body
    assert page["next_cursor"] is None
    return list(reversed(page["items"]))


def test_row_answer_and_line_have_the_same_texts_and_the_same_hash(
    people: People, database: Database, s3: S3
) -> None:
    """Record and payload are made again from the flat answer, before and after archiving."""
    of_every_kind(people)
    live = answers(people)
    with psycopg.connect(database.superuser, row_factory=dict_row) as connection:
        query = "SELECT * FROM executions WHERE project_id = %s::uuid ORDER BY seq"
        rows = connection.execute(query, [live[0]["project"]]).fetchall()
    bucket = Bucket(s3.new_bucket())
    archive(database.archiver, bucket, 0)
    objects = fetched(s3, bucket.name).values()
    texts = {
        read_line(line).hash: line
        for body in objects
        for line in gzip.decompress(body).splitlines()
    }
    assert len(rows) == len(live) > 10
    for row, answer, later in zip(rows, live, answers(people), strict=True):
        line = orjson.loads(texts[row["hash"]])
        assert later == answer
        assert record_text(answer) == row["record"] == canonical(line["record"])
        assert payload_text(answer) == row["payload"] == canonical(line["payload"])
        assert sha256(record_text(answer)) == answer["hash"] == row["hash"] == line["hash"]
        found = check_texts(answer["hash"], record_text(answer), payload_text(answer), row["salt"])
        assert (found.seq, row["salt"]) == (answer["seq"], line["salt"])
    seen = [set(answer) for answer in live]
    for member in ("plan", "approval", "about", "facts", "preview", "usage", "state_hash"):
        assert any(member in members for members in seen), member
    assert any("attributes" in answer.get("facts", {}) for answer in live)


def test_one_execution_alone_is_answered_with_the_same_members(people: People) -> None:
    """By its seq, and at the moment it was asked for."""
    done = people.execute(
        "operator", {"action": "checklist.tick", "inputs": {"item": "tests"}}
    ).body
    alone = people("admin", "GET", f"/executions/{done['seq']}").body
    assert record_text(alone) == record_text(done)
    assert payload_text(alone) == payload_text(done)
    assert sha256(record_text(done)) == done["hash"]
