"""Erasing and cleaning when S3, or another organization, is in trouble."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import psycopg
import pytest
from control_plane import administration, organizations
from control_plane.archive import forgetting, run, unnamed
from control_plane.archive.anchors import refuse_set_back
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete
from control_plane.observing.functions import RunFailed
from control_plane.registry import load_registries
from control_plane.restore.source import Buckets
from handlers import archive as archive_handler
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Cluster, Database, copied
from tests.handlers.events import Context
from tests.integration.conftest import Project, SetClock
from tests.integration.test_erasure import SECRET, erase, log
from tests.integration.test_erasure_archive import (
    archive,
    every_byte,
    findings,
    told,
    undone,
)
from tests.recovering import REGISTRIES, World, reach
from tests.s3 import S3

__all__ = ["told"]


PASSWORD = "x" * 12


def other_member(project: Project) -> int:
    """Where bytes of another project lie in an object of this one."""
    [row] = project.rows(
        "SELECT o.byte_offset + o.byte_length / 2 AS middle FROM archive_ranges r"
        " JOIN archive_ranges o ON o.archive_id = r.archive_id AND o.project_id <> r.project_id"
        " WHERE r.project_id = %s"
    )
    return int(row["middle"])


@pytest.mark.parametrize("lie", ["a flipped bit", "a cut", "nothing"])
def test_a_rewriting_is_not_fooled_by_what_s3_answers(
    project: Project,
    told: Any,
    buckets: Buckets,
    s3: S3,
    lie: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3 answers other bytes once: nothing is switched or deleted; the next run does it right."""
    first, last = told
    archive(project, buckets)
    whole = log(project)
    place = other_member(project)
    erase(project, first["seq"], last["seq"])
    real = Bucket.chunks

    def lying(self: Bucket, key: str, version_id: str = "") -> Iterator[bytes]:
        body = bytearray(b"".join(real(self, key, version_id)))
        if key.startswith("executions/"):
            body[place] ^= 1
            body = {"a flipped bit": body, "a cut": body[: len(body) // 2]}.get(lie, bytearray())
        yield bytes(body)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "chunks", lying)
        with pytest.raises(Incomplete, match="S3 holds other bytes"):
            run.archive(project.database.archiver, buckets.archive, 0)
    forgetting.forget(project.database.archiver, buckets.archive)
    assert undone(project) == 1
    archive(project, buckets)
    after = log(project)
    assert all(after[seq]["hash"] == item["hash"] for seq, item in whole.items())
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert findings(project, s3, buckets) == [None, None]


def test_a_lost_object_of_an_erasure_keeps_nothing_from_the_archive(
    project: Project, told: Any, buckets: Buckets
) -> None:
    """All executions are archived, everybody's, and it is told."""
    first, last = told
    archive(project, buckets)
    erase(project, first["seq"], last["seq"])
    for key in buckets.archive.keys("executions/"):
        buckets.archive.remove(key)
    registries = load_registries()
    made = organizations.create_organization(project.store, registries, "other", PASSWORD)
    org = administration.organization_id(project.store, "other")
    assert made
    with pytest.raises(Incomplete, match="other bytes"):
        archive(project, buckets)
    assert f"org={org}/" in " ".join(buckets.archive.keys("executions/"))
    assert project.executions() == []
    assert undone(project) == 1


def test_an_erasure_ends_where_another_organization_is_broken(
    project: Project,
    told: Any,
    buckets: Buckets,
    s3: S3,
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chain that is broken, and stays so for days, keeps nobody else's values in the bucket."""
    first, last = told
    archive(project, buckets)
    erase(project, first["seq"], last["seq"])
    organizations.create_organization(project.store, load_registries(), "other", PASSWORD)
    org = administration.organization_id(project.store, "other")
    project.superuser(f"UPDATE executions SET hash = repeat('0', 64) WHERE org_id = '{org}'")
    reach(monkeypatch, project.database, buckets, ARCHIVE_AFTER_DAYS="1")
    set_clock("clock_timestamp() + interval '3 days'")
    for _ in range(2):
        with pytest.raises(RunFailed):
            archive_handler.handler({}, Context(900))
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert undone(project) == 0


def test_an_unreadable_object_stops_its_organization_alone(
    project: Project, told: Any, buckets: Buckets, s3: S3
) -> None:
    """What can't be read in one organization's folder keeps no other's erasure from its end."""
    first, last = told
    other = "00000000-0000-7000-8000-000000000000"  # before any other
    archive(project, buckets)
    erase(project, first["seq"], last["seq"])
    there_as_well = (
        f"INSERT INTO organizations (id, slug, title) VALUES ('{other}', 'first', 'f');"
        "INSERT INTO projects (id, org_id, slug, title, template, archived_seq)"
        f" VALUES ('{other}', '{other}', 'p', 'p', 'demo', 9);"
        "INSERT INTO erasures (org_id, project_id, seq, at, first_seq, last_seq)"
        f" VALUES ('{other}', '{other}', 3, now(), 1, 2)"
    )
    with psycopg.connect(project.database.owner) as restoring:
        restoring.execute(there_as_well.encode())
    key = f"executions/org={other}/dt=2051-01-01/part-0000-{'0' * 16}.jsonl.gz"
    s3.client.put_object(Bucket=buckets.archive.name, Key=key, Body=b"damaged")
    with pytest.raises(Incomplete, match=key):
        archive(project, buckets)
    buckets.archive.remove(key)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert undone(project) == 0


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"payload":{}}', b'{"record":1}'])
def test_what_is_no_archived_execution_keeps_no_erasure_from_its_end(
    project: Project, told: Any, buckets: Buckets, s3: S3, body: bytes
) -> None:
    """Somebody's own file in the archive is named, and what was erased is deleted all the same."""
    first, last = told
    archive(project, buckets)
    erase(project, first["seq"], last["seq"])
    key = f"executions/org={project.target.org}/dt=2051-01-01/notes.jsonl.gz"
    s3.client.put_object(
        Bucket=buckets.archive.name, Key=key, Body=gzip.compress(body + b"\n", mtime=0)
    )
    with pytest.raises(Incomplete, match=key):
        archive(project, buckets)
    assert undone(project) == 1
    buckets.archive.remove(key)
    assert SECRET.encode() not in every_byte(s3, buckets)
    archive(project, buckets)
    assert undone(project) == 0


def test_what_a_set_back_database_does_not_know_is_not_cleaned_away(
    project: Project, s3: S3, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket alone holds the last executions: a recovery has to see them first."""
    world = World(project, s3)
    world.execute(3)
    world.archive()
    project.store.disconnect()
    with copied(postgres, project.database) as earlier:
        world.execute(2)
        world.archive()
        before = world.source.archive.keys("executions/")
        done = clean(earlier, world.source, monkeypatch)
        assert world.source.archive.keys("executions/") == before
        assert done.exit_code == 1
        assert "chat-agent recover" in done.output


def clean(database: Database, buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Clean by command, as if all objects were put two days ago."""
    reach(monkeypatch, database, buckets)
    monkeypatch.setattr(unnamed.clean, "__defaults__", (timedelta(0),))
    return CliRunner().invoke(cli, ["archive", "clean"])


def test_a_database_that_knows_no_organization_cleans_nothing_away(
    world: World, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands there before a restore, the archive is all there is."""
    before = world.source.archive.versions("executions/")
    done = clean(empty, world.source, monkeypatch)
    assert done.exit_code == 0, done.output
    assert f"Left executions/org={world.org}: " in done.stderr
    assert world.source.archive.versions("executions/") == before


def test_a_lost_organizations_archive_is_not_cleaned_away(world: World, earlier: Database) -> None:
    """It was made after the moment that the database was set back to, and recovered from."""
    store, bucket = world.project.store, world.source.archive
    organizations.create_organization(store, REGISTRIES, "other", PASSWORD)
    org = administration.organization_id(store, "other")
    world.archive()
    world.use(earlier)
    assert world.recover().unknown == [org]
    refuse_set_back(earlier.archiver, world.source.anchor)
    before = bucket.versions(f"executions/org={org}/")
    done = unnamed.clean(earlier.archiver, bucket, world.source.anchor, timedelta(0))
    assert (done.gone, done.unknown) == ([], [f"executions/org={org}"])
    assert bucket.versions(f"executions/org={org}/") == before != []


def test_what_the_newest_anchor_lists_is_not_cleaned_away(world: World) -> None:
    """An object without its row of the manifest is what a verifier will ask for."""
    url, bucket = world.project.database.archiver, world.source.archive
    [key] = bucket.keys("executions/")
    bucket.put_new(key.replace("part-0000", "part-0009"), BytesIO(b"no run's"), "text/plain")
    bucket.put_new("executions/README.txt", BytesIO(b"somebody's"), "text/plain")
    runs = "DELETE FROM archive_ranges; DELETE FROM archives; DELETE FROM executions"
    world.project.superuser(f"SET session_replication_role = replica; {runs}")
    done = unnamed.clean(url, bucket, world.source.anchor, timedelta(0))
    assert done.gone == [key.replace("part-0000", "part-0009")]
    assert [*bucket.keys("executions/")] == ["executions/README.txt", key]
