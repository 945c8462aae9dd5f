"""Any moment in time: state at each version is what it was, and can be brought back."""

from copy import replace
from typing import Any

import pytest
from control_plane import history, reading
from control_plane.archive.reader import Archive
from control_plane.canonical import canonical, stored
from control_plane.engine.effects import apply
from control_plane.errors import ConfirmationStale
from control_plane.models import Intent
from control_plane.registry import Changed, Registry, State, Template, View
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, RootModel

from tests.integration.conftest import ADD, Project
from tests.integration.test_promise import fresh
from tests.unit.test_canonical import JSON

SET = Intent("demo.counter.set", {"value": 5})


class Anything(RootModel[JsonValue]):
    """A component of any shape."""


def anything(*ids: str, **more: Any) -> Registry:
    """A registry whose components hold any JSON; `put.<n>` replaces the n-th one's state."""
    template = Template("anything")
    for number, id in enumerate(ids):
        template.component(id, Anything, {}, title=id, **more)
        _put(template, number, id)
    return Registry(template)


def _put(template: Template, number: int, id: str) -> None:
    def handler(_: View, value: JsonValue) -> Changed:
        return {id: value}

    template.action(f"put.n{number}", changes=f"/{id}", title=id)(handler)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.integers(0, 2), JSON), min_size=1, max_size=12))
def test_the_fold_of_all_diffs_is_the_state_at_every_version(
    project: Project, writes: list[tuple[int, Any]]
) -> None:
    """Dotted ids, arrays, deep paths, unicode keys, ~ and /: from {} on, diff by diff."""
    desk = fresh(project, anything("a", "a.b", "a.b.c"))
    lived: dict[int, Any] = {}
    for number, value in writes:
        desk.execute(Intent(f"put.n{number}", {"value": value}))
        state = reading.state(desk.store, desk.target)
        lived[state["version"]] = state
    folded: Any = {}
    for row in desk.executions():
        if row["version"] is not None:
            folded = apply(folded, stored(row["payload"])["diff"])
        if row["version"] in lived:
            assert canonical(folded) == canonical(lived[row["version"]]["components"])
            assert stored(row["record"])["state_hash"] == lived[row["version"]]["state_hash"]
    for version, state in lived.items():
        then = history.state_at_version(desk.store, Archive(desk.store), desk.target, version)
        assert canonical(then["components"]) == canonical(state["components"])
        assert then["state_hash"] == state["state_hash"]


def test_checkpoints_bound_how_much_is_folded(project: Project) -> None:
    """However long the history, at most 64 diffs are read for a version."""
    for _ in range(140):
        project.execute(ADD)
    archived = Archive(project.store)
    for version in (2, 63, 64, 65, 127, 128, 129, 142):
        state = history.state_at_version(project.store, archived, project.target, version)
        assert state["components"]["demo.counter"] == {"value": version - 2}
    held = project.rows("SELECT version FROM checkpoints WHERE project_id = %s ORDER BY version")
    assert [row["version"] for row in held] == [64, 128]


def revert(version: int) -> Intent:
    """Ask to go back."""
    return Intent("project.revert", {"version": version})


def test_a_revert_is_previewed_executed_and_reverted_like_anything_else(project: Project) -> None:
    """Its effect is bound by the digest; it makes a new version, and can be undone itself."""
    start = reading.state(project.store, project.target)["version"]
    project.execute(SET)
    project.execute(Intent("memory.remember", {"key": "a", "value": [1, {"b": 2}]}))
    changed = reading.state(project.store, project.target)
    preview = project.preview(revert(start))
    assert preview["status"] == "success"
    done = project.execute(revert(start), confirm=preview["digest"])
    assert done["diff"] == preview["steps"][0]["diff"]
    assert done["version"] == changed["version"] + 1
    assert reading.state(project.store, project.target)["components"] == {
        "demo.counter": {"value": 0},
        "memory": {},
    }
    project.execute(revert(changed["version"]))
    again = reading.state(project.store, project.target)
    assert again["components"] == changed["components"]
    assert again["state_hash"] == changed["state_hash"]


def test_a_revert_goes_stale_like_any_promise(project: Project) -> None:
    """When a value that it would change has moved, nothing happens."""
    project.execute(SET)
    preview = project.preview(revert(2))
    project.execute(ADD)
    with pytest.raises(ConfirmationStale):
        project.execute(revert(2), confirm=preview["digest"])
    assert project.value() == 6


def test_a_version_that_was_not_can_not_be_brought_back(project: Project) -> None:
    """It is refused with a reason, and recorded; so is what is no version at all."""
    for version in (99, 2**53 - 1):
        refused = project.execute(revert(version))
        assert refused["reasons"] == [{"code": "unknown_version"}]
    for wrong in (-1, "2", 1.5, True, None, [2], {"a": 2}):
        refused = project.execute(Intent("project.revert", {"version": wrong}))
        assert refused["reasons"][0]["code"] == "invalid_inputs"


