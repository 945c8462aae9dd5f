"""Archiving: exactly once, exactly what was verified, and nobody notices when reading."""

import gzip
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest
from control_plane import history, reading, settings
from control_plane.archive import part as parts
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete
from control_plane.archive.reader import Archive
from control_plane.models import Intent
from handlers import archive as archive_handler

from tests.bench.bulk import fill
from tests.handlers.events import Context
from tests.integration.archiving import SYSTEM_ROWS, bucket, log, objects, old
from tests.integration.conftest import ADD, Project, SetClock
from tests.recovering import World
from tests.s3 import S3

__all__ = ["bucket", "old"]


def test_whole_old_days_move_and_the_log_reads_on(old: Project, bucket: Bucket, s3: S3) -> None:
    """Days older than 90 days go to S3, newer ones stay, and the list shows no seam."""
    before = log(old)
    summary = run.archive(old.database.archiver, bucket, 90)
    assert summary.rows == len(before) - 4 + SYSTEM_ROWS
    assert [row["seq"] for row in old.executions()] == [row["seq"] for row in before[-4:]]
    assert log(old) == before
    assert log(old, limit=7) == before
    days = [key.split("/")[2] for key in objects(bucket, s3)]
    assert days[1:] == ["dt=2051-01-01", "dt=2051-01-02"]


def test_lines_hold_what_was_stored(old: Project, bucket: Bucket, s3: S3) -> None:
    """Each line is the stored row; each project is one gzip member where the manifest says."""
    rows = {row["hash"]: row for row in old.executions()}
    run.archive(old.database.archiver, bucket, 90)
    for key, body in objects(bucket, s3).items():
        assert hashlib.sha256(body).hexdigest()[:16] == key.rsplit("-", 1)[1].split(".")[0]
        for line in gzip.decompress(body).splitlines():
            record = json.loads(line)
            if record["hash"] in rows:
                row = rows[record["hash"]]
                texts = (row["record"].encode(), row["payload"].encode())
                assert texts[0] in line
                assert texts[1] in line
    joined = "archive_ranges JOIN archives a ON a.id = archive_id"
    for span in old.rows(f"SELECT * FROM {joined} WHERE project_id = %s"):
        whole = objects(bucket, s3)[span["key"]]
        member = whole[span["byte_offset"] : span["byte_offset"] + span["byte_length"]]
        lines = [json.loads(line) for line in gzip.decompress(member).splitlines()]
        assert [line["record"]["seq"] for line in lines] == list(
            range(span["first_seq"], span["last_seq"] + 1)
        )
        assert lines[-1]["hash"] == span["head_hash"]


def test_a_second_run_does_nothing(old: Project, bucket: Bucket, s3: S3) -> None:
    """A rerun finds nothing to do and writes no object."""
    run.archive(old.database.archiver, bucket, 90)
    kept = objects(bucket, s3)
    assert run.archive(old.database.archiver, bucket, 90).rows == 0
    assert objects(bucket, s3) == kept


def test_execution_goes_on_when_everything_is_archived(old: Project, bucket: Bucket) -> None:
    """Seq, version and chain continue from the head, with no execution row left."""
    last = old.executions()[-1]
    run.archive(old.database.archiver, bucket, 0)
    assert old.executions() == []
    done = old.execute(ADD)
    assert (done["seq"], done["prev_hash"]) == (last["seq"] + 1, last["hash"])
    assert [item["seq"] for item in log(old)] == list(range(1, done["seq"] + 1))


def test_state_at_any_version_reads_across_the_border(old: Project, bucket: Bucket) -> None:
    """Every earlier state is the same before and after its executions were archived."""
    archived = Archive(old.store)
    newest = reading.state(old.store, old.target)["version"]
    versions = [0, 1, 2, 3, 63, 64, 65, newest]

    moments = [*(row["at"] for row in log(old)), "2026-01-01T00:00:00.000000Z"]
    moments += [f"2051-01-0{day}T23:00:00.000000Z" for day in (1, 2, 3)]

    def states() -> list[Any]:
        return [
            *(history.state_at_version(old.store, archived, old.target, v) for v in versions),
            *(history.version_at(old.store, archived, old.target, at) for at in moments),
        ]

    before = states()
    run.archive(old.database.archiver, bucket, 90)
    assert states() == before
    run.archive(old.database.archiver, bucket, 0)
    assert states() == before


def test_a_key_is_answered_after_its_execution_was_archived(old: Project, bucket: Bucket) -> None:
    """A replay needs nothing but the key's own row."""
    first = old.execute(ADD, request_id="kept")
    run.archive(old.database.archiver, bucket, 0)
    assert old.execute(ADD, request_id="kept") == first


