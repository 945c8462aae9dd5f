"""A real trail to verify: archived by the product from real executions, anchored, and fetched."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from control_plane import administration, execution, organizations
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.canonical import canonical
from control_plane.models import GENESIS_HASH, SYSTEM, Intent
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.target import Target
from psycopg.rows import dict_row

from tests.conftest import Database
from tests.s3 import S3

type Files = dict[str, bytes]
"""The files of a folder by their keys."""

_PROJECTS = """
SELECT p.id::text AS project, p.seq, p.hash, p.archived_seq,
  coalesce((SELECT r.head_hash FROM archive_ranges r WHERE r.project_id = p.id
            ORDER BY first_seq DESC LIMIT 1), repeat('0', 64)) AS archived_hash
FROM projects p WHERE p.org_id = %s::uuid ORDER BY p.id
"""
_OBJECTS = "SELECT key, sha256, rows FROM archives WHERE org_id = %s::uuid ORDER BY key"


def set_clock(database: Database, moment: str) -> None:
    """From now on it is this moment."""
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz"
            f" LANGUAGE sql VOLATILE AS $$ SELECT timestamptz '{moment}' $$".encode()
        )


def anchor_text(org: str, at: str, previous: bytes | None, held: Mapping[str, Any]) -> bytes:
    """An anchor that follows another; `held` has projects and objects."""
    before = GENESIS_HASH if previous is None else hashlib.sha256(previous).hexdigest()
    return canonical({"v": 1, "at": at, "org": org, "prev_anchor": before, **held}).encode()


def anchor(database: Database, s3: S3, bucket: str) -> None:
    """Write every organization's anchor of this moment."""
    with psycopg.connect(database.superuser, row_factory=dict_row) as connection:
        clock = "SELECT iso(chat_agent_clock()) AS at, id::text AS org FROM organizations"
        for row in connection.execute(clock).fetchall():
            at, org = row["at"], row["org"]
            held = {
                "projects": connection.execute(_PROJECTS, [org]).fetchall(),
                "objects": connection.execute(_OBJECTS, [org]).fetchall(),
            }
            there = fetched(s3, bucket, f"anchors/org={org}/")
            previous = there[max(there)] if there else None
            body = anchor_text(org, at, previous, held)
            s3.client.put_object(Bucket=bucket, Key=f"anchors/org={org}/{at}.json", Body=body)


def fetched(s3: S3, bucket: str, prefix: str = "") -> Files:
    """A bucket's objects, as `aws s3 sync` fetches them."""
    listed = s3.client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"]: s3.client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        for item in listed
    }


def laid_out(files: Files, folder: Path) -> Path:
    """The files in a folder."""
    for key, body in files.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(body)
    return folder


class World:
    """Two organizations with projects whose executions and archive a test makes."""

    def __init__(self, database: Database, s3: S3) -> None:
        self.database, self.s3 = database, s3
        self.bucket, self.anchors = Bucket(s3.new_bucket()), s3.new_bucket()
        self.store = Store(database.app)
        self.orgs: list[str] = []
        self.projects: list[Target] = []
        self._asked = 0

    def copied(self, database: Database) -> "World":
        """This world on a copy of its database, with buckets of its own."""
        copy = World(database, self.s3)
        copy.orgs, copy.projects, copy._asked = list(self.orgs), list(self.projects), self._asked
        for mine, other in ((self.bucket.name, copy.bucket.name), (self.anchors, copy.anchors)):
            for key, body in fetched(self.s3, mine).items():
                self.s3.client.put_object(Bucket=other, Key=key, Body=body)
        with psycopg.connect(database.superuser) as connection:
            for row in self.s3.client.list_object_versions(Bucket=copy.bucket.name)["Versions"]:
                connection.execute(
                    "UPDATE archives SET bucket = %s, version_id = %s WHERE key = %s",
                    [copy.bucket.name, row["VersionId"], row["Key"]],
                )
        return copy

    def organization(self, slug: str, *projects: str) -> None:
        """Make an organization and projects in it."""
        registries = load_registries()
        organizations.create_organization(self.store, registries, slug, "a long password")
        org = administration.organization_id(self.store, slug) or ""
        self.orgs.append(org)
        for name in projects:
            names = {"slug": name, "title": name, "template": "demo"}
            organizations.create_project(self.store, registries, (org, SYSTEM), names)
            [found] = self.store.read(org, "project_by_slug", slug=name)
            self.projects.append(Target(org, found["id"], SYSTEM, registries["demo"]))

    def execute(self, target: Target, action: str, inputs: dict[str, Any]) -> Any:
        """Ask for an action; whatever is decided stands in the chain."""
        self._asked += 1
        request = Request("execution", f"r-{self._asked}", [Intent(action, inputs)], None)
        return execution.execute(self.store, Archive(self.store), target, request)

    def work(self, rounds: int = 1) -> None:
        """Some executions in every project: changes, notes in many scripts, refusals."""
        for number in range(rounds):
            for target in self.projects:
                self.execute(target, "demo.counter.increment", {"amount": number + 3})
                note = {"key": f"ключ {number}/~", "value": {"π": [1.5, 1e21, None, "\u2028 😀"]}}
                self.execute(target, "memory.remember", note)
                self.execute(target, "demo.counter.reset", {})

    def erase(self, target: Target, *seqs: int) -> None:
        """Take payloads away, as an erasure does."""
        with psycopg.connect(self.database.superuser) as connection:
            connection.execute(
                "UPDATE executions SET payload = NULL, salt = NULL"
                " WHERE project_id = %s AND seq = ANY (%s)",
                [target.project, list(seqs)],
            )

    def archive(self, days: int = 0) -> None:
        """Archive, and anchor what there is then."""
        run.archive(self.database.archiver, self.bucket, days)
        anchor(self.database, self.s3, self.anchors)

    def files(self) -> Files:
        """Archive and anchors."""
        return fetched(self.s3, self.bucket.name) | fetched(self.s3, self.anchors)


def archived_world(world: World) -> World:
    """Two organizations over some days, all archived and anchored, some payloads erased."""
    set_clock(world.database, "2051-01-01 09:00:00+00")
    world.organization("north", "one", "two")
    world.work(2)
    world.erase(world.projects[0], 4, 5)
    set_clock(world.database, "2051-01-01 12:00:00+00")
    world.archive()
    set_clock(world.database, "2051-01-01 15:00:00+00")
    world.organization("south", "one")
    world.work(2)
    set_clock(world.database, "2051-01-02 00:00:00+00")
    anchor(world.database, world.s3, world.anchors)  # a day's, with nothing archived
    set_clock(world.database, "2051-01-04 08:00:00.5+00")  # the 3rd is empty
    world.work()
    world.erase(world.projects[2], 3)
    set_clock(world.database, "2051-01-05 00:00:00+00")
    world.archive()
    return world
