"""Erasure and restore: what was erased stays erased, and all else comes back."""

import re
from typing import Any

import pytest
from control_plane.archive import forgetting, run
from control_plane.archive.anchors import anchor
from control_plane.errors import StateErased
from control_plane.registry import load_registries
from control_plane.restore.run import Damaged, restore
from control_plane.restore.source import Buckets
from control_plane.store import Store

from tests.conftest import Database
from tests.integration.conftest import ADD, Project
from tests.integration.test_erasure import SECRET, erase, everything, forget, log, remember, state
from tests.integration.test_restore import dump
from tests.s3 import S3

REGISTRIES = load_registries()


def archive(database: Database, buckets: Buckets) -> None:
    """Everything up to now goes to the archive; as the scheduled function does it."""
    run.archive(database.archiver, buckets.archive, 0)
    anchor(database.archiver, buckets.anchor)
    forgetting.forget(database.archiver, buckets.archive)


def tell(project: Project, executions: int = 3) -> tuple[Any, Any]:
    """A secret is remembered and forgotten: the first and the last execution about it."""
    project.execute(ADD)
    first = project.execute(remember(SECRET))
    for _ in range(executions):
        project.execute(ADD)
    last = project.execute(forget())
    project.execute(ADD)
    return first, last


@pytest.mark.parametrize("executions", [3, 150])
@pytest.mark.parametrize("when", ["live", "archived"])
def test_a_restore_goes_on_after_what_was_erased(
    project: Project, buckets: Buckets, empty: Database, when: str, executions: int
) -> None:
    """Byte for byte what there was; old versions read, and those that were erased are gone."""
    first, last = tell(project, executions)
    if when == "archived":
        archive(project.database, buckets)
    erase(project, first["seq"], last["seq"])
    archive(project.database, buckets)
    gone = range(first["version"], last["version"])
    there = [v for v in range(last["version"] + 2) if v not in gone]
    before = {version: state(project, version) for version in there}
    restore(empty.owner, buckets, REGISTRIES)
    anchor(empty.archiver, buckets.anchor, follow=True)
    assert dump(empty) == dump(project.database)
    again = Project(Store(empty.app), project.target, empty)
    assert {version: state(again, version) for version in there} == before
    with pytest.raises(StateErased):
        state(again, first["version"])
    assert log(again)[first["seq"]]["erased"] is True
    assert again.execute(ADD)["status"] == "success"
    assert SECRET not in everything(again)
    archive(empty, buckets)
    assert again.rows("SELECT FROM erasures WHERE project_id = %s AND done_at IS NULL") == []


def test_a_restore_before_the_archive_was_rewritten(
    project: Project, buckets: Buckets, empty: Database
) -> None:
    """Where a run was killed in between, reads are as erased and the next run finishes."""
    first, last = tell(project)
    archive(project.database, buckets)
    erase(project, first["seq"], last["seq"])
    run.archive(project.database.archiver, buckets.archive, 0)
    anchor(project.database.archiver, buckets.anchor)  # killed before the old object goes
    restore(empty.owner, buckets, REGISTRIES)
    anchor(empty.archiver, buckets.anchor, follow=True)
    again = Project(Store(empty.app), project.target, empty)
    assert log(again)[first["seq"]]["erased"] is True
    with pytest.raises(StateErased):
        state(again, first["version"])
    assert state(again, last["version"]) == state(project, last["version"])
    archive(empty, buckets)
    assert len(buckets.archive.versions("executions/")) == len(
        again.rows("SELECT FROM archives WHERE %s <> ''")
    )


@pytest.mark.parametrize("harm", ["missing", "altered"])
def test_without_the_kept_state_nothing_is_restored(
    project: Project, buckets: Buckets, empty: Database, s3: S3, harm: str
) -> None:
    """The project and the execution are named; a state that isn't the recorded one is none."""
    first, last = tell(project)
    erase(project, first["seq"], last["seq"])
    archive(project.database, buckets)
    [key] = buckets.archive.keys("checkpoints/")
    s3.client.delete_object(Bucket=buckets.archive.name, Key=key)
    if harm == "altered":
        s3.client.put_object(Bucket=buckets.archive.name, Key=key, Body=b"\x1f\x8b damaged")
    named = f"{project.target.project}, seq {first['seq']}: it was erased"
    with pytest.raises(Damaged, match=re.escape(named)):
        restore(empty.owner, buckets, REGISTRIES)
    assert dump(empty)["organizations"] == []
