"""Recovering many organizations: the one that can't be is named, all others are recovered."""

from collections.abc import Iterator
from copy import replace
from io import BytesIO
from typing import Any

import pytest
from control_plane import administration, organizations
from control_plane.archive.outcome import Incomplete, ReadBackDiffers
from control_plane.models import SYSTEM
from control_plane.recovery.run import NotRecoverable, _Organization
from control_plane.verifying import Trail
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Cluster, copied
from tests.integration.conftest import ADD, Project
from tests.recovering import REGISTRIES, World, reach


def made_other(project: Project) -> Project:
    """Project `demo` of another organization, made now."""
    organizations.create_organization(project.store, REGISTRIES, "other", "x" * 12)
    org = administration.organization_id(project.store, "other") or ""
    names = {"slug": "demo", "title": "Demo", "template": "demo"}
    id = organizations.create_project(project.store, REGISTRIES, (org, SYSTEM), names)["project"]
    target = replace(project.target, org=org, project=id, principal=SYSTEM)
    return replace(project, target=target)


@pytest.fixture
def other(world: World, postgres: Cluster) -> Iterator[Project]:
    """The other organization's project; both were set back, and lost what anchors know."""
    other = made_other(world.project)
    world.anchor()
    world.project.store.disconnect()
    with copied(postgres, world.project.database) as earlier:
        for _ in range(3):
            world.execute()
            other.execute(ADD)
        world.anchor()
        world.use(earlier)
        yield replace(world.project, target=other.target)
        world.project.store.disconnect()


def recoveries(project: Project) -> int:
    """How often its chain says that it was recovered."""
    return [row["action"] for row in project.executions()].count("project.recover")


def problem(world: World, project: Project) -> str:
    """What a verifier says of its organization."""
    trail = Trail(project.database.archiver, world.source.anchor)
    return str(trail.check(project.target.org).finding)


def test_one_that_has_gone_on_too_far_keeps_no_other_from_it(world: World, other: Project) -> None:
    """The other's loss is recorded and anchored, once; nothing is of the one that is named."""
    world.execute(9)
    before = len(world.source.anchor.keys(f"anchors/org={world.org}/"))
    for _ in range(2):
        with pytest.raises(NotRecoverable, match="Organization main: Project") as told:
            world.recover()
    assert [each.slug for each in told.value.done.organizations] == ["other"]
    assert (recoveries(world.project), recoveries(other)) == (0, 1)
    assert problem(world, other) == "None"
    assert len(world.source.anchor.keys(f"anchors/org={world.org}/")) == before


def test_one_whose_anchors_are_not_whole_keeps_no_other_from_it(
    world: World, other: Project
) -> None:
    """It is named with the anchor, and recovered when that is repaired."""
    key = f"anchors/org={other.target.org}/2051-01-01T00:00:00.000000Z.json"
    world.source.anchor.put_new(key, BytesIO(b"{}"), "application/json")
    with pytest.raises(NotRecoverable, match="Organization other: The anchors aren't whole"):
        world.recover()
    assert (recoveries(world.project), recoveries(other)) == (1, 0)


@pytest.mark.parametrize("name", ["dt=2051-01-01/part-0000-0123456789abcdef.jsonl.gz", "notes"])
def test_one_whose_archive_cant_be_read_keeps_no_other_from_it(
    world: World, other: Project, name: str
) -> None:
    """What lies there may hold executions that were abandoned; without it the next run goes on."""
    key = f"executions/org={other.target.org}/{name}"
    world.source.archive.put_new(key, BytesIO(b"damaged"), "text/plain")
    with pytest.raises(NotRecoverable, match=f"Organization other: {key}"):
        world.recover()
    assert (recoveries(world.project), recoveries(other)) == (1, 0)
    world.source.archive.remove(key)
    world.recover()
    assert (recoveries(world.project), recoveries(other)) == (1, 1)
    assert [problem(world, project) for project in (world.project, other)] == ["None", "None"]


def test_by_command_all_is_told(
    world: World, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done, and last what was not, with exit code 1."""
    world.execute(9)
    reach(monkeypatch, world.project.database, world.source)
    told = CliRunner().invoke(cli, ["recover"])
    assert told.exit_code == 1
    assert "Organization other\n  Archived again: 0 executions" in told.stdout
    assert f"Abandoned: project {other.target.project}, seq" in told.stdout
    assert "No message is held." in told.stdout
    assert "start the functions" not in told.stdout
    assert told.stderr.startswith("Organization main: Project")


def test_one_that_is_written_to_meanwhile_keeps_no_other_from_it(
    world: World, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and recovered by the next run; so is an anchor that can't be put."""
    record, meanwhile = _Organization._record, iter([world.execute])

    def racing(self: _Organization, *given: Any) -> Any:
        if self._slug == "main":
            for execute in meanwhile:
                execute()
        return record(self, *given)

    def no_anchor(*_given: Any, **_orgs: Any) -> None:
        raise Incomplete([ReadBackDiffers("anchors of organization other: S3 lies.")])

    with monkeypatch.context() as now:
        now.setattr(_Organization, "_record", racing)
        now.setattr("control_plane.recovery.run.anchor", no_anchor)
        with pytest.raises(NotRecoverable, match=r"Organization main: .*\n.*other: S3 lies"):
            world.recover()
    assert (recoveries(world.project), recoveries(other)) == (0, 1)
    world.recover()
    assert (recoveries(world.project), recoveries(other)) == (1, 1)
