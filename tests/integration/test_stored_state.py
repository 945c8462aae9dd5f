"""Stored state is what its hashes say and what its chain has left, or nothing goes on from it."""

from copy import replace

import psycopg
import pytest
from control_plane import history, reading
from control_plane.archive.reader import Archive
from control_plane.errors import Damaged
from control_plane.models import Intent
from control_plane.registry import Registry, Template
from control_plane.verifying import Trail

from tests.integration.conftest import ADD, Project
from tests.integration.test_promise import fresh
from tests.integration.test_time import Anything, anything
from tests.recovering import World

ALTERED = "UPDATE components SET state = '{\"value\":999}' WHERE id = 'demo.counter'"
REHASHED = (
    "UPDATE components SET state = s, hash = encode(sha256(s::bytea), 'hex')"
    " FROM (VALUES ('{\"value\":999}')) AS v (s) WHERE id = 'demo.counter'"
)
ADDED = (
    "INSERT INTO components SELECT org_id, project_id, 'a', 1, version, hash, state"
    " FROM components WHERE id = 'demo.counter'"
)
REMEMBER = Intent("memory.remember", {"key": "k", "value": 1})
PAUSE = Intent("project.pause", {})


def test_nothing_goes_on_from_an_altered_state(project: Project) -> None:
    """It is neither answered nor executed upon, and the project can still be paused."""
    before = project.execute(ADD)
    project.superuser(ALTERED)
    for reads in (
        lambda: reading.state(project.store, project.target),
        lambda: project.preview(ADD),
        lambda: project.execute(ADD),
        lambda: project.execute(REMEMBER, ADD, confirm="0" * 64),
    ):
        with pytest.raises(Damaged, match="chat-agent audit verify"):
            reads()
    assert project.executions()[-1]["seq"] == before["seq"]
    assert project.execute(PAUSE)["status"] == "success"


def test_a_history_that_contradicts_itself_is_told(project: Project) -> None:
    """Whoever asks for a version after that gets a sentence, in a preview of going back as well."""
    project.execute(ADD)
    project.superuser(REHASHED)
    last = project.execute(ADD)
    version = last["version"]
    for reads in (
        lambda: history.state_at_version(
            project.store, Archive(project.store), project.target, version
        ),
        lambda: project.preview(Intent("project.revert", {"version": version})),
    ):
        with pytest.raises(Damaged, match=f"^Execution {last['seq']} doesn't follow"):
            reads()


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (ALTERED, "Component demo.counter was altered"),
        (REHASHED, "The stored components are not the state that it left"),
        (ADDED, "The stored components are not the state that it left"),
        ("DELETE FROM components", "The stored components are not the state that it left"),
    ],
)
def test_verifying_names_the_project_whose_state_was_altered(
    world: World, statement: str, says: str, archived: bool
) -> None:
    """By the last success, also where only the archive still has that, and not by a refusal."""
    last = world.execute()
    world.project.execute(Intent("demo.counter.unknown", {}))
    if archived:
        world.archive()
    world.project.superuser(statement)
    for only in (None, "demo"):
        found = Trail(world.project.database.archiver, world.source.anchor).check(world.org, only)
        assert found.finding is not None
        assert (found.finding.project, found.finding.seq) == (world.id, last["seq"])
        assert found.finding.problem.startswith(says)


def test_components_that_come_change_and_go_by_executions_are_in_order(world: World) -> None:
    """The system's own one brings a state to its declarations; reverting changes it as well."""
    desk = fresh(world.project, anything("a", "b"))
    first = desk.execute(Intent("put.n0", {"value": [1]}))
    newer = Template("anything")
    was = {1: lambda state: {"was": state}}
    newer.component("a", Anything, {}, title="a", schema_version=2, migrations=was)
    newer.component("c", Anything, {}, title="c")
    newer.remove_component("b")
    world.check()
    desk.target = replace(desk.target, registry=Registry(newer))
    assert desk.execute(PAUSE)["status"] == "success"
    assert reading.state(desk.store, desk.target)["components"] == {"a": {"was": [1]}, "c": {}}
    world.check()
    world.archive()
    desk.execute(Intent("project.resume", {}))
    assert desk.execute(Intent("project.revert", {"version": first["version"]}))["diff"] == []
    world.execute()
    assert world.check() == []


def test_the_archiver_is_told_hashes_and_sees_no_state(world: World) -> None:
    """Verifying by its login shows nothing of anybody's values."""
    with psycopg.connect(world.project.database.archiver) as connection:
        told = connection.execute("SELECT * FROM component_hashes(%s, NULL)", [world.org])
        assert [row[1:] for row in told if str(row[0]) == world.id] == [
            (row["id"], row["hash"], True)
            for row in world.project.rows(
                "SELECT id, hash FROM components WHERE project_id = %s ORDER BY id"
            )
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM components")
