"""Anchors: one chain for each organization, locked, whole, and never forked."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError
from control_plane import organizations, settings
from control_plane.archive import anchors, run
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete, SetBack
from control_plane.canonical import canonical
from control_plane.models import GENESIS_HASH
from control_plane.observing.functions import RunFailed
from control_plane.registry import load_registries
from handlers import archive as archive_handler

from infra.local.buckets import RETENTION_DAYS
from tests.handlers.events import Context
from tests.integration.conftest import ADD, Project, SetClock
from tests.s3 import S3


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    """An archive bucket of this test's own."""
    return Bucket(s3.new_bucket())


@pytest.fixture
def locked(s3: S3) -> Bucket:
    """An anchor bucket of this test's own."""
    return Bucket(s3.new_anchor_bucket())


def chain(s3: S3, locked: Bucket, org: str) -> list[dict[str, Any]]:
    """An organization's anchors, oldest first, each checked to hold the hash of the one before."""
    listed = s3.client.list_objects_v2(Bucket=locked.name, Prefix=f"anchors/org={org}/")
    found, previous = [], GENESIS_HASH
    for item in listed.get("Contents", []):
        body = s3.client.get_object(Bucket=locked.name, Key=item["Key"])["Body"].read()
        made = json.loads(body)
        assert body == canonical(made).encode()
        assert item["Key"] == f"anchors/org={org}/{made['at']}.json"
        assert made["prev_anchor"] == previous
        previous = hashlib.sha256(body).hexdigest()
        found.append(made)
    return found


def anchor(project: Project, locked: Bucket) -> list[str]:
    """Anchor as the archiver."""
    return anchors.anchor(project.database.archiver, locked)


def test_an_anchor_says_where_chains_and_archive_are(
    project: Project, bucket: Bucket, locked: Bucket, s3: S3
) -> None:
    """Every project's head, archived head, and every object; the first follows nothing."""
    project.execute(ADD)
    anchor(project, locked)
    before = project.executions()
    summary = run.archive(project.database.archiver, bucket, 0)
    done = project.execute(ADD)
    anchor(project, locked)
    first, second = chain(s3, locked, project.target.org)
    assert (first["v"], first["org"], first["objects"]) == (1, project.target.org, [])
    ids = [entry["project"] for entry in first["projects"]]
    assert ids == sorted(ids)
    assert {entry["archived_seq"] for entry in first["projects"]} == {0}
    assert {entry["archived_hash"] for entry in first["projects"]} == {GENESIS_HASH}
    [mine] = [each for each in second["projects"] if each["project"] == project.target.project]
    last = before[-1]
    assert mine == {
        "project": project.target.project,
        "seq": done["seq"],
        "hash": done["hash"],
        "archived_seq": last["seq"],
        "archived_hash": last["hash"],
    }
    held = project.rows("SELECT key, sha256, rows FROM archives WHERE %s <> '' ORDER BY key")
    assert second["objects"] == held
    assert sum(entry["rows"] for entry in held) == summary.rows


def test_each_organization_has_a_chain_of_its_own(project: Project, locked: Bucket, s3: S3) -> None:
    """One object for each organization, with its own projects and no others'."""
    registries = load_registries()
    made = organizations.create_organization(project.store, registries, "other", "x" * 12)
    assert len(anchor(project, locked)) == 2
    [theirs] = chain(s3, locked, made["organization"])
    [mine] = chain(s3, locked, project.target.org)
    assert not {each["project"] for each in theirs["projects"]} & {
        each["project"] for each in mine["projects"]
    }


def test_an_anchor_is_locked(project: Project, locked: Bucket, s3: S3) -> None:
    """Its version can't be deleted before the bucket's retention is over."""
    [key] = anchor(project, locked)
    version, _ = locked.read_back(key)
    named = {"Bucket": locked.name, "Key": key, "VersionId": version}
    until = s3.client.head_object(**named)["ObjectLockRetainUntilDate"]
    assert until > datetime.now(UTC) + timedelta(days=RETENTION_DAYS - 1)
    with pytest.raises(ClientError):
        s3.client.delete_object(**named)


def test_moments_go_on_also_when_the_clock_goes_back(
    project: Project, locked: Bucket, s3: S3, set_clock: SetClock
) -> None:
    """The order of the keys is the order of the chain."""
    for moment in ("2051-01-02", "2051-01-01", "2051-01-01"):
        set_clock(f"timestamptz '{moment} 12:00:00+00'")
        anchor(project, locked)
    moments = [made["at"] for made in chain(s3, locked, project.target.org)]
    assert moments == [f"2051-01-02T12:00:00.00000{number}Z" for number in range(3)]


def test_many_at_once_never_fork_the_chain(project: Project, locked: Bucket, s3: S3) -> None:
    """Whoever comes second follows the first; every anchor that was answered is in the chain."""

    def work(_: int) -> list[str]:
        try:
            return anchor(project, locked)
        except Incomplete:  # overtaken five times
            return []

    with ThreadPoolExecutor(6) as pool:
        keys = [key for found in pool.map(work, range(18)) for key in found]
    found = [made["at"] for made in chain(s3, locked, project.target.org)]
    assert len(found) >= 6
    assert {key.split("/")[2].removesuffix(".json") for key in keys} <= set(found)


