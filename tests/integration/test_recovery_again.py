"""Recovery where things are otherwise than one hopes: repeated, killed, needless, unreachable."""

from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from control_plane.archive.database import turn
from control_plane.archive.outcome import Overtaken
from control_plane.recovery import run
from control_plane.recovery.run import NotRecoverable
from control_plane.restore import run as restoring
from control_plane.verifying import Trail
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Cluster, Database, copied, new_database
from tests.recovering import REGISTRIES, World, reach


@pytest.fixture
def reached(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """What a command reaches is this database and these buckets."""
    reach(monkeypatch, world.project.database, world.source)
    return world


def notices(world: World) -> list[str]:
    """The keys of the notices of forks."""
    return list(world.source.anchor.keys("forks/"))


def test_where_nothing_was_set_back_nothing_is_recorded(world: World) -> None:
    """Messages are held all the same: from the database alone nobody can tell."""
    world.archive()
    world.put_message("waiting")
    before, rows = world.log(), world.rows()
    done = world.recover()
    assert (done.held, [each.abandoned for each in done.organizations]) == (1, [[]])
    assert (world.log(), world.rows(), notices(world)) == (before, rows, [])
    assert world.check() == []


def test_what_is_no_anchor_is_nothing_to_recover_from(world: World, empty: Database) -> None:
    """Somebody's own files beside the anchors: no fork, no organization, no notice."""
    for name in (f"org={world.org}/README.txt", "org=mine/notes.json", "README.txt"):
        world.source.anchor.put_new(f"anchors/{name}", BytesIO(b"hello"), "text/plain")
    before = world.log()
    done = world.recover()
    assert (done.unknown, notices(world), world.log()) == ([], [], before)
    trail = Trail(empty.archiver, world.source.anchor)
    assert trail.missing() == [{"org": world.org, "slug": world.org}]
    assert restoring.restore(empty.owner, world.source, REGISTRIES).organizations == 1


def test_of_an_empty_database_there_is_nothing_to_recover(world: World, postgres: Cluster) -> None:
    """Its organizations are named: they are restored instead."""
    with new_database(postgres) as empty:
        world.use(empty)
        done = world.recover()
        assert (done.organizations, done.unknown) == ([], [world.org])
        world.project.store.disconnect()


def test_set_back_a_second_time_to_an_earlier_moment(
    world: World, earlier: Database, postgres: Cluster
) -> None:
    """The first recovery's own record is abandoned, too; both forks are told."""
    world.execute(2)
    world.archive()
    world.project.store.disconnect()
    with copied(postgres, world.project.database) as later:
        world.execute(3)
        world.archive()
        world.use(later)
        first = world.recover().organizations[0].abandoned
        world.execute(4)
        world.archive()
        world.use(earlier)
        second = world.recover().organizations[0].abandoned
        assert [claim["first_seq"] for claim in second] < [claim["first_seq"] for claim in first]
        world.execute(9)
        world.archive()
        assert len(world.check()) == len(first) + len(second)
        assert world.has_each_once()


def test_set_back_forward_again_is_refused(
    world: World, earlier: Database, postgres: Cluster
) -> None:
    """What was abandoned stays so: the anchors hold what came in its place."""
    world.execute(5)
    world.anchor()
    world.project.store.disconnect()
    with copied(postgres, world.project.database) as later:
        world.use(earlier)
        world.recover()
        world.execute(2)
        world.anchor()
        world.use(later)
        with pytest.raises(NotRecoverable, match="Set the database back once more, to before"):
            world.recover()
        world.project.store.disconnect()


def test_killed_before_its_anchor_and_set_back_once_more(
    world: World, earlier: Database, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notice that was left there is passed over."""
    world.execute(5)
    world.anchor()
    world.use(earlier)
    world.project.store.disconnect()
    with copied(postgres, earlier) as again:
        with monkeypatch.context() as patch:
            patch.setattr(run, "anchor", _die)
            with pytest.raises(KeyboardInterrupt):
                world.recover()
        world.use(again)
        [only] = world.recover().organizations
        assert len(notices(world)) == 2
        world.execute(2)
        world.archive()
        assert world.check() == [_without_slug(claim) for claim in only.abandoned]


def _die(*_given: Any, **_more: Any) -> None:
    raise KeyboardInterrupt


def _without_slug(claim: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claim.items() if name != "slug"}


@pytest.mark.parametrize("step", ["administer", "put_notice"])
def test_a_restore_that_was_killed_is_ended_by_a_recovery(
    world: World, postgres: Cluster, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What it has recorded already isn't again."""
    lost = world.execute(3)
    world.anchor()
    with new_database(postgres) as empty:
        with monkeypatch.context() as patch:
            patch.setattr(restoring, step, _die)
            with pytest.raises(KeyboardInterrupt):
                restoring.restore(empty.owner, world.source, REGISTRIES)
        world.use(empty)
        world.recover()
        world.execute(2)
        world.archive()
        [claim] = [claim for claim in world.check() if claim["project"] == world.id]
        assert (claim["last_seq"], claim["hash"]) == (lost["seq"], lost["hash"])
        assert world.has_each_once()
        world.project.store.disconnect()


def test_while_an_archive_run_is_at_work_it_waits_its_turn(world: World, earlier: Database) -> None:
    """Both change the archive."""
    world.execute(5)
    world.anchor()
    world.use(earlier)
    before = world.log()
    with turn(earlier.archiver), pytest.raises(Overtaken):
        world.recover()
    assert world.log() == before
    world.recover()
    assert len(world.check()) == 1


def test_an_archive_that_cant_be_reached_is_told(
    reached: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, with what to do; messages are held by then, and nothing else was done."""
    reached.put_message("waiting")
    before = reached.log()
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        told = CliRunner().invoke(cli, ["recover"])
    assert told.exit_code == 1
    assert not isinstance(told.exception, EndpointConnectionError)
    assert "S3 doesn't do what it is asked for" in told.output
    assert "Messages are held" in told.output
    assert (reached.log(), reached.send()) == (before, [])
    assert CliRunner().invoke(cli, ["recover"]).exit_code == 0


def test_a_database_that_takes_no_writes_yet_is_told(reached: World) -> None:
    """As long as it replays its log up to the moment, it can only be read."""
    name = reached.project.database.name
    reached.project.superuser(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    told = CliRunner().invoke(cli, ["recover"])
    assert told.exit_code == 1
    assert "Recover when it takes writes." in told.output


def test_its_help_teaches() -> None:
    """When, what, and what for."""
    told = CliRunner().invoke(cli, ["recover", "--help"]).output
    for word in ("point-in-time", "Stop", "holds every message", "abandoned", "--release"):
        assert word in told
