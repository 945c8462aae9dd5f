"""`chat-agent audit verify` and `demo tamper`: where the trail lives, and from a folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from control_plane import settings, verifying
from control_plane.archive import run
from typer.testing import CliRunner, Result

from infra.cli import app, main
from tests import evidence
from tests.conftest import Cluster, new_database
from tests.evidence import World, fetched, set_clock
from tests.s3 import S3


@pytest.fixture(scope="module")
def made(postgres: Cluster, s3: S3) -> Iterator[World]:
    """Two organizations, most of it archived and anchored, with some executions since."""
    with new_database(postgres) as database:
        world = evidence.archived_world(World(database, s3))
        set_clock(database, "2051-01-06 10:00:00+00")
        world.work()
        world.store.disconnect()
        yield world


@pytest.fixture
def world(made: World, postgres: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of that world for one test, with the environment's settings leading to it."""
    with new_database(postgres, made.database.name) as database:
        copy = made.copied(database)
        monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", database.app)
        monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", database.archiver)
        monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", copy.bucket.name)
        monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", copy.anchors)
        settings.settings.cache_clear()
        yield copy
        copy.store.disconnect()
    settings.settings.cache_clear()


def ask(*words: str | Path) -> Result:
    """Run a `chat-agent` command."""
    return CliRunner().invoke(app, [*map(str, words)])


def reports(*words: str) -> list[dict[str, object]]:
    """What `audit verify --json` says of each organization."""
    done = ask("audit", "verify", "--json", *words)
    return [json.loads(line) for line in done.stdout.splitlines()]


def change(world: World, statement: str) -> None:
    """Change the database as only a superuser can."""
    with psycopg.connect(world.database.superuser) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement.encode()).rowcount > 0


def test_the_trail_where_it_lives_is_in_order(world: World) -> None:
    """Archive, anchors and live executions of every organization, and what isn't proved yet."""
    done = ask("audit", "verify")
    assert done.exit_code == 0, done.stdout
    north, south = done.stdout.split("Organization ")[1:]
    assert north.startswith("north\n  In order: 36 archived and 6 live executions of 3 projects")
    assert south.startswith("south\n  In order: 13 archived and 3 live executions of 2 projects")
    assert "What is newer than the last anchor, of 2051-01-05T00:00:00.000000Z, 6 exec" in north
    assert [report["newer"] for report in reports()] == [6, 3]
    evidence.anchor(world.database, world.s3, world.anchors)
    assert [report["newer"] for report in reports()] == [0, 0]


def test_one_organization_or_project_can_be_verified_alone(world: World) -> None:
    """By slug or id; an unknown one is said to be unknown."""
    [only] = reports("--organization", "north", "--project", "two")
    assert (only["ok"], only["projects"], only["live"]) == (True, 1, 3)
    change(world, "DELETE FROM executions WHERE seq = (SELECT max(seq) FROM executions)")
    assert [report["ok"] for report in reports()].count(False) >= 1
    assert ask("audit", "verify", "--organization", "west").exit_code == 1
    assert ask("audit", "verify", "--project", "two").exit_code == 1


LIVE = "project_id = (SELECT project_id FROM executions ORDER BY project_id LIMIT 1)"
LAST = f"{LIVE} AND seq = (SELECT max(seq) FROM executions WHERE {LIVE})"
FIRST = f"{LIVE} AND seq = (SELECT min(seq) FROM executions WHERE {LIVE})"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE executions SET record = replace(record, '\"cost\":1', '\"cost\":2')",
            "Its hash is",
        ),
        ("UPDATE executions SET payload = replace(payload, 'amount', 'tnuoma')", "Its payload is"),
        (f"UPDATE executions SET salt = repeat('0', 32) WHERE {FIRST}", "Its payload is not"),
        (f"UPDATE executions SET record = record || ' ' WHERE {LAST}", "not canonical JSON"),
        (f"UPDATE executions SET version = 999 WHERE {FIRST}", "its record says: version."),
        (f"UPDATE executions SET at = at - interval '1 us' WHERE {FIRST}", "its record says: at."),
        (
            f"UPDATE executions SET action = 'x', request_id = 'x', id = uuidv7() WHERE {LAST}",
            "its record says: request_id, action, id.",
        ),
        (
            f"UPDATE executions SET principal_id = 'n', owner_id = 'n' WHERE {LAST}",
            "its record says: principal_id, owner_id.",
        ),
        (f"DELETE FROM executions WHERE {FIRST}", "It is missing"),
        (f"DELETE FROM executions WHERE {LAST}", "By the database the chain ends"),
        (f"DELETE FROM executions WHERE {LIVE}", "By the database the chain ends"),
        ("UPDATE projects SET hash = repeat('1', 64)", "with another head"),
        ("UPDATE projects SET archived_seq = archived_seq - 1", "By the database the archive goes"),
        ("UPDATE archives SET rows = rows + 1", "The database's manifest has other"),
        ("UPDATE archives SET version_id = 'no-such-version'", "It is not in its bucket"),
        ("DELETE FROM archives WHERE key LIKE '%-04/%'", "is missing, which the anchor of"),
    ],
)
def test_what_was_changed_in_the_database_is_named(world: World, statement: str, says: str) -> None:
    """Rows, columns, heads and manifest are held against each other and against the archive."""
    change(world, statement)
    done = ask("audit", "verify")
    assert done.exit_code == 1
    assert "BROKEN: " in done.stdout
    assert says in done.stdout


