"""Somebody who writes the database, but not the bucket that locks what is put, forges a fork."""

from typing import Any

import pytest
from control_plane import organizations, settings
from control_plane.administration import administer
from control_plane.archive.anchors import anchor
from control_plane.archive.outcome import Incomplete
from control_plane.models import SYSTEM, Intent, Json
from control_plane.proof.finding import Finding
from control_plane.target import Target
from control_plane.verifying import Trail
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Cluster, Database, new_database
from tests.evidence import fetched
from tests.recovering import REGISTRIES, World
from tests.verifying import in_javascript, in_python


def last_anchor(world: World) -> str:
    """The moment of the last anchor."""
    return world.source.anchors(world.org)[-1].split("/")[2].removesuffix(".json")


def forge(world: World, lost: Any) -> None:
    """The record that a recovery would have made, by the very same code, in the chain alone."""
    seq = world.log()[-1]["seq"]
    claim: Json = {
        **{"project": world.id, "first_seq": seq + 1, "last_seq": lost["seq"]},
        **{"hash": lost["hash"], "anchor": last_anchor(world)},
    }
    target = Target(world.org, world.id, SYSTEM, REGISTRIES["demo"])
    inputs: dict[str, Json] = {"seq": seq, "hash": world.log()[-1]["hash"], "abandoned": [claim]}
    administer(world.project.store, target, [(Intent("project.recover", inputs), [])])


def hide(world: World) -> None:
    """The database says that it has put the bucket's last anchor itself."""
    key = world.source.anchors(world.org)[-1]
    digest = world.source.anchor.read_back(key)[1]
    world.project.superuser(
        f"UPDATE anchor_heads SET sha256 = '{digest}', at = '{last_anchor(world)}', waiting = NULL"
    )


def found(world: World) -> Finding | None:
    """The fault, where the trail lives."""
    return Trail(world.project.database.archiver, world.source.anchor).check(world.org).finding


def test_a_fork_that_only_the_database_records_hides_nothing(
    world: World, earlier: Database
) -> None:
    """Its record fits the anchors in every member; no notice says so, and nothing is anchored."""
    lost = world.execute(5)
    world.anchor()
    world.use(earlier)
    forge(world, lost)
    assert "no notice beside the anchors" in str(found(world)) or "made anew" in str(found(world))
    with pytest.raises(Incomplete, match="chat-agent recover"):
        world.anchor()


def test_nor_when_the_archiver_is_led_to_anchor_it(world: World, earlier: Database) -> None:
    """The next anchor goes back then, in a bucket that keeps both: every verifier says so."""
    lost = world.execute(5)
    world.anchor()
    world.use(earlier)
    hide(world)
    forge(world, lost)
    world.execute(1)
    anchor(earlier.archiver, world.source.anchor)
    assert "It says that a chain went back." in str(found(world))
    world.execute(9)
    world.archive()
    assert "It says that a chain went back." in str(found(world))
    buckets = (world.source.archive.name, world.source.anchor.name)
    files = fetched(world.s3, buckets[0]) | fetched(world.s3, buckets[1])
    reports = in_python(files)
    assert [each.finding for each in reports] == [found(world)]
    assert in_javascript({}, [files]) == [[each.members() for each in reports]]


def test_nor_when_it_has_gone_on_past_the_anchor_first(world: World, earlier: Database) -> None:
    """No anchor goes back then, and its record is nowhere but in the chain."""
    lost = world.execute(2)
    world.anchor()
    world.use(earlier)
    hide(world)
    forge(world, lost)
    world.execute(9)
    anchor(earlier.archiver, world.source.anchor)
    assert "no notice beside the anchors" in str(found(world))


def test_a_claim_that_hides_nothing_is_no_notice_either(world: World) -> None:
    """Nothing was set back, and an execution says that something was."""
    world.anchor()
    last = world.log()[-1]
    forge(world, {"seq": last["seq"] + 3, "hash": last["hash"]})
    assert "no notice beside the anchors" in str(found(world))


def test_nobody_asks_for_a_recovery_by_name(world: World) -> None:
    """It is the system's own: to everybody else there is no such action."""
    for action in ("project.recover", "project.restore"):
        asked = world.project.execute(Intent(action, {"seq": 1, "hash": "", "abandoned": []}))
        assert asked["status"] == "rejected"


def test_an_organization_that_left_the_database_is_missed(
    world: World, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its anchors are still there, and nobody says where it went."""
    with new_database(postgres) as empty:
        monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", empty.archiver)
        monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", world.source.anchor.name)
        settings.settings.cache_clear()
        told = CliRunner().invoke(cli, ["audit", "verify"])
    assert told.exit_code == 1
    assert f"Organization {world.org}" in told.output
    assert "BROKEN: project" in told.output


def test_a_project_that_left_the_database_is_missed(world: World, earlier: Database) -> None:
    """The last anchor knows of it, and no recovery says that it was lost."""
    names = {"slug": "later", "title": "Later", "template": "demo"}
    asking = (world.org, SYSTEM)
    made = organizations.create_project(world.project.store, REGISTRIES, asking, names)
    world.anchor()
    world.use(earlier)
    fault = found(world)
    assert fault is not None
    assert (fault.project, fault.seq) == (made["project"], 1)
    assert fault.problem.startswith("It is missing: by the anchor of")
