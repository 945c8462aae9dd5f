"""What a purge leaves of a project's archive: records and hashes, and no restore brings it back."""

from typing import Any

import pytest
from control_plane.archive import run
from control_plane.archive.anchors import anchor
from control_plane.models import Intent
from control_plane.registry import load_registries
from control_plane.restore.run import restore
from control_plane.restore.source import Buckets
from control_plane.store import Store

from tests.conftest import Database
from tests.integration.conftest import ADD, Project
from tests.integration.test_erasure import SECRET, erase, everything, remember
from tests.integration.test_erasure_archive import archive, every_byte, findings, undone
from tests.integration.test_erasure_restore import tell
from tests.s3 import S3

REGISTRIES = load_registries()
PURGE = Intent("project.purge", {"slug": "demo"})


def purge(project: Project) -> None:
    """The project is gone, but for its tombstone."""
    assert project.execute(PURGE)["status"] == "success"


def tombstone(project: Project) -> dict[str, Any]:
    """What its row says."""
    columns = "slug, title, template, status, seq, hash, archived_seq"
    [row] = project.rows(f"SELECT {columns} FROM projects WHERE id = %s")
    return row


def test_no_byte_of_it_is_left(project: Project, buckets: Buckets, s3: S3) -> None:
    """Neither what was archived, nor the state that an erasure kept, nor what was live."""
    first, last = tell(project)
    archive(project, buckets)
    erase(project, first["seq"], last["seq"])
    project.execute(remember(SECRET))
    archive(project, buckets)
    project.execute(remember(SECRET + " once more"))
    assert SECRET.encode() in every_byte(s3, buckets)
    assert buckets.archive.versions("checkpoints/")
    purge(project)
    assert findings(project, s3, buckets) == [None, None]
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert SECRET not in everything(project)
    assert not buckets.archive.versions("checkpoints/")
    assert undone(project) == 0
    assert findings(project, s3, buckets) == [None, None]


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_restore_brings_back_no_more_than_the_tombstone(
    project: Project, buckets: Buckets, empty: Database, s3: S3, rewritten: bool
) -> None:
    """Whether its archive was rewritten before the database was lost, or has to be after."""
    project.execute(remember(SECRET))
    archive(project, buckets)
    project.execute(ADD)
    purge(project)
    if rewritten:
        archive(project, buckets)
    else:
        anchor(project.database.archiver, buckets.anchor)
    assert (SECRET.encode() in every_byte(s3, buckets)) is not rewritten
    before = tombstone(project)
    restore(empty.owner, buckets, REGISTRIES)
    anchor(empty.archiver, buckets.anchor, follow=True)
    again = Project(Store(empty.app), project.target, empty)
    assert tombstone(again) == before
    assert SECRET not in everything(again)
    assert findings(again, s3, buckets) == [None, None]
    archive(again, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert undone(again) == 0
    assert findings(again, s3, buckets) == [None, None]


def test_a_purged_project_that_was_never_archived_is_named_as_lost(
    project: Project, buckets: Buckets, empty: Database, s3: S3
) -> None:
    """Nothing says what its name was; the organization's chain says that it is gone."""
    [org] = project.rows("SELECT id::text FROM projects WHERE slug = 'system' AND %s <> ''")
    purge(project)
    archive(project, buckets)
    restore(empty.owner, buckets, REGISTRIES)
    anchor(empty.archiver, buckets.anchor, follow=True)
    again = Project(Store(empty.app), project.target, empty)
    assert again.rows("SELECT FROM projects WHERE id = %s") == []
    system = "SELECT payload FROM executions WHERE project_id = '{id}' AND %s <> ''"
    payloads = again.rows(system.format(**org))
    assert project.target.project in str(payloads)
    assert findings(again, s3, buckets) == [None, None]


def test_a_run_that_is_under_way_leaves_nothing_behind(
    project: Project, buckets: Buckets, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it archives after the purge is rewritten by the next run."""
    project.execute(remember(SECRET))
    real = run._Run._archive_part

    def purging(*given: Any) -> int:
        monkeypatch.setattr(run._Run, "_archive_part", real)
        purge(project)
        return real(*given)

    monkeypatch.setattr(run._Run, "_archive_part", purging)
    archive(project, buckets)
    assert SECRET.encode() in every_byte(s3, buckets)
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert findings(project, s3, buckets) == [None, None]