def test_an_anchor_that_was_decided_on_and_not_put_is_put_by_the_next(
    project: Project, locked: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the put, after it, or after the read-back: the chain is whole."""
    kills = [(Bucket, "put_new"), (Bucket, "read_back"), (anchors, "sql")]

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    for number, (owner, step) in enumerate(kills, start=1):
        with monkeypatch.context() as patch:
            patch.setattr(owner, step, die)
            with pytest.raises(KeyboardInterrupt):
                anchor(project, locked)
        anchor(project, locked)
        assert len(chain(s3, locked, project.target.org)) == 2 * number


def test_a_bucket_that_keeps_nothing_is_found_out(
    project: Project, locked: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said to be put and not there: the anchor waits, and the next run puts the same."""
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "put_new", lambda *_: True)
        with pytest.raises(Incomplete):
            anchor(project, locked)
    [head] = project.rows("SELECT waiting FROM anchor_heads WHERE %s <> ''")
    anchor(project, locked)
    first, _ = chain(s3, locked, project.target.org)
    assert canonical(first) == head["waiting"]


def test_one_organizations_trouble_leaves_the_others_anchored(
    project: Project, locked: Bucket, s3: S3
) -> None:
    """An anchor that is other bytes than its text is named; all others are put."""
    registries = load_registries()
    made = organizations.create_organization(project.store, registries, "other", "x" * 12)
    anchor(project, locked)
    project.superuser(
        "UPDATE anchor_heads SET waiting = '{}' WHERE org_id = '" + project.target.org + "'"
    )
    with pytest.raises(Incomplete, match=project.target.org):
        anchor(project, locked)
    assert len(chain(s3, locked, made["organization"])) == 2


def test_anchors_this_database_does_not_know_are_followed_when_a_recovery_says_so(
    project: Project, locked: Bucket, s3: S3
) -> None:
    """A database set back to an earlier moment goes on after them, and not by itself."""
    anchor(project, locked)
    [head] = project.rows("SELECT sha256, at::text FROM anchor_heads WHERE %s <> ''")
    for _ in range(2):
        anchor(project, locked)
    project.superuser(f"UPDATE anchor_heads SET sha256 = '{head['sha256']}', at = '{head['at']}'")
    for forget in ("SELECT", "DELETE FROM anchor_heads"):
        project.superuser(forget)
        with pytest.raises(Incomplete, match="chat-agent recover"):
            anchor(project, locked)
        with (
            pytest.raises(Incomplete, match="chat-agent recover"),
            anchors.anchored(project.database.archiver, locked) as without,
        ):
            assert without == [project.target.org]
        anchors.anchor(project.database.archiver, locked, follow=True)
    anchor(project, locked)
    assert len(chain(s3, locked, project.target.org)) == 6


@pytest.mark.parametrize("name", ["README.txt", "README.json", "zip/2051-01-01.json"])
def test_what_is_no_anchor_does_not_stand_after_the_last(
    project: Project, locked: Bucket, name: str
) -> None:
    """Somebody's own file in the folder makes no database look as if it was set back."""
    anchor(project, locked)
    locked.put_new(f"anchors/org={project.target.org}/{name}", BytesIO(b"hello"), "text/plain")
    anchors.refuse_set_back(project.database.archiver, locked)
    anchor(project, locked)


def test_a_set_back_database_is_told_by_the_anchor_that_it_does_not_know(
    project: Project, locked: Bucket
) -> None:
    """By its key, and by the organization's slug."""
    *_, last = [anchor(project, locked) for _ in range(2)]
    project.superuser("DELETE FROM anchor_heads")
    with pytest.raises(SetBack, match="organization main: ") as told:
        anchors.refuse_set_back(project.database.archiver, locked)
    assert str(told.value).endswith(f"The last is {last[0]}.")


def test_only_the_archiver_moves_the_chain_of_anchors(project: Project) -> None:
    """The application may look at its own tenant's head and no more."""
    with psycopg.connect(project.database.app) as connection:
        assert connection.execute("SELECT * FROM anchor_heads").fetchall() == []
        for change in ("DELETE FROM anchor_heads", "UPDATE anchor_heads SET sha256 = ''"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(change.encode())
            connection.rollback()


def test_the_scheduled_function_anchors(
    project: Project,
    bucket: Bucket,
    locked: Bucket,
    s3: S3,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After each run, whatever became of it, and once more a day; only a run tells its lag."""
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", project.database.archiver)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", bucket.name)
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", locked.name)
    settings.settings.cache_clear()
    assert archive_handler.handler({}, Context(900)) == {"objects": 0, "rows": 0}
    assert "ArchiveLag" in capsys.readouterr().out
    assert archive_handler.handler({"only": "anchors"}, Context(900)) == {"anchors": 1}
    assert "ArchiveLag" not in capsys.readouterr().out
    monkeypatch.setattr(archive_handler, "archive", lambda *_, **__: 1 / 0)
    with pytest.raises(RunFailed, match="ZeroDivisionError"):
        archive_handler.handler({}, Context(900))
    assert len(chain(s3, locked, project.target.org)) == 3