def test_version_0_can_be_gone_back_to(project: Project) -> None:
    """Before there was anything, everything is as it is declared to begin."""
    project.execute(SET)
    assert project.execute(revert(0))["status"] == "success"
    assert project.value() == 0


class Old(State):
    """The first shape."""

    count: int


class New(State):
    """The second shape, with another name for the same."""

    total: int
    unit: str


def shape(model: Any, initial: Any, version: int, **more: Any) -> Registry:
    """A registry of one component in some shape."""
    template = Template("shape")
    template.component("box", model, initial, title="Box", schema_version=version, **more)

    def touch(state: View) -> Changed:
        return {"box": dict(state["box"])}

    template.action("box.touch", changes="/box", title="Touch")(touch)
    return Registry(template)


def test_a_changed_declaration_is_migrated_by_the_system_first(project: Project) -> None:
    """Until somebody asks, the stored form is shown; then the migration is its own execution."""
    desk = fresh(project, shape(Old, {"count": 3}, 1))
    migrations = {1: lambda state: {"total": state["count"], "unit": "pieces"}}
    newer = shape(New, {"total": 0, "unit": ""}, 2, migrations=migrations)
    target = replace(desk.target, registry=newer)
    later = Project(desk.store, target, desk.database, desk._numbers)
    assert reading.state(later.store, later.target)["components"] == {"box": {"count": 3}}
    assert later.preview(Intent("box.touch", {}))["status"] == "success"
    done = later.execute(Intent("box.touch", {}))
    migrated, asked = later.executions()[-2:]
    assert (migrated["action"], migrated["principal_id"]) == ("project.migrate", "system")
    assert asked["seq"] == done["seq"]
    now = reading.state(later.store, later.target)
    assert now["components"] == {"box": {"total": 3, "unit": "pieces"}}
    before = history.state_at_version(later.store, Archive(later.store), later.target, 2)
    assert before["components"] == {"box": {"count": 3}}
    later.execute(Intent("box.touch", {}))
    assert [row["action"] for row in later.executions()].count("project.migrate") == 2


def test_a_component_declared_to_be_gone_is_removed_once(project: Project) -> None:
    """Its state leaves with the old value in the diff, and comes back with an older version."""
    desk = fresh(project, anything("a", "b"))
    desk.execute(Intent("put.n1", {"value": {"kept": [1, 2]}}))
    version = reading.state(desk.store, desk.target)["version"]
    template = Template("fewer")
    template.component("a", Anything, {}, title="A")
    _put(template, 0, "a")
    template.remove_component("b")
    target = replace(desk.target, registry=Registry(template))
    fewer = Project(desk.store, target, desk.database, desk._numbers)
    fewer.execute(Intent("put.n0", {"value": 1}))
    removal = stored(fewer.executions()[-2]["payload"])["diff"]
    assert removal == [{"op": "remove", "path": "/b", "before": {"kept": [1, 2]}}]
    assert reading.state(fewer.store, fewer.target)["components"] == {"a": 1}
    then = history.state_at_version(fewer.store, Archive(fewer.store), fewer.target, version)
    assert then["components"]["b"] == {"kept": [1, 2]}


def test_a_revert_goes_back_over_a_migration(project: Project) -> None:
    """An earlier version's state comes back in today's form, and says whose work is undone."""
    desk = shaped(project, 1)
    desk.execute(Intent("shape.put", {"value": 3}))
    then = desk.execute(Intent("shape.put", {"value": 4}))
    desk.target = shaped(project, 2).target
    desk.execute(Intent("shape.put", {"value": 9}))
    gone_back = desk.execute(Intent("project.revert", {"version": then["version"]}))
    assert gone_back["status"] == "success"
    assert gone_back["about"] == then["seq"]
    state = history.state_at_version(
        project.store, Archive(project.store), desk.target, gone_back["version"]
    )
    assert state["components"]["shape"] == {"total": 4}


class Before(State):
    """A shape's first form."""

    count: int


class After(State):
    """Its second."""

    total: int


def shaped(project: Project, version: int) -> Project:
    """Project `demo` with one component more, in its first or second form."""
    template = Template("shaped")
    more = {"schema_version": 2, "migrations": {1: lambda old: {"total": old["count"]}}}
    model, name = (Before, "count") if version == 1 else (After, "total")
    template.component("shape", model, {name: 0}, title="Shape", **(more if version == 2 else {}))

    @template.action("shape.put", changes="/shape", title="Put")
    def put(_: View, value: int) -> Changed:
        return {"shape": {name: value}}

    return Project(
        project.store, replace(project.target, registry=Registry(template)), project.database
    )