def test_an_object_behind_a_delete_marker_is_named(world: World) -> None:
    """Whoever lists the bucket, as a restore does, doesn't find it; the version is still there."""
    key = min(fetched(world.s3, world.bucket.name))
    marker = world.s3.client.delete_object(Bucket=world.bucket.name, Key=key)
    done = ask("audit", "verify")
    assert done.exit_code == 1
    assert f"BROKEN: {key}: A delete marker hides it" in done.stdout
    world.bucket.delete(key, marker["VersionId"])
    assert ask("audit", "verify").exit_code == 0


def test_a_live_chain_made_anew_contradicts_the_anchor_of_its_day(world: World) -> None:
    """Also before it is archived an anchor holds it."""
    evidence.anchor(world.database, world.s3, world.anchors)
    target = world.projects[0]
    change(world, f"DELETE FROM executions WHERE project_id = '{target.project}' AND seq > 18")
    change(
        world,
        "UPDATE projects p SET seq = e.seq, hash = e.hash, version = (SELECT max(version) FROM"
        " executions x WHERE x.project_id = p.id) FROM executions e WHERE e.project_id = p.id"
        f" AND p.id = '{target.project}' AND e.seq = (SELECT max(seq) FROM executions x"
        " WHERE x.project_id = p.id)",
    )
    [north, _] = reports()
    assert "by the anchor of 2051-01-06" in str(north["finding"])
    for _ in range(3):
        world.execute(target, "demo.counter.increment", {"amount": 5})
    [north, _] = reports()
    assert "Its hash is not the one in the anchor of 2051-01-06" in str(north["finding"])


def test_an_archive_run_meanwhile_makes_it_begin_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What moves to the archive while one looks is neither missed nor called lost."""
    real, runs = verifying._Check._object, list[int]()

    def moving(check: verifying._Check, key: str) -> Iterator[bytes]:
        if not runs:
            runs.append(run.archive(world.database.archiver, world.bucket, 0).rows)
        return real(check, key)

    set_clock(world.database, "2051-01-07 10:00:00+00")
    monkeypatch.setattr(verifying._Check, "_object", moving)
    done = ask("audit", "verify")
    assert (done.exit_code, runs) == (0, [9]), done.stdout
    assert "42 archived and 0 live executions" in done.stdout


def test_a_purged_projects_gap_is_no_fault(world: World) -> None:
    """What its purge removed is gone; what is archived and the purge itself are still proved."""
    target = world.projects[0]
    world.work()
    world.execute(target, "project.purge", {"slug": "one"})
    assert ask("audit", "verify").exit_code == 0
    set_clock(world.database, "2051-01-08 10:00:00+00")
    world.archive()
    done = ask("audit", "verify")
    assert done.exit_code == 0, done.stdout
    change(
        world, f"UPDATE executions SET hash = repeat('1', 64) WHERE project_id = '{target.project}'"
    )
    assert ask("audit", "verify").exit_code == 1


def test_a_folder_needs_neither_network_nor_database(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `aws s3 sync` fetched of both buckets is enough, with no setting at all."""
    evidence.laid_out(world.files(), tmp_path)
    for name in ("DATABASE_URL", "ARCHIVER_DATABASE_URL", "ARCHIVE_BUCKET", "ANCHOR_BUCKET"):
        monkeypatch.delenv(f"CHAT_AGENT_{name}")
    settings.settings.cache_clear()
    done = ask("audit", "verify", "--folder", tmp_path)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.count("In order: ") == 2
    one = ask("audit", "verify", "--folder", tmp_path, "--organization", world.orgs[1])
    assert one.stdout.count("In order: ") == 1
    project = world.projects[1].project
    alone = ask(
        *("audit", "verify", "--folder", tmp_path, "--json"),
        *("--organization", world.orgs[0], "--project", project),
    )
    assert json.loads(alone.stdout)["projects"] == 1
    max(tmp_path.rglob("*.jsonl.gz")).unlink()
    assert ask("audit", "verify", "--folder", tmp_path).exit_code == 1


def test_a_project_that_a_folder_has_not_is_not_in_order(world: World, tmp_path: Path) -> None:
    """A slug, or a typing error, is told of: nothing was verified."""
    evidence.laid_out(world.files(), tmp_path)
    where = ("audit", "verify", "--folder", tmp_path, "--organization", world.orgs[0])
    done = ask(*where, "--project", "two")
    assert done.exit_code == 1
    assert "There is no project 'two' in this folder. Name it by its id." in done.output


def test_s3_that_does_not_answer_is_told_in_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verifying can't begin; no traceback."""
    assert world.orgs
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", "no-such-bucket")
    monkeypatch.setattr("sys.argv", ["chat-agent", "audit", "verify"])
    settings.settings.cache_clear()
    with pytest.raises(SystemExit, match=r"S3 doesn't do what it is asked for: .*NoSuchBucket"):
        main()
    assert capsys.readouterr().out == ""


def test_an_empty_folder_proves_nothing(tmp_path: Path) -> None:
    """It says so, and fails."""
    assert ask("audit", "verify", "--folder", tmp_path).exit_code == 1


def test_the_demonstration_alters_a_copy_and_names_the_record(world: World) -> None:
    """One digit; the archive itself is as it was, and still verifies."""
    before = fetched(world.s3, world.bucket.name)
    done = ask("demo", "tamper")
    assert done.exit_code == 0, done.output
    whole, altered = done.stdout.split("is now another")
    assert "BROKEN" not in whole
    assert altered.count("BROKEN: project ") == 1
    assert "Its hash is not that of its record: one of them was altered." in altered
    assert fetched(world.s3, world.bucket.name) == before
    assert ask("audit", "verify").exit_code == 0
