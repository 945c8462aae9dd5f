"""The drill: random executions, archived, restored into an empty database, and going on there."""

import random
import zlib
from itertools import count
from typing import Any

import psycopg
import pytest
from control_plane import execution, organizations, people, reading, settings
from control_plane.archive.anchors import anchor
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.archive.run import archive
from control_plane.errors import IdempotencyConflict
from control_plane.models import SYSTEM, Intent
from control_plane.registry import load_registries
from control_plane.registry.builtin import SET_MEMBER, SET_POLICY, UPDATE
from control_plane.requests import Request
from control_plane.restore.run import Damaged, NotEmpty, restore
from control_plane.restore.source import Buckets
from control_plane.store import Store
from control_plane.target import Target
from psycopg.rows import dict_row
from typer.testing import CliRunner

from infra.cli import app as cli
from tests.conftest import Database
from tests.integration.conftest import ADD, Project, clock_of
from tests.s3 import S3

REGISTRIES = load_registries()
POLICY = {
    "limits": {"rate": {"per_hour": 100_000}, "quota": {"per_day": 100_000}},
    "rules": [
        {"id": "two", "condition": 'action.id == "budget.set"', "effect": "require_approval"}
    ],
}
DUMPED = {
    "organizations": "id, slug, title, paused, default_policy",
    "users": "id, username, admin, attributes, disabled_at",
    "projects": "id, slug, title, template, status, paused, policy_version",
    "members": "project_id, user_id, role, since",
    "components": "project_id, id, schema_version, hash, state",
    "policies": "project_id, version, at, document",
    "usage": "project_id, counter, ends_at, used",
    "archives": "day, bucket, key, sha256, size, rows",
    "archive_ranges": "project_id, first_seq, last_seq, first_version, last_version, first_at,"
    " last_at, head_hash, byte_offset, byte_length",
}


@pytest.fixture
def source(s3: S3) -> Buckets:
    """Buckets of this test's own."""
    return Buckets(Bucket(s3.new_bucket()), Bucket(s3.new_anchor_bucket()))


def dump(database: Database) -> dict[str, list[Any]]:
    """What a database holds of its tenants, table by table, in one order."""
    with psycopg.connect(database.superuser) as connection:
        return {
            table: connection.execute(
                f"SELECT {columns} FROM {table} ORDER BY {columns}".encode()
            ).fetchall()
            for table, columns in DUMPED.items()
        }


def heads(database: Database) -> dict[str, Any]:
    """Where each project's chain stands."""
    query = "SELECT id::text, seq, version, hash, iso(at) AS at, archived_seq FROM projects"
    with psycopg.connect(database.superuser, row_factory=dict_row) as connection:
        return {row.pop("id"): row for row in connection.execute(query).fetchall()}


def lives(project: Project, seed: int, executions: int) -> None:
    """A random life of an organization: people, members, policies, projects, plans, refusals."""
    chance, store, org = random.Random(seed), project.store, project.target.org
    people.create_user(store, REGISTRIES, org, "robin", "a long password")
    robin = people.user_id(store, org, "robin")
    names = {"slug": "harbor", "title": "Harbor", "template": "harbor"}
    organizations.create_project(store, REGISTRIES, (org, project.target.principal), names)
    harbor = _harbor(project)
    _ask(store, harbor, Intent(SET_MEMBER, {"user": robin, "role": "operator"}))
    _ask(store, harbor, Intent(SET_POLICY, {"document": POLICY}))
    _ask(store, harbor, Intent(UPDATE, {"title": "Häfen ~ / 港"}))
    for number in range(executions):
        target = chance.choice((project.target, harbor))
        _ask(store, target, _random_intent(chance, target, number))


def _harbor(project: Project) -> Target:
    [found] = project.store.read(project.target.org, "project_by_slug", slug="harbor")
    return Target(project.target.org, found["id"], project.target.principal, REGISTRIES["harbor"])


