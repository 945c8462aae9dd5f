"""What ends payloads or a project is on record, or it doesn't come about."""

import orjson
import psycopg
import pytest
from control_plane.verifying import Trail

from tests.evidence import fetched
from tests.recovering import World

PURGED = "UPDATE projects SET status = 'purged' WHERE id = %s"
FORGED = '{"seq": 3, "first_seq": 1, "last_seq": 2, "first_version": 1, "last_version": 2}'


def as_the_application(world: World, *statements: str) -> None:
    """What the application's own login can do in its tenant, all at once."""
    with psycopg.connect(world.project.database.app) as connection:
        connection.execute("SELECT set_config('app.org', %s, true)", [world.org])
        for statement in statements:
            connection.execute(statement.encode(), [world.id])


def test_no_archived_payload_goes_on_the_quiet(world: World) -> None:
    """A number of an execution that is archived long since is no word for an erasure."""
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        as_the_application(world, f"SELECT erase_payloads(%s, now(), '{FORGED}')")
    world.archive()
    assert not [item for item in world.log() if item.get("erased")]


@pytest.mark.parametrize("also", [[], ["SELECT erase_archived(%s, now(), 7)"]])
def test_no_project_is_purged_on_the_quiet(world: World, also: list[str]) -> None:
    """Neither what is live nor what is archived of it would be there after the next run."""
    before = world.log()
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        as_the_application(world, PURGED, *also)
    world.archive()
    assert world.log() == before
    assert world.check() == []


@pytest.mark.parametrize("archived", [False, True])
def test_a_purge_that_no_execution_records_removes_nothing(world: World, archived: bool) -> None:
    """Past the database's own rule, too: the rows stay, and verifying names the project."""
    if archived:
        world.archive()
    before = world.rows()
    world.project.superuser(
        "SET session_replication_role = replica; UPDATE projects SET status = 'purged'"
        f" WHERE id = '{world.id}'"
    )
    world.archive()
    assert [row for row in world.rows() if row[0] == world.id] == [
        row for row in before if row[0] == world.id
    ]
    anchors = fetched(world.s3, world.source.anchor.name)
    assert not any("purged" in held for held in orjson.loads(anchors[max(anchors)])["projects"])
    found = Trail(world.project.database.archiver, world.source.anchor).check(world.org).finding
    assert found is not None
    assert (found.project, found.problem) == (
        world.id, "By the database it was purged, and no execution says so.",
    )  # fmt: skip
