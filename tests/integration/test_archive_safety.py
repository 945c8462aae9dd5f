"""Archiving when things go wrong: nothing is lost or there twice, and what is odd is told."""

import gzip
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import IO, Any

import orjson
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from control_plane import organizations
from control_plane.archive import outcome, run
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import BrokenChain, Overtaken, ReadBackDiffers
from control_plane.archive.unnamed import clean
from control_plane.registry import load_registries
from control_plane.store.writing import Writing

from tests.integration.archiving import SYSTEM_ROWS, bucket, log, objects, old
from tests.integration.conftest import ADD, Project, SetClock
from tests.s3 import S3

__all__ = ["bucket", "old"]

KILLED = r"""
import os, signal, sys
import psycopg
from control_plane.archive import run
from control_plane.archive.bucket import Bucket

def killing(owner, name, after):
    real = getattr(owner, name)
    def step(*given, **named):
        done = real(*given, **named) if after else None
        os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(owner, name, step)

STEPS = {
    "before the put": (Bucket, "put_new", False),
    "before the read-back": (Bucket, "read_back", False),
    "before the removing transaction": (run._Run, "_remove", False),
    "before COMMIT": (psycopg.Transaction, "__exit__", False),
    "after COMMIT": (run._Run, "_remove", True),
}
if sys.argv[3] in STEPS:
    killing(*STEPS[sys.argv[3]])
run.archive(sys.argv[1], Bucket(sys.argv[2]), 90)
"""
STEPS = (
    "before the put",
    "before the read-back",
    "before the removing transaction",
    "before COMMIT",
    "after COMMIT",
)


def in_a_process(old: Project, bucket: Bucket, step: str) -> subprocess.Popen[bytes]:
    """An archive run in a process of its own that is killed at a step."""
    command = [sys.executable, "-c", KILLED, old.database.archiver, bucket.name, step]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def archived(old: Project, bucket: Bucket) -> run.Summary:
    """Run until it is this run's turn: the server takes a moment to see that a client is gone."""
    for _ in range(100):
        try:
            return run.archive(old.database.archiver, bucket, 90)
        except Overtaken:
            time.sleep(0.05)
    raise TimeoutError("the archive's turn is never free")


def assert_each_is_there_once(old: Project, bucket: Bucket, s3: S3, before: list[Any]) -> None:
    """The log reads as before; each line lies in one object, and each object in the manifest."""
    assert log(old) == before
    held = objects(bucket, s3)
    lines = [line for body in held.values() for line in gzip.decompress(body).splitlines()]
    live = {row["hash"] for row in old.executions()}
    hashes = [orjson.loads(line)["hash"] for line in lines]
    assert len(set(hashes)) == len(hashes)
    assert live.isdisjoint(hashes)
    assert {item["hash"] for item in before} <= live | set(hashes)
    assert {row["key"] for row in run.listed(old.database.archiver)} == held.keys()


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_is_finished_by_the_next(
    old: Project, bucket: Bucket, s3: S3, step: str
) -> None:
    """kill -9 at any step: the next run takes up what is there, and leaves no object behind."""
    before = log(old)
    assert in_a_process(old, bucket, step).wait(60) == -signal.SIGKILL
    assert log(old) == before
    done = archived(old, bucket)
    assert done.unnamed == []
    assert_each_is_there_once(old, bucket, s3, before)
    assert len(objects(bucket, s3)) == 3


def test_two_runs_at_once_do_the_work_of_one(old: Project, bucket: Bucket, s3: S3) -> None:
    """Two processes: one works, the other says so or finds nothing left."""
    before = log(old)
    both = [in_a_process(old, bucket, "never") for _ in range(2)]
    for process in both:
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 0 or b"Another archive run is at work" in said
    assert_each_is_there_once(old, bucket, s3, before)
    assert len(objects(bucket, s3)) == 3


@pytest.mark.parametrize("finishes", [True, False])
def test_a_run_that_has_lost_its_turn_removes_nothing(
    old: Project, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch, finishes: bool
) -> None:
    """Frozen after the upload, while another run may do the same: nothing is there twice."""
    before, real = log(old), run._Run._remove

    def meanwhile(frozen: Any, *given: Any) -> None:
        monkeypatch.setattr(run._Run, "_remove", real)
        frozen.connection.execute("SELECT pg_advisory_unlock_all()")
        if finishes:
            run.archive(old.database.archiver, bucket, 90)
        real(frozen, *given)

    monkeypatch.setattr(run._Run, "_remove", meanwhile)
    if finishes:
        with pytest.raises(outcome.Incomplete, match="Nothing was removed"):
            run.archive(old.database.archiver, bucket, 90)
    else:
        run.archive(old.database.archiver, bucket, 90)
    assert_each_is_there_once(old, bucket, s3, before)


