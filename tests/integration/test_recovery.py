"""After a database was set back: nothing comes back twice, and what is lost is named."""

from itertools import count
from types import ModuleType
from typing import Any

import pytest
from control_plane import organizations, settings
from control_plane.archive import part
from control_plane.archive import run as runs
from control_plane.archive.anchors import anchored
from control_plane.archive.outcome import Incomplete
from control_plane.models import SYSTEM
from control_plane.recovery import adopt, run
from control_plane.recovery.run import NotRecoverable
from control_plane.verifying import Trail
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Database
from tests.recovering import REGISTRIES, World


def test_what_was_archived_since_is_archived_again(world: World, earlier: Database) -> None:
    """Objects that the manifest doesn't know, of exactly the rows that are back."""
    log = world.log()
    world.archive()
    before = world.rows()
    world.use(earlier)
    done = world.recover()
    [only] = done.organizations
    assert (only.adopted.objects, only.adopted.rows, only.abandoned) == (1, 4, [])
    assert world.has_each_once()
    assert [row for row in world.rows() if row[0] == world.id] == [
        row for row in before if row[0] == world.id
    ]
    assert world.log() == log
    world.execute()
    world.archive()
    assert world.check() == []


def test_what_anchors_know_and_the_database_lost_is_named(world: World, earlier: Database) -> None:
    """In the project's own chain, as the system, before it goes on; both verifiers accept that."""
    kept = world.log()[-1]
    lost = world.execute(5)
    world.anchor()
    world.use(earlier)
    world.recover()
    recorded = world.log()[-1]
    assert (recorded["action"], recorded["principal"]["kind"]) == ("project.recover", "system")
    assert (recorded["seq"], recorded["prev_hash"]) == (kept["seq"] + 1, kept["hash"])
    [claim] = recorded["inputs"]["abandoned"]
    assert (claim["first_seq"], claim["last_seq"]) == (kept["seq"] + 1, lost["seq"])
    assert claim["hash"] == lost["hash"]
    assert world.check() == [claim]
    world.execute(9)  # past the abandoned ones
    world.archive()
    assert world.check() == [claim]
    assert world.has_each_once()


def test_objects_of_what_was_abandoned_are_left_in_the_archive(
    world: World, earlier: Database
) -> None:
    """What is in them and in the database too is archived once more by the next run."""
    lost = world.execute(5)
    world.archive()
    world.use(earlier)
    [only] = world.recover().organizations
    assert (only.adopted.objects, len(only.adopted.left)) == (0, 1)
    assert [claim["last_seq"] for claim in only.abandoned] == [lost["seq"]]
    forks = world.check()
    world.execute(2)
    world.archive()
    assert world.check() == forks
    assert world.has_each_once()


def test_an_archive_run_whose_anchor_is_missing_is_known_by_its_objects(
    world: World, earlier: Database
) -> None:
    """The run was killed before its anchor: the objects themselves say what was abandoned."""
    lost = world.execute(5)
    runs.archive(world.project.database.archiver, world.source.archive, 0)
    world.use(earlier)
    [only] = world.recover().organizations
    [claim] = [claim for claim in only.abandoned if claim["slug"] == "demo"]
    assert (claim["last_seq"], claim["hash"]) == (lost["seq"], lost["hash"])
    world.execute(2)
    world.archive()
    world.check()
    assert world.recover().organizations[0].abandoned == []


def test_a_project_that_is_gone_is_named_by_its_organization(
    world: World, earlier: Database
) -> None:
    """It was made after the moment: there is no chain of its own any more."""
    names = {"slug": "later", "title": "Later", "template": "demo"}
    org = world.org
    made = organizations.create_project(world.project.store, REGISTRIES, (org, SYSTEM), names)
    world.archive()
    world.use(earlier)
    [only] = world.recover().organizations
    lost = [claim for claim in only.abandoned if claim["project"] == made["project"]]
    assert [(claim["slug"], claim["first_seq"]) for claim in lost] == [("system", 1)]
    world.execute()
    world.archive()
    assert {claim["project"] for claim in world.check()} >= {made["project"]}


def test_repeating_it_changes_nothing(world: World, earlier: Database) -> None:
    """Also when something was executed in between."""
    world.execute(5)
    world.archive()
    world.use(earlier)
    world.recover()
    world.execute()
    before = world.log()
    again = world.recover()
    assert [each.abandoned for each in again.organizations] == [[]]
    assert world.log() == before
    world.check()


