"""Taking a project's executions away, and the objects that they are archived in."""

import csv
import gzip
import hashlib
import json
from io import StringIO
from typing import Any

import pytest
from control_plane import exporting
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from control_plane.store import Store

from tests.conftest import Database
from tests.handlers.people import HARBOR, People
from tests.s3 import S3

FLIP = {"action": "switch.flip", "inputs": {"name": "dark_mode"}}


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    """An archive bucket of this test's own."""
    return Bucket(s3.new_bucket())


@pytest.fixture
def harbor(people: People) -> People:
    """Project Harbor after some work, a refusal and a request that waits."""
    for _ in range(5):
        people.execute("operator", FLIP)
    people.execute("operator", {"action": "release.rollout", "inputs": {"percent": 400}})
    people.execute("operator", {"action": "budget.set", "inputs": {"total": 550}})
    return people


def exported(people: People, who: str = "admin", query: str = "") -> str:
    """All pages, one after the other."""
    text, cursor = "", ""
    while True:
        answer = people(who, "GET", f"/export?{query}{cursor}")
        assert answer.status == 200
        text += answer.body or ""
        if "Next-Cursor" not in answer.headers:
            return text
        cursor = f"&cursor={answer.headers['Next-Cursor']}"


def archived(s3: S3, bucket: Bucket, project: str) -> list[str]:
    """A project's lines as they lie in S3, by seq."""
    keys = [item["Key"] for item in s3.client.list_objects_v2(Bucket=bucket.name)["Contents"]]
    lines = [
        line
        for key in keys
        for line in gzip.decompress(
            s3.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
        ).splitlines()
    ]
    mine = {line.decode(): json.loads(line)["record"] for line in lines}
    ordered = sorted(mine.items(), key=lambda item: item[1]["seq"])
    return [line for line, record in ordered if record["project"] == project]


def id_of(people: People) -> str:
    """Project Harbor's id."""
    return str(people("admin", "GET", "").body["id"])


