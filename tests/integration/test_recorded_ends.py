"""What ends payloads or a project is on record, or it doesn't come about."""

import psycopg
import pytest

from tests.recovering import World

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
