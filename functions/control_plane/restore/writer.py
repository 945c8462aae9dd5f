"""A replayed organization as rows, written by the schema's owner in one transaction."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from control_plane.canonical import canonical
from control_plane.ids import uuid7
from control_plane.requests import RESTORED
from control_plane.restore.organization import Organization
from control_plane.restore.project import Project
from control_plane.signing_in import hasher

type Rows = Iterator[dict[str, Any]]


class NotEmpty(Exception):
    """An organization is here already. Restore into an empty, migrated database, or name others."""


def write(
    connection: psycopg.Connection[Any],
    organization: Organization,
    objects: list[dict[str, Any]],
    ranges: list[dict[str, Any]],
) -> None:
    """Insert all that an organization is; raises `NotEmpty` where it is there already."""
    named = {"id": organization.id}
    if connection.execute("SELECT 1 FROM organizations WHERE id = %(id)s", named).fetchone():
        raise NotEmpty(NotEmpty.__doc__)
    for table, rows in _tables(organization, objects, ranges):
        _insert(connection, table, list(rows))


def _insert(connection: psycopg.Connection[Any], table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = ", ".join(rows[0])
    places = ", ".join(f"%({name})s" for name in rows[0])
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 (names of ours)
        cursor.executemany(statement.encode(), rows)


def _tables(
    organization: Organization, objects: list[dict[str, Any]], ranges: list[dict[str, Any]]
) -> Iterator[tuple[str, Rows]]:
    """Tables in the order in which their rows refer to each other."""
    projects = list(organization.projects.values())
    archives = {each["key"]: uuid7() for each in objects}
    org = {"org_id": organization.id}
    yield "organizations", _organization(organization)
    yield "users", _people(organization)
    yield "projects", (_project(project) for project in projects)
    for table, rows_of in _OF_PROJECTS.items():
        yield (
            table,
            (
                {**org, "project_id": project.id, **row}
                for project in projects
                for row in rows_of(project)
            ),
        )
    yield "archives", ({**org, **_object(each, archives)} for each in objects)
    yield "archive_ranges", ({**org, **_range(each, archives)} for each in ranges)


def _organization(organization: Organization) -> Rows:
    yield {
        "id": organization.id,
        "slug": organization.slug,
        "title": organization.title,
        "paused": organization.paused,
        "default_policy": organization.default_policy,
    }


def _people(organization: Organization) -> Rows:
    """Everybody, with a password that nobody knows: an admin of the machine gives new ones."""
    unknown = hasher().hash(secrets.token_hex())
    for person in organization.people.values():
        yield {
            **vars(person),
            "org_id": organization.id,
            "password_hash": unknown,
            "must_change_password": True,
        }


def _project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "org_id": project.org,
        "slug": project.slug,
        "title": project.title,
        "template": project.template,
        "status": project.status,
        "paused": project.paused,
        "seq": project.seq,
        "version": project.version,
        "hash": project.hash,
        "at": project.at,
        "archived_seq": project.archived_seq,
        "policy_version": project.policies[-1][0] if project.policies else 0,
    }


def _members(project: Project) -> Rows:
    for user, (role, since) in project.members.items():
        yield {"user_id": user, "role": role, "since": since}


def _policies(project: Project) -> Rows:
    for version, at, document in project.policies:
        yield {"version": version, "at": at, "document": document}


def _components(project: Project) -> Rows:
    for id, held in project.components.items():
        yield {
            "id": id,
            "schema_version": held.schema_version,
            "version": held.version,
            "hash": held.hash,
            "state": held.text,
        }


def _checkpoints(project: Project) -> Rows:
    for version, at, state, schemas, seq in project.checkpoints:
        yield {"version": version, "at": at, "state": state, "schemas": schemas, "seq": seq}


def _erasures(project: Project) -> Rows:
    """The next archive run follows them once more: whether the last one had isn't known."""
    yield from project.erasures


def _usage(project: Project) -> Rows:
    for (counter, ends_at), used in project.usage.items():
        yield {"counter": counter, "ends_at": ends_at, "used": used}


def _keys(project: Project) -> Rows:
    for (principal, request_id), kept in project.keys.items():
        yield {
            "principal_id": principal,
            "request_id": request_id,
            "body_hash": RESTORED,
            "status": 200,
            "answer": kept["answer"],
            "at": kept["at"],
        }


def _executions(project: Project) -> Rows:
    """Those that are not archived."""
    for line in project.live:
        record, payload = line["record"], line["payload"]
        yield {
            **{name: record[name] for name in ("seq", "at", "request_id", "action", "status")},
            "version": record.get("version"),
            "id": record["execution_id"],
            "principal_id": record["principal"]["id"],
            "owner_id": record["principal"]["owner"],
            "hash": line["hash"],
            "salt": line["salt"],
            "payload": None if payload is None else canonical(payload),
            "record": canonical(record),
        }


_OF_PROJECTS = {
    "members": _members,
    "policies": _policies,
    "components": _components,
    "checkpoints": _checkpoints,
    "usage": _usage,
    "erasures": _erasures,
    "idempotency_keys": _keys,
    "executions": _executions,
}


def _object(found: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    key = found["key"]
    return {
        "id": ids[key],
        "day": key.split("/")[2].removeprefix("dt="),
        "bucket": found["bucket"],
        "key": key,
        "version_id": found["version_id"],
        "sha256": found["sha256"],
        "size": found["size"],
        "rows": found["rows"],
        "at": found["at"],
    }


def _range(found: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    names = (
        "first_seq", "last_seq", "first_version", "last_version", "first_at", "last_at",
        "head_hash",
    )  # fmt: skip
    return {
        **{name: found[name] for name in names},
        "project_id": found["project"],
        "archive_id": ids[found["key"]],
        "byte_offset": found["offset"],
        "byte_length": found["length"],
    }
