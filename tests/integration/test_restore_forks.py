"""Archives that forked are restored as they are in force, and a restore may fork one itself."""

import pytest
from control_plane import reading
from control_plane.archive import part
from control_plane.archive import run as runs
from control_plane.restore.run import restore

from tests.conftest import Cluster, Database, new_database
from tests.recovering import REGISTRIES, World


def test_an_archive_that_forked_is_restored_as_it_is_in_force(
    world: World, earlier: Database, postgres: Cluster
) -> None:
    """Without what lies in it and was abandoned."""
    world.execute(5)
    world.archive()
    world.use(earlier)
    world.recover()
    world.execute(9)
    world.archive()
    log, state = world.log(), reading.state(world.project.store, world.project.target)
    with new_database(postgres) as empty:
        restore(empty.owner, world.source, REGISTRIES)
        world.use(empty)
        assert world.log()[:-1] == log
        restored = reading.state(world.project.store, world.project.target)
        assert restored["components"] == state["components"]
        world.anchor(follow=True)
        assert len(world.check()) == 1
        world.project.store.disconnect()


def test_an_object_of_which_a_part_was_abandoned_is_restored_as_rows(
    world: World, earlier: Database, postgres: Cluster
) -> None:
    """The manifest names whole objects; no anchor has ever listed this one."""
    kept = world.log()[-1]
    world.execute(5)
    runs.archive(world.project.database.archiver, world.source.archive, 0)
    world.use(earlier)
    world.recover()
    lost = world.execute(2)
    world.anchor()
    with new_database(postgres) as empty:
        restore(empty.owner, world.source, REGISTRIES)
        world.use(empty)
        world.anchor(follow=True)
        assert world.log()[-2]["hash"] == kept["hash"]
        last = [c["hash"] for c in world.check() if c["project"] == world.id][-1]
        assert last == lost["hash"]
        assert world.has_each_once()
        world.project.store.disconnect()


def test_a_restore_until_a_moment_leaves_a_trail_that_is_accepted(
    world: World, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leaves in the archive is out of the manifest, and each chain says so."""
    monkeypatch.setattr(part, "MAX_PART_BYTES", 2_000)  # some objects a run
    moment = world.execute()["at"]
    lost = world.execute(3)
    world.archive()
    world.execute(2)
    world.anchor()
    with new_database(postgres) as empty:
        restore(empty.owner, world.source, REGISTRIES, until=moment)
        world.use(empty)
        world.anchor(follow=True)
        [claim] = [c for c in world.check() if c["project"] == world.id]
        assert (claim["first_seq"], claim["last_seq"]) == (lost["seq"] - 2, lost["seq"] + 2)
        world.execute(9)
        world.archive()
        assert claim in world.check()
        assert world.has_each_once()
        world.project.store.disconnect()