def test_large_days_are_split_into_parts(
    old: Project, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part ends at its size, and the next goes on where it ended."""
    monkeypatch.setattr(parts, "MAX_PART_BYTES", 20_000)
    before = log(old)
    run.archive(old.database.archiver, bucket, 0)
    assert len(objects(bucket, s3)) > 5
    assert log(old) == before


def test_the_archiver_sees_no_passwords(old: Project) -> None:
    """Its login crosses tenants on just the tables that archiving needs."""
    with psycopg.connect(old.database.archiver) as connection:
        for table in ("users", "sessions", "components"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}".encode())
            connection.rollback()


def test_the_scheduled_function_archives(
    old: Project, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler reads its settings, moves what is due, and answers what it did."""
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", old.database.archiver)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", bucket.name)
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", s3.new_anchor_bucket())
    settings.settings.cache_clear()
    before = log(old)
    expected = {"objects": 3, "rows": len(before) - 4 + SYSTEM_ROWS}
    assert archive_handler.handler({}, Context(900)) == expected
    assert archive_handler.handler({}, Context(900)) == {"objects": 0, "rows": 0}
    assert log(old) == before


def test_a_run_ends_between_parts_when_its_time_is_up(old: Project, bucket: Bucket) -> None:
    """With too little time for a part none is begun; the next run goes on."""
    before = log(old)
    run.archive(old.database.archiver, bucket, 90, time_left=lambda: run.RESERVE_S - 1)
    assert len(old.executions()) == len(before)
    run.archive(old.database.archiver, bucket, 90)
    assert log(old) == before


def test_twenty_thousand_executions_move_whole(
    project: Project, bucket: Bucket, s3: S3, set_clock: SetClock
) -> None:
    """Made in bulk, over four days and in several parts: every line is there once, in its day."""
    project.execute(ADD)
    begin = datetime(2051, 1, 1, tzinfo=UTC)
    fill(project.database.superuser, project.target.project, 20_000, begin, 4)
    set_clock("timestamptz '2051-06-01 12:00:00+00'")
    rows = {row["hash"]: row["record"] for row in project.executions()}
    assert run.pending(project.database.archiver, 90) == len(rows) + SYSTEM_ROWS
    assert run.archive(project.database.archiver, bucket, 90).rows == len(rows) + SYSTEM_ROWS
    assert run.pending(project.database.archiver, 90) == 0
    for key, body in objects(bucket, s3).items():
        for line in gzip.decompress(body).splitlines():
            hash, record = orjson.loads(line)["hash"], line.partition(b',"record":')[2]
            if rows.pop(hash, None) is not None:
                assert orjson.loads(line)["record"]["at"].startswith(key.split("dt=")[1][:10])
                assert hashlib.sha256(record.rpartition(b',"salt":')[0]).hexdigest() == hash
    assert rows == {}
    assert project.execute(ADD)["seq"] == 20_004


MEASURED = r"""
import re, resource, sys
from pathlib import Path
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive
summary = archive(sys.argv[1], Bucket(sys.argv[2]), 0)
status = Path("/proc/self/status")
if status.exists():  # ru_maxrss would be the parent's where that is larger
    peak = int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(summary.rows, peak)
"""


def test_memory_is_bounded_however_large_the_day(project: Project, bucket: Bucket) -> None:
    """Some 90 MB of executions pass through in well under 200 MB, boto3's 60 MB included."""
    for number in range(150):
        note = {"key": "note", "value": f"{number:04}" * 50_000}
        project.execute(Intent("memory.remember", note))
    stored = project.rows(
        "SELECT sum(length(payload)) AS size FROM executions WHERE project_id = %s"
    )
    assert stored[0]["size"] > 80_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, project.database.archiver, bucket.name],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, kilobytes = map(int, done.stdout.split())
    assert rows == 152 + SYSTEM_ROWS
    assert kilobytes < 200_000


@pytest.mark.parametrize(
    ("moved", "which"), [("- interval '400 days'", 1), ("+ interval '1 day'", 0)]
)
def test_what_keeps_a_day_from_being_archived_is_named(
    world: World, moved: str, which: int
) -> None:
    """By project and seq: an execution that is dated before the one that comes first."""
    first = world.project.executions()[0]["seq"]
    world.project.superuser(f"UPDATE executions SET at = at {moved} WHERE seq = {first + which}")
    says = f"project {world.id}, seq {first + 1}: .* before that of seq {first}"
    with pytest.raises(Incomplete, match=says):
        world.archive()