def test_exported_lines_are_the_archived_lines(
    harbor: People, database: Database, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, before, across and after the border, in one page or in many."""
    before = exported(harbor)
    run.archive(database.archiver, bucket, 0)
    assert exported(harbor) == before
    assert archived(s3, bucket, id_of(harbor)) == before.splitlines()
    harbor.execute("operator", FLIP)
    whole = exported(harbor)
    assert whole.startswith(before)
    assert len(whole.splitlines()) == len(before.splitlines()) + 1
    monkeypatch.setattr(exporting, "MAX_PAGE_BYTES", 2_500)
    assert exported(harbor) == whole
    for line in whole.splitlines():
        record = line.partition('"record":')[2].rpartition(',"salt"')[0]
        assert hashlib.sha256(record.encode()).hexdigest() == json.loads(line)["hash"]


def test_nothing_is_left_out_while_executions_move(
    harbor: People, database: Database, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive run between the look at the archive and the look at the live rows."""
    before, real = exported(harbor), Store.read

    def moving(store: Store, org: str, query: str, **parameters: Any) -> Any:
        if query == "executions_following":
            run.archive(database.archiver, bucket, 0)
        return real(store, org, query, **parameters)

    monkeypatch.setattr(Store, "read", moving)
    assert exported(harbor) == before


def test_a_time_bounds_what_is_exported(harbor: People, database: Database, bucket: Bucket) -> None:
    """`since` is included, `until` is not, on both sides of the border."""
    lines = exported(harbor).splitlines()
    moments = [json.loads(line)["record"]["at"] for line in lines]
    bounds = f"since={moments[3]}&until={moments[6]}"
    assert exported(harbor, query=bounds).splitlines() == lines[3:6]
    run.archive(database.archiver, bucket, 0)
    assert exported(harbor, query=bounds).splitlines() == lines[3:6]


def test_what_a_reader_may_not_see_is_not_exported(harbor: People) -> None:
    """A line that loses something says so, keeps its hash, and has no salt to guess by."""
    whole = [json.loads(line) for line in exported(harbor).splitlines()]
    text = exported(harbor, "viewer")
    shown = [json.loads(line) for line in text.splitlines()]
    assert [line["hash"] for line in shown] == [line["hash"] for line in whole]
    assert "no-rollout-in-incident" not in text
    policy = next(n for n, line in enumerate(whole) if "policy.set" in line["record"]["action"])
    assert shown[policy]["payload"]["inputs"] == {}
    for mine, theirs in zip(shown, whole, strict=True):
        if mine != theirs:
            assert (mine["redacted"], mine["salt"]) == (True, None)
            listed = harbor("viewer", "GET", f"/executions/{mine['record']['seq']}").body
            assert {**mine["record"], **mine["payload"]}.items() <= listed.items()
    assert exported(harbor, "operator").splitlines()


def test_csv_has_one_head_and_no_formula(harbor: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat columns; what a spreadsheet would run begins with an apostrophe."""
    for evil in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1"):
        harbor.execute("operator", {**FLIP, "request_id": evil})
    monkeypatch.setattr(exporting, "MAX_PAGE_BYTES", 2_500)
    text = exported(harbor, query="format=csv")
    rows = list(csv.DictReader(StringIO(text, newline="")))
    assert text.count("execution_id") == 1
    lines = [json.loads(line) for line in exported(harbor).splitlines()]
    assert [int(row["seq"]) for row in rows] == [line["record"]["seq"] for line in lines]
    assert [row["request_id"] for row in rows[-5:]] == [
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1",
    ]  # fmt: skip
    assert json.loads(rows[-1]["inputs"]) == FLIP["inputs"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(exporting.FORMULA)]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_pages_end_under_four_mebibytes(people: People, form: str) -> None:
    """However large the executions are, quotation marks and all."""
    for number in range(16):
        note = {"key": "note", "value": f'{number:05}"' * 30_000}
        people.execute("operator", {"action": "memory.remember", "inputs": note})
    cursor, pages = "", 0
    while cursor is not None:
        answer = people("admin", "GET", f"/export?format={form}{cursor}")
        assert len(answer.body.encode()) < 4 * 1024 * 1024
        following = answer.headers.get("Next-Cursor")
        cursor, pages = following and f"&cursor={following}", pages + 1
    assert pages > 1


def test_archives_are_listed_with_what_proves_them(
    harbor: People, database: Database, bucket: Bucket, s3: S3
) -> None:
    """Each object with its hash and this project's range in it, newest first, by pages."""
    run.archive(database.archiver, bucket, 0)
    harbor.execute("operator", FLIP)
    run.archive(database.archiver, bucket, 0)
    answer = harbor("viewer", "GET", "/archives").body
    first, last = answer["items"][1], answer["items"][0]
    assert first["first_seq"] == 1
    assert last["first_seq"] == first["last_seq"] + 1
    for item in answer["items"]:
        members = {"bucket", "key", "sha256", "rows", "size", "first_seq", "last_seq", "day"}
        assert item.keys() == members
        held = s3.client.get_object(Bucket=item["bucket"], Key=item["key"])["Body"].read()
        assert hashlib.sha256(held).hexdigest() == item["sha256"]
        assert len(gzip.decompress(held).splitlines()) == item["rows"]
        assert 0 < item["size"] <= len(held)
    page = harbor("viewer", "GET", "/archives?limit=1").body
    rest = harbor("viewer", "GET", f"/archives?limit=1&cursor={page['next_cursor']}").body
    assert [*page["items"], *rest["items"]] == answer["items"]
    assert rest["next_cursor"] is None


def test_what_no_export_is_is_refused(people: People) -> None:
    """Another format, another's cursor, a moment without a zone."""
    for query in ("format=xml", "since=2026-01-01T00:00:00"):
        assert people("admin", "GET", f"/export?{query}").status == 422
    assert people("admin", "GET", "/export?cursor=nonsense").status == 400
    assert people.call("GET", f"{HARBOR}/export").status == 401
