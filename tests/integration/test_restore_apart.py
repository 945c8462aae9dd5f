"""Restoring one organization of many: what is damaged of another keeps it from nothing."""

from typing import Any

import pytest
from control_plane import settings
from control_plane.restore.run import Damaged, restore
from control_plane.verifying import Trail
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Database
from tests.integration.conftest import Project
from tests.integration.test_recovery_apart import made_other
from tests.recovering import REGISTRIES, World


@pytest.fixture
def other(world: World) -> Project:
    """Another organization's project, archived; a delete marker hides its archive."""
    other = made_other(world.project)
    world.archive()
    for key in world.source.objects(other.target.org):
        world.s3.client.delete_object(Bucket=world.source.archive.name, Key=key)
    return other


@pytest.fixture(autouse=True)
def environment(world: World, empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands restore into an empty database."""
    for name, value in {
        "OWNER_DATABASE_URL": empty.owner,
        "ARCHIVE_BUCKET": world.source.archive.name,
        "ANCHOR_BUCKET": world.source.anchor.name,
    }.items():
        monkeypatch.setenv(f"CHAT_AGENT_{name}", value)
    settings.settings.cache_clear()


def command(*names: str) -> Any:
    """Restore these organizations."""
    words = [word for name in names for word in ("--organization", name)]
    return CliRunner().invoke(cli, ["archive", "restore", *words])


def test_who_is_damaged_is_told_and_the_others_can_be_restored(
    world: World, other: Project, empty: Database
) -> None:
    """By slug or id, one after the other; only those are anchored."""
    anchors = world.source.anchors(other.target.org)
    with pytest.raises(Damaged, match=f"organization {other.target.org}: "):
        restore(empty.owner, world.source, REGISTRIES)
    done = command("main")
    assert done.exit_code == 0, done.output
    assert "projects in 1 organizations" in done.output
    trail = Trail(empty.archiver, world.source.anchor)
    assert trail.check(world.org).finding is None
    again = command(other.target.org)
    assert f"organization {other.target.org}: " in again.stderr
    assert world.source.anchors(other.target.org) == anchors
    assert "or name others" in command("main").stderr
    for version in world.source.archive.versions("executions/"):
        if version.is_marker:
            world.source.archive.delete(version.key, version.id)
    assert command("other").exit_code == 0
    assert trail.check(other.target.org).finding is None


def test_who_is_not_in_the_archive_is_told(other: Project) -> None:
    """Also one whose slug can't be read any more: it has an id."""
    assert "no organization 'west'" in command("main", "west").stderr
    assert "Name it by its id" in command("other").stderr
    assert f"organization {other.target.org}: " in command(other.target.org).stderr