def test_one_run_works_at_a_time(
    old: Project, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second run, started between the first's upload and removal, does nothing and says so."""
    before = log(old)
    real = run._Run._remove

    def meanwhile(*given: Any) -> None:
        with pytest.raises(Overtaken):
            run.archive(old.database.archiver, bucket, 90)
        real(*given)

    monkeypatch.setattr(run._Run, "_remove", meanwhile)
    done = run.archive(old.database.archiver, bucket, 90)
    assert done.rows == len(before) - 4 + SYSTEM_ROWS
    assert_each_is_there_once(old, bucket, s3, before)


class Flipping(Bucket):
    """A bucket that keeps other bytes than it is given."""

    def put_new(self, key: str, body: IO[bytes], content_type: str) -> bool:
        return super().put_new(key, BytesIO(body.read()[::-1]), content_type)


class Forgetting(Bucket):
    """A bucket that says it has kept what it hasn't."""

    def put_new(self, *_: Any) -> bool:
        return True


class Stale(Bucket):
    """A bucket that gives back other bytes than it holds."""

    def read_back(self, key: str) -> tuple[str, str]:
        return super().read_back(key)[0], "0" * 64


@pytest.mark.parametrize("lying", [Flipping, Forgetting, Stale])
def test_nothing_is_removed_when_s3_lies(old: Project, bucket: Bucket, lying: type[Bucket]) -> None:
    """What can't be read back as it was sent stays; an honest S3 gets all of it afterwards."""
    before, rows = log(old), old.executions()
    with pytest.raises(ReadBackDiffers):
        run.archive(old.database.archiver, lying(bucket.name), 90)
    assert old.executions() == rows
    run.archive(old.database.archiver, bucket, 90)
    assert log(old) == before


@pytest.fixture
def anchors(s3: S3) -> Bucket:
    """An anchor bucket of this test's own."""
    return Bucket(s3.new_anchor_bucket())


def test_a_key_with_other_bytes_is_passed_over_told_of_and_cleaned(
    old: Project, bucket: Bucket, anchors: Bucket, s3: S3
) -> None:
    """Nothing is deleted by a run; what no manifest names goes when it is old and done."""
    before = log(old)
    for _ in range(2):
        with pytest.raises(ReadBackDiffers):
            run.archive(old.database.archiver, Flipping(bucket.name), 90)
    done = run.archive(old.database.archiver, bucket, 90)
    assert len(done.unnamed) == 2
    assert clean(old.database.archiver, bucket, anchors).gone == []
    assert clean(old.database.archiver, bucket, anchors, timedelta(0)).gone == done.unnamed
    assert_each_is_there_once(old, bucket, s3, before)
    left = s3.client.list_object_versions(Bucket=bucket.name)
    assert not [kept for kept in left["Versions"] if kept["Key"] in done.unnamed]
    assert "DeleteMarkers" not in left


def test_what_may_still_be_named_is_not_cleaned(
    old: Project, bucket: Bucket, anchors: Bucket, s3: S3
) -> None:
    """An object whose executions are still here belongs to a run that isn't finished."""
    assert in_a_process(old, bucket, "before the removing transaction").wait(60)
    assert len(objects(bucket, s3)) == 1
    for _ in range(100):
        try:
            assert clean(old.database.archiver, bucket, anchors, timedelta(0)).gone == []
            break
        except Overtaken:
            time.sleep(0.05)
    assert len(objects(bucket, s3)) == 1


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("trouble", ["refuses", "times out", "has no bucket"])
def test_nothing_is_removed_when_s3_fails(
    old: Project, bucket: Bucket, s3: S3, silent: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, timed out or failing: the run ends with the reason, and the next one does it all."""
    before, rows = log(old), old.executions()
    failing = Bucket("nowhere" if trouble == "has no bucket" else bucket.name, patience_s=0.2)
    with monkeypatch.context() as patch:
        if trouble != "has no bucket":
            address = silent if trouble == "times out" else "http://127.0.0.1:9"
            patch.setenv("AWS_ENDPOINT_URL_S3", address)
        with pytest.raises((BotoCoreError, ClientError)):
            run.archive(old.database.archiver, failing, 90)
    assert old.executions() == rows
    run.archive(old.database.archiver, bucket, 90)
    assert_each_is_there_once(old, bucket, s3, before)


def test_a_row_that_appears_late_in_an_archived_day_follows_in_a_part_of_its_own(
    old: Project, bucket: Bucket, s3: S3, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its moment was read before the run began, its COMMIT came after the run had ended."""
    real = Writing.commit

    def late(*given: Any) -> None:
        set_clock("timestamptz '2051-06-01 12:00:01+00'")
        run.archive(old.database.archiver, bucket, 0)
        real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Writing, "commit", late)
        done = old.execute(ADD)
    assert done["at"] == "2051-06-01T12:00:00.000000Z"
    assert [row["seq"] for row in old.executions()] == [done["seq"]]
    before = log(old)
    run.archive(old.database.archiver, bucket, 0)
    assert old.executions() == []
    assert_each_is_there_once(old, bucket, s3, before)


@pytest.mark.parametrize(
    "damage",
    [
        "at = at - interval '1 year'",
        "at = at + interval '1 year'",
        "version = version + 1000",
        "record = record || ' ', hash = encode(sha256((record || ' ')::bytea), 'hex')",
        "salt = 'zz'",
        "record = '[]', hash = encode(sha256('[]'), 'hex')",
    ],
)
def test_columns_that_are_not_what_the_record_says_are_found(
    old: Project, bucket: Bucket, damage: str
) -> None:
    """Also a moment that would move a row to another day, and a text that isn't canonical."""
    old.superuser(f"UPDATE executions SET {damage} WHERE seq = 40")
    with pytest.raises(outcome.Incomplete):
        run.archive(old.database.archiver, bucket, 0)
    assert 40 in [row["seq"] for row in old.executions()]


def test_rows_that_are_no_longer_what_was_archived_stay(
    old: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed between the read-back and the removal is not removed."""
    before = log(old)
    real = run._Run._remove

    def tamper(*given: Any) -> None:
        old.superuser("UPDATE projects SET archived_seq = archived_seq + 1 WHERE slug = 'demo'")
        real(*given)

    monkeypatch.setattr(run._Run, "_remove", tamper)
    with pytest.raises(outcome.Incomplete, match="Nothing was removed"):
        run.archive(old.database.archiver, bucket, 90)
    assert log(old) == before


@pytest.mark.parametrize(
    "damage",
    [
        "record = replace(record, '\"cost\":1', '\"cost\":2')",
        "payload = replace(payload, 'amount', 'tnuoma')",
        "hash = repeat('0', 64)",
    ],
)
@pytest.mark.parametrize("later", [0, 7])
def test_a_damaged_row_stops_only_its_own_organization(
    old: Project, bucket: Bucket, set_clock: SetClock, damage: str, later: int
) -> None:
    """What isn't what its hashes say is named and stays; others' are archived all the same."""
    organizations.create_organization(old.store, load_registries(), "other", "x" * 12)
    run.archive(old.database.archiver, bucket, 0)
    for number in range(12):
        old.execute(ADD, request_id=f"more-{number}")
    organizations.create_organization(old.store, load_registries(), "third", "x" * 12)
    set_clock("timestamptz '2051-06-02 12:00:00+00'")
    damaged = old.executions()[0]["seq"] + later
    old.superuser(f"UPDATE executions SET {damage} WHERE seq = {damaged}")
    with pytest.raises(outcome.Incomplete, match=f"seq {damaged}") as stopped:
        run.archive(old.database.archiver, bucket, 0)
    assert [type(reason) for reason in stopped.value.reasons] == [BrokenChain]
    assert damaged in [row["seq"] for row in old.executions()]
    left = old.rows("SELECT DISTINCT org_id::text AS org FROM executions WHERE %s <> ''")
    assert [row["org"] for row in left] == [old.target.org]


def test_the_first_row_after_the_border_is_checked_as_well(
    old: Project, bucket: Bucket, set_clock: SetClock
) -> None:
    """A row must be linked to the archived head; one that isn't is no part of this chain."""
    run.archive(old.database.archiver, bucket, 0)
    done = old.execute(ADD)
    set_clock("timestamptz '2051-06-02 12:00:00+00'")
    old.superuser("UPDATE archive_ranges SET head_hash = repeat('1', 64)")
    with pytest.raises(outcome.Incomplete, match=f"seq {done['seq']}"):
        run.archive(old.database.archiver, bucket, 0)
