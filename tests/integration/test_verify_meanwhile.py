"""Verifying while an archive run follows an erasure: no false alarm."""

import time
from typing import Any

import pytest
from control_plane.archive.bucket import Bucket
from control_plane.proof import notice
from control_plane.restore.source import Buckets
from control_plane.verifying import Trail

from tests.integration.conftest import Project
from tests.integration.test_erasure import erase
from tests.integration.test_erasure_archive import archive, told

__all__ = ["told"]


@pytest.mark.parametrize("when", ["before the manifest is read", "before an object is read"])
def test_an_erasing_run_during_a_verification_is_no_fault(
    project: Project, told: Any, buckets: Buckets, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object that was listed is gone; it was written anew, and the trail is in order."""
    archive(project, buckets)
    first, last = told
    erase(project, first["seq"], last["seq"])
    owner, name = (Bucket, "chunks") if "object" in when else (notice, "in_order")
    real = getattr(owner, name)

    def meanwhile(*given: Any) -> Any:
        done = real(*given) if owner is notice else None
        if owner is notice or given[1].startswith("executions/"):
            monkeypatch.setattr(owner, name, real)
            archive(project, buckets)
        return done if owner is notice else real(*given)

    monkeypatch.setattr(owner, name, meanwhile)
    report = Trail(project.database.archiver, buckets.anchor).check(project.target.org)
    assert report.finding is None


def test_a_verification_may_rest_longer_than_a_database_that_pauses_allows(
    project: Project, buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it reads S3 its connection idles, and is there when it is needed."""
    archive(project, buckets)
    name = project.database.name
    project.superuser(f"ALTER DATABASE {name} SET idle_session_timeout = '200ms'")
    read = Bucket.chunks

    def slowly(*given: Any) -> Any:
        time.sleep(0.5)
        return read(*given)

    monkeypatch.setattr(Bucket, "chunks", slowly)
    report = Trail(project.database.archiver, buckets.anchor).check(project.target.org)
    assert report.finding is None
