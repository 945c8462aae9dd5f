"""Requests for approval as people see them: in a project, and across all of theirs."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from control_plane.identity import Caller
from control_plane.models import ROLE_RANK, Json, Principal
from control_plane.reading import clamped, decoded, encoded
from control_plane.registry import Registry
from control_plane.store import Row, Store
from control_plane.target import Target
from control_plane.visibility import shown_to


def requests(
    store: Store,
    registries: Mapping[str, Registry],
    caller: Caller,
    limit: int,
    cursor: str | None,
    **wanted: str | None,
) -> dict[str, Json]:
    """A page of requests, newest first, as the caller may see them.

    `wanted` has `project` and `status`, None for any. Of all projects, only those that wait for
    this person's decision, or were asked by them, are on the page.
    """
    org, user = caller.org, caller.user
    before, count = decoded(cursor, UUID), clamped(limit)
    seen = {"user": user, "only": caller.projects}
    rows = store.read(org, "approvals", **seen, before=before, limit=count + 1, **wanted)
    page = rows[:count]
    people = sorted({vote["user"] for row in page for vote in orjson.loads(row["votes"])})
    names = {row["id"]: row["username"] for row in store.read(org, "users_by_id", ids=people)}
    items = [_item(row, user, names, registries, org) for row in page]
    if wanted["project"] is None:
        items = [item for item in items if item["mine"] or item["may_decide"]]
    more = encoded(page[-1]["id"]) if page and rows[0]["found"] > len(page) else None
    return {"items": items, "next_cursor": more}


def _item(
    row: Row, user: str, names: Mapping[str, str], registries: Mapping[str, Registry], org: str
) -> dict[str, Json]:
    votes = orjson.loads(row["votes"])
    mine = row["owner_id"] == user
    return {
        "id": row["id"],
        "project": {"id": row["project"], "slug": row["slug"], "title": row["title"]},
        "seq": row["seq"],
        "status": row["status"],
        "requested_at": row["requested_at"],
        "expires_at": row["expires_at"],
        "requester": {"id": row["owner_id"], "username": row["requester"]},
        "preview": _preview(row, registries, org),
        "role": row["role"],
        "count": row["count"],
        "decisions": [_decision(vote, names) for vote in votes],
        "mine": mine,
        "may_decide": not mine and _may_decide(row, votes, user),
        "replaces": row["replaces"],
    }


def _preview(row: Row, registries: Mapping[str, Registry], org: str) -> Any:
    """What was shown when it was asked for, as this person may see it; None without a template."""
    registry = registries.get(row["template"])
    if registry is None:
        return None
    principal = Principal("user", "", "", "", row["my_role"])
    return shown_to(Target(org, row["project"], principal, registry), orjson.loads(row["preview"]))


def _decision(vote: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Json]:
    said = {"decision": vote["decision"], "comment": vote.get("comment", ""), "at": vote["at"]}
    return {"username": names.get(vote["user"]), **said}


def _may_decide(row: Row, votes: list[dict[str, str]], user: str) -> bool:
    """Whether a decision by this person would count now; the engine decides that again."""
    return (
        row["status"] == "pending"
        and not row["expired"]  # the clock's next run closes it
        and ROLE_RANK[row["my_role"]] >= ROLE_RANK[row["role"]]
        and row["my_since"] < row["requested_at"]
        and all(vote["user"] != user for vote in votes)
    )