STEPS = [
    (run, "hold", 0), (run, "adopt", 0), (adopt, "remove", 0), (adopt, "remove", 1),
    (run, "administer", 0), (run, "administer", 1), (run, "anchor", 0),
]  # fmt: skip


@pytest.mark.parametrize(("module", "step", "after"), STEPS)
def test_killed_at_any_step_and_run_again(
    world: World,
    earlier: Database,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    step: str,
    after: int,
) -> None:
    """The end is the same as without."""
    monkeypatch.setattr(part, "MAX_PART_BYTES", 2_000)  # some objects a run
    world.archive()
    world.execute(5)
    world.archive()
    world.anchor()
    world.use(earlier)
    real, calls = getattr(module, step), count()

    def die(*given: Any, **more: Any) -> Any:
        if next(calls) == after:
            raise KeyboardInterrupt
        return real(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, die)
        with pytest.raises(KeyboardInterrupt):
            world.recover()
    if step == "anchor":
        world.execute(7)  # past what was abandoned: that is recorded already
    world.recover()
    assert [item["action"] for item in world.log()].count("project.recover") == 1
    world.execute()
    world.archive()
    assert len(world.check()) == 1
    assert world.has_each_once()


def test_nothing_is_archived_or_anchored_before_it(world: World, earlier: Database) -> None:
    """A database that was set back and goes on unrecorded would fork the trail."""
    world.execute(5)
    world.anchor()
    world.use(earlier)
    with pytest.raises(Incomplete, match="chat-agent recover"):
        world.anchor()
    with (
        pytest.raises(Incomplete, match="chat-agent recover"),
        anchored(earlier.archiver, world.source.anchor) as without,
    ):
        assert without == [world.org]


def test_an_unrecorded_fork_is_caught(world: World, earlier: Database) -> None:
    """Whoever follows the anchors without a recovery leaves a trail that contradicts them."""
    world.execute(5)
    world.anchor()
    world.use(earlier)
    world.execute(9)
    world.anchor(follow=True)
    report = Trail(earlier.archiver, world.source.anchor).check(world.org)
    assert "was made anew" in str(report.finding)


def test_a_database_that_has_gone_on_too_far_is_not_recovered(
    world: World, earlier: Database
) -> None:
    """What would be abandoned then can't be told from what was executed since."""
    world.execute(2)
    world.anchor()
    world.use(earlier)
    world.execute(5)
    before = world.log()
    with pytest.raises(NotRecoverable, match="Set the database back once more"):
        world.recover()
    assert world.log() == before


def test_messages_wait_for_somebodys_word(
    world: World, earlier: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of before may have been delivered since; new ones go, and the lag is theirs alone."""
    world.use(earlier)
    world.put_message("before")
    assert world.recover().held == 1
    lag = "SELECT outbox_lag() AS seconds WHERE %s <> ''"
    assert world.project.rows(lag) == [{"seconds": 0}]
    world.put_message("after")
    assert world.project.rows(lag)[0]["seconds"] > 0
    assert world.send() == ["after"]
    monkeypatch.setenv("CHAT_AGENT_OWNER_DATABASE_URL", earlier.owner)
    settings.settings.cache_clear()
    told = CliRunner().invoke(cli, ["recover", "--release"])
    assert told.output == "1 messages were released, and are due now.\n"
    assert world.send() == ["before"]


def test_by_command(world: World, earlier: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what was adopted, what is abandoned, and what to do next."""
    last = world.execute(5)["seq"]
    world.archive()
    world.use(earlier)
    monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", earlier.app)
    monkeypatch.setenv("CHAT_AGENT_OWNER_DATABASE_URL", earlier.owner)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", earlier.archiver)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", world.source.archive.name)
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", world.source.anchor.name)
    settings.settings.cache_clear()
    broken = CliRunner().invoke(cli, ["audit", "verify"])
    assert (broken.exit_code, broken.stderr.count("Run `chat-agent recover` first.")) == (1, 1)
    told = CliRunner().invoke(cli, ["recover"])
    assert told.exit_code == 0, told.output
    assert f"Abandoned: project {world.id}, seq {last - 4} to {last}," in told.output
    assert "Left in the archive, and out of the manifest: executions/" in told.output
    assert "No message is held." in told.output
    again = CliRunner().invoke(cli, ["recover"])
    assert "or it is recorded already" in again.output
    assert CliRunner().invoke(cli, ["audit", "verify"]).exit_code == 0
