"""A database that was set back to before an erasure or a purge that the archive has followed."""

import pytest
from control_plane.archive import forgetting
from control_plane.errors import StateErased
from control_plane.models import Intent
from control_plane.recovery import erased

from tests.conftest import Cluster, copied
from tests.integration.conftest import Project
from tests.integration.test_erasure import SECRET, erase, everything, forget, remember, state
from tests.recovering import World
from tests.s3 import S3


def follow(world: World) -> None:
    """An archive run as the scheduled function does it: objects without what was erased alone."""
    world.archive()
    forgetting.forget(world.project.database.archiver, world.source.archive)


@pytest.mark.parametrize("where", ["archived", "live"])
@pytest.mark.parametrize("what", ["erasure", "purge"])
def test_what_was_erased_since_stays_erased(
    project: Project, s3: S3, postgres: Cluster, what: str, where: str
) -> None:
    """Whether the manifest names an object that is gone, or the executions are rows again.

    The manifest names the object that was written anew, copies go, and later versions can be read.
    """
    world = World(project, s3)
    first = project.execute(remember(SECRET))
    last = project.execute(forget())
    world.execute(2)
    if where == "archived":
        follow(world)
    before, newest = world.log(), state(project, 4)
    project.store.disconnect()
    with copied(postgres, project.database) as earlier:
        follow(world)
        if what == "erasure":
            assert erase(project, first["seq"], last["seq"])["status"] == "success"
        else:
            done = project.execute(Intent("project.purge", {"slug": "demo"}))
            assert done["status"] == "success"
        follow(world)
        world.use(earlier)
        world.recover()
        log = {each["seq"]: each for each in world.log()}
        assert all(log[each["seq"]]["hash"] == each["hash"] for each in before)
        assert log[first["seq"]]["erased"] is True
        assert SECRET not in everything(world.project)
        with pytest.raises(StateErased):
            state(world.project, first["version"])
        if what == "erasure":
            assert state(world.project, 4) == newest
        assert world.has_each_once()
        world.check()
        world.execute()
        follow(world)
        world.check()


def test_what_was_erased_before_it_was_archived_is_erased_once_more(
    project: Project, s3: S3, postgres: Cluster
) -> None:
    """Its object holds the erasure, too, which the database has lost: it is left, and rows stay."""
    world = World(project, s3)
    first = project.execute(remember(SECRET))
    last = project.execute(forget())
    project.store.disconnect()
    with copied(postgres, project.database) as earlier:
        erase(project, first["seq"], last["seq"])
        follow(world)
        world.use(earlier)
        [only] = world.recover().organizations
        assert len(only.adopted.left) == 1
        assert SECRET in everything(world.project)
        assert erase(world.project, first["seq"], last["seq"])["status"] == "success"
        assert SECRET not in everything(world.project)
        follow(world)
        world.check()


def test_killed_on_the_way_it_is_followed_the_next_time(
    project: Project, s3: S3, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies go before the manifest names the object."""
    world = World(project, s3)
    first = project.execute(remember(SECRET))
    last = project.execute(forget())
    follow(world)
    project.store.disconnect()
    with copied(postgres, project.database) as earlier:
        erase(project, first["seq"], last["seq"])
        follow(world)
        world.use(earlier)
        real = erased.sql  # type: ignore[attr-defined]

        def dying(name: str) -> str:
            if name == "erasure_switch":
                raise KeyboardInterrupt
            return str(real(name))

        monkeypatch.setattr(erased, "sql", dying)
        with pytest.raises(KeyboardInterrupt):
            world.recover()
        assert SECRET not in everything(world.project)
        monkeypatch.setattr(erased, "sql", real)
        world.recover()
        assert world.has_each_once()
        world.check()
