"""What one organization can't have done for it is done for all others, and told by its slug."""

from typing import Any

import psycopg
import pytest
from control_plane import administration, organizations
from control_plane.archive import run
from control_plane.archive.anchors import anchored
from control_plane.archive.outcome import BrokenChain, Incomplete
from control_plane.observing.functions import RunFailed
from control_plane.restore.source import Buckets
from handlers import archive as archive_handler

from tests.handlers.events import Context
from tests.integration.conftest import Project, SetClock
from tests.integration.test_erasure import SECRET, erase
from tests.integration.test_erasure_archive import archive, every_byte, told, undone
from tests.integration.test_purged_archive import purge
from tests.recovering import REGISTRIES, reach
from tests.s3 import S3

__all__ = ["told"]


def other(project: Project) -> str:
    """The id of another organization, made now."""
    organizations.create_organization(project.store, REGISTRIES, "other", "x" * 12)
    return administration.organization_id(project.store, "other") or ""


@pytest.fixture
def erased(
    project: Project,
    told: Any,
    buckets: Buckets,
    set_clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """Two organizations, and something erased in one, days ago, that the archive still holds."""
    other(project)
    archive(project, buckets)
    first, last = told
    erase(project, first["seq"], last["seq"])
    reach(monkeypatch, project.database, buckets, ARCHIVE_AFTER_DAYS="1")
    set_clock("clock_timestamp() + interval '3 days'")
    return project


def test_an_organization_that_was_set_back_keeps_nothing_of_others_waiting(
    erased: Project, buckets: Buckets, s3: S3
) -> None:
    """Others are archived, anchored and cleaned up after; and the run fails."""
    erased.superuser(
        "DELETE FROM anchor_heads h USING organizations o WHERE o.id = h.org_id AND slug = 'other'"
    )
    anchors = len(buckets.anchor.keys(f"anchors/org={erased.target.org}/"))
    with pytest.raises(RunFailed):
        archive_handler.handler({}, Context(900))
    assert erased.executions() == []
    assert len(buckets.anchor.keys(f"anchors/org={erased.target.org}/")) == anchors + 1
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert undone(erased) == 0


def test_an_organization_that_was_set_back_is_left_as_it_is(
    erased: Project, buckets: Buckets
) -> None:
    """Nothing of it is archived, removed, written anew, anchored or deleted."""
    org = erased.target.org
    erased.superuser(f"DELETE FROM anchor_heads WHERE org_id = '{org}'")
    purge(erased)
    before = buckets.archive.versions(f"executions/org={org}/"), erased.executions()
    anchors = buckets.anchor.keys(f"anchors/org={org}/")
    with pytest.raises(RunFailed):
        archive_handler.handler({}, Context(900))
    assert (buckets.archive.versions(f"executions/org={org}/"), erased.executions()) == before
    assert buckets.anchor.keys(f"anchors/org={org}/") == anchors
    assert undone(erased) == 2


def test_what_no_anchor_has_followed_is_not_deleted(erased: Project, buckets: Buckets) -> None:
    """Objects were written anew, and the last anchor still lists the old ones; who is named."""
    url = erased.database.archiver
    run.archive(url, buckets.archive, 1)
    erased.superuser(f"DELETE FROM anchor_heads WHERE org_id = '{erased.target.org}'")
    before = buckets.archive.versions("executions/")
    with (
        pytest.raises(Incomplete, match="something else; organization main: The bucket has"),
        anchored(url, buckets.anchor, buckets.archive),
    ):
        raise Incomplete([BrokenChain("something else")])
    assert buckets.archive.versions("executions/") == before
    assert undone(erased) == 1


def test_why_a_run_failed_is_told_also_where_another_was_set_back(
    erased: Project, buckets: Buckets
) -> None:
    """A full disk stays a full disk; whom else it kept from nothing stands beside it."""
    erased.superuser(f"DELETE FROM anchor_heads WHERE org_id = '{erased.target.org}'")
    full = anchored(erased.database.archiver, buckets.anchor, buckets.archive)
    with pytest.raises(psycopg.errors.DiskFull) as failed, full:
        raise psycopg.errors.DiskFull("no space")
    assert "organization main: " in "".join(failed.value.__notes__)