def _random_intent(chance: random.Random, target: Target, number: int) -> Intent:
    if target.registry is REGISTRIES["harbor"]:
        return chance.choice(
            [
                Intent("note.write", {"id": f"n~/{number % 7}", "text": "é" * chance.randrange(9)}),
                Intent("budget.set", {"total": number}),
                Intent("budget.spend", {"amount": 1}),
                Intent("release.rollout", {"percent": 10}),
                Intent("no.such.action", {}),
            ]
        )
    key, value = f"k.{number % 5}/~", {"a": [number, {"ü": None}], "b": chance.random() < 0.5}
    return chance.choice(
        [
            ADD,
            Intent("memory.remember", {"key": key, "value": value}),
            Intent("memory.forget", {"key": key}),
            Intent("demo.counter.reset", {}),
        ]
    )


def _ask(store: Store, target: Target, intent: Intent) -> Any:
    number = next(_numbers)
    request = Request("execution", f"r{number}", [intent], None)
    return execution.execute(store, Archive(store), target, request)


_numbers = count(1)


def log(store: Store, target: Target) -> list[Any]:
    """The audit log, newest first."""
    page = reading.executions(store, Archive(store), target, 200, None, **reading.ANY)
    items: list[Any] = page["items"]
    return items


def archived(project: Project, source: Buckets) -> None:
    """Everything up to now goes to the archive, and an anchor says so."""
    archive(project.database.archiver, source.archive, 0)
    anchor(project.database.archiver, source.anchor)


@pytest.mark.parametrize("seed", range(3))
def test_an_empty_database_gets_everything_back(
    project: Project, source: Buckets, empty: Database, seed: int
) -> None:
    """Byte for byte: state, heads, people, members, policies, counters, manifest."""
    lives(project, seed, 300)
    archived(project, source)
    done = restore(empty.owner, source, REGISTRIES)
    assert (done.organizations, done.projects) == (1, 3)
    assert dump(empty) == dump(project.database)
    before, after = heads(project.database), heads(empty)
    assert after.keys() == before.keys()
    for id, head in after.items():  # each chain says that it was restored
        assert (head["seq"], head["version"]) == (before[id]["seq"] + 1, before[id]["version"] + 1)
        assert head["archived_seq"] == before[id]["archived_seq"] == before[id]["seq"]


def test_execution_goes_on_and_the_past_can_be_read(
    project: Project, source: Buckets, empty: Database
) -> None:
    """The next execution is linked to the archived ones; the log and old states read across."""
    lives(project, 7, 80)
    then = reading.state(project.store, project.target)
    listed = log(project.store, project.target)
    archived(project, source)
    restore(empty.owner, source, REGISTRIES)
    store = Store(empty.app)
    done = _ask(store, project.target, ADD)
    again = log(store, project.target)
    assert [item["action"] for item in again[:2]] == [ADD.action, "project.restore"]
    assert again[0]["prev_hash"] == again[1]["hash"]
    assert again[2:] == listed
    assert done["base_version"] == then["version"] + 1


def test_what_was_answered_before_is_answered_again(
    project: Project, source: Buckets, empty: Database
) -> None:
    """A request that comes again after the restore isn't run again; another body is refused."""
    remember = Intent("memory.remember", {"key": "a", "value": 1})
    done = project.execute(remember, request_id="mine")
    plan = [ADD, remember]
    digest = project.preview(*plan)["digest"]
    planned = project.plan(plan, digest, "plan")
    archived(project, source)
    restore(empty.owner, source, REGISTRIES)
    moved = Project(Store(empty.app), project.target, empty)
    assert moved.execute(remember, request_id="mine")["hash"] == done["hash"]
    again = moved.plan(plan, digest, "plan")
    assert [each["hash"] for each in again["executions"]] == [
        each["hash"] for each in planned["executions"]
    ]
    with pytest.raises(IdempotencyConflict):
        moved.execute(Intent("memory.remember", {"key": "b", "value": 1}), request_id="mine")
    with pytest.raises(IdempotencyConflict):
        moved.execute(ADD, request_id="plan/1")


def test_until_a_moment(project: Project, source: Buckets, empty: Database) -> None:
    """What came later isn't there, is named, and the chain goes on from before it."""
    clock = clock_of(project.database)
    clock("timestamptz '2051-01-01 12:00:00+00'")
    for _ in range(3):
        project.execute(ADD)
    kept = project.execute(ADD)
    clock("timestamptz '2051-01-01 13:00:00+00'")
    lost = project.execute(ADD)
    clock("timestamptz '2051-01-02 13:00:00+00'")
    project.execute(ADD)
    archived(project, source)
    clock_of(empty)("timestamptz '2051-01-03 13:00:00+00'")
    restore(empty.owner, source, REGISTRIES, until="2051-01-01T12:30:00.000000Z")
    store = Store(empty.app)
    page = reading.executions(store, Archive(store), project.target, 200, None, **reading.ANY)[
        "items"
    ]
    [abandoned] = page[0]["inputs"]["abandoned"]
    assert (abandoned["first_seq"], abandoned["last_seq"]) == (lost["seq"], lost["seq"] + 1)
    assert (page[1]["hash"], page[0]["prev_hash"]) == (kept["hash"], kept["hash"])
    assert [item["seq"] for item in page] == list(range(kept["seq"] + 1, 0, -1))
    assert reading.state(store, project.target)["components"]["demo.counter"] == {"value": 4}


def test_a_database_with_a_tenant_is_left_alone(project: Project, source: Buckets) -> None:
    """Restoring over what is there would be two truths."""
    archived(project, source)
    before = dump(project.database)
    with pytest.raises(NotEmpty):
        restore(project.database.owner, source, REGISTRIES)
    assert dump(project.database) == before


@pytest.mark.parametrize("harm", ["missing", "altered", "no anchor"])
def test_what_is_missing_or_damaged_is_named_and_nothing_is_written(
    project: Project, source: Buckets, s3: S3, empty: Database, harm: str
) -> None:
    """Half a restore is none."""
    lives(project, 1, 20)
    archived(project, source)
    [key] = source.objects(project.target.org)
    if harm == "missing":
        s3.client.delete_object(Bucket=source.archive.name, Key=key)
    elif harm == "altered":
        body = zlib.decompress(source.read(key), wbits=31).replace(b'"seq":1,', b'"seq":2,', 1)
        s3.client.put_object(Bucket=source.archive.name, Key=key, Body=body)
    else:
        source.anchor = Bucket(s3.new_anchor_bucket())
    if harm == "no anchor":
        assert restore(empty.owner, source, REGISTRIES).organizations == 0
    else:
        with pytest.raises(Damaged, match=key if harm == "altered" else "missing"):
            restore(empty.owner, source, REGISTRIES)
    assert dump(empty)["organizations"] == []


def test_the_restore_is_recorded_as_the_systems_own(
    project: Project, source: Buckets, empty: Database
) -> None:
    """Each chain's first execution after it says where it went on from."""
    archived(project, source)
    restore(empty.owner, source, REGISTRIES)
    last = log(Store(empty.app), project.target)[0]
    assert last["principal"]["kind"] == SYSTEM.kind
    assert last["inputs"]["hash"] == last["prev_hash"]


def test_by_command(
    project: Project, source: Buckets, empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what came back, and what people must do now."""
    archived(project, source)
    monkeypatch.setenv("CHAT_AGENT_OWNER_DATABASE_URL", empty.owner)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", source.archive.name)
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", source.anchor.name)
    settings.settings.cache_clear()
    told = CliRunner().invoke(cli, ["archive", "restore", "--until", "2100-01-01"])
    assert told.exit_code == 0, told.output
    assert "of 2 projects in 1 organizations. Their 1 people need new passwords" in told.output
    again = CliRunner().invoke(cli, ["archive", "restore"])
    assert (again.exit_code, "Restore into an empty" in again.output) == (1, True)
    wrong = CliRunner().invoke(cli, ["archive", "restore", "--until", "yesterday"])
    assert "is no moment" in wrong.output
