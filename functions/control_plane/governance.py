"""What governs a project, to look at: its policy, its members, what it spends, what is due."""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import orjson

from control_plane import deciding, retention
from control_plane.engine.counters import window_end
from control_plane.engine.policy import Policy, PolicyRefused, compile_policy
from control_plane.errors import Forbidden, InvalidPolicy, NotFound, Unavailable
from control_plane.identity import Caller
from control_plane.models import ROLE_RANK, SYSTEM, Json
from control_plane.reading import MAX_PAGE_BYTES, clamped, decoded, encoded, following, position
from control_plane.registry import Registry, load_registries
from control_plane.store import Store
from control_plane.target import Target

OVERDUE_AT_ONCE = 200
"""Overdue requests that are read at a time."""
DAYS = 7


def policy(store: Store, target: Target) -> dict[str, Json]:
    """The policy in force: `{"version", "document"}`, version 0 and `{}` where there is none."""
    found = store.read(target.org, "policy", project=target.project)
    if not found:
        return {"version": 0, "document": {}}
    return _versioned(found[0])


def _versioned(row: Mapping[str, Json]) -> dict[str, Json]:
    return {"version": row["version"], "at": row["at"], "document": orjson.loads(row["document"])}


def default_policy(store: Store, org: str) -> dict[str, Json]:
    """The policy that new projects start with: `{"document"}`. Who may look is checked before."""
    [row] = store.read(org, "default_policy")
    return {"document": orjson.loads(row["document"])}


def policy_versions(
    store: Store, target: Target, limit: int, cursor: str | None
) -> dict[str, Json]:
    """A page of every policy that the project has had, newest first."""
    before, count = decoded(cursor, position), clamped(limit)
    page = {"before": before, "limit": count + 1, "bytes": MAX_PAGE_BYTES}
    rows = store.read(target.org, "policy_versions", project=target.project, **page)
    items = [_versioned(row) for row in rows[:count]]
    more = encoded(str(items[-1]["version"])) if items and rows[0]["found"] > len(items) else None
    return {"items": items, "next_cursor": more}


def compiled(document: Mapping[str, Json], registry: Registry) -> Policy:
    """A policy document as decisions read it. Raises `InvalidPolicy` with the keys at fault."""
    try:
        return compile_policy(document, registry)
    except PolicyRefused as refused:
        raise InvalidPolicy(errors=refused.errors) from refused


def require_operator(target: Target) -> Target:
    """The target, for operators and admins: rules are not shown to viewers. Else `Forbidden`."""
    if ROLE_RANK[target.principal.role] < ROLE_RANK["operator"]:
        raise Forbidden("Operators and admins of the project may see its policy.")
    return target


def require_project_admin[Given](target: Target, given: Given) -> Given:
    """What was given, for an admin of the project; else `Forbidden`."""
    if target.principal.role != "admin":
        raise Forbidden("Only an admin of the project may try out another policy.")
    return given


def members(store: Store, target: Target, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the project's members, by name."""
    after, count = decoded(cursor, UUID), clamped(limit)
    page = {"username": None, "after": after, "limit": count + 1}
    rows = store.read(target.org, "members", project=target.project, **page)
    return {"items": rows[:count], "next_cursor": following(rows, count)}


def member(store: Store, target: Target, username: str) -> dict[str, Json]:
    """One member. Raises `NotFound`."""
    page = {"username": username, "after": None, "limit": 1}
    found = store.read(target.org, "members", project=target.project, **page)
    if not found:
        raise NotFound(f"{username!r} is no member of this project.")
    return found[0]


def users(store: Store, org: str, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the organization's people, newest first. Who may look is checked by the caller."""
    before, count = decoded(cursor, UUID), clamped(limit)
    rows = store.read(org, "users", before=before, limit=count + 1, bytes=MAX_PAGE_BYTES)
    page = [{name: row[name] for name in row if name != "found"} for row in rows[:count]]
    more = encoded(page[-1]["id"]) if page and rows[0]["found"] > len(page) else None
    return {"items": page, "next_cursor": more}


def forecast(store: Store, target: Target) -> dict[str, Json]:
    """What is left of today's budget, and when it is used up if today goes on as it began."""
    document = policy(store, target)["document"]
    limit = document.get("limits", {}).get("budget", {}).get("daily")
    rows = store.read(target.org, "spending", project=target.project)
    now, spent = rows[0]["now"], {row["day"]: row["used"] for row in rows if row["day"]}
    today = datetime.fromisoformat(now).date()
    days = [str(today - timedelta(days=past)) for past in range(DAYS)]
    used = spent.get(days[0], 0)
    return {
        "limit": limit,
        "used": used,
        "remaining": None if limit is None else max(0, limit - used),
        "per_day": sum(spent.get(day, 0) for day in days) // DAYS,
        "exhausted_at": _exhausted_at(limit, used, now),
        "days": [{"day": day, "used": spent.get(day, 0)} for day in days],
    }


def _exhausted_at(limit: int | None, used: int, now: str) -> str | None:
    """The moment within today at which the limit is reached at today's mean rate; None if not."""
    if limit is None or used == 0:
        return None
    if used >= limit:
        return now
    moment = datetime.fromisoformat(now)
    begin = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    reached = moment + (moment - begin) * (limit - used) / used
    text = f"{reached.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    return text if text < window_end("budget.day", now) else None


def rollup(store: Store, caller: Caller, limit: int, cursor: str | None) -> dict[str, Json]:
    """A page of the caller's projects at a glance, newest first."""
    before, count = decoded(cursor, UUID), clamped(limit)
    page = {"only": caller.projects, "before": before, "limit": count + 1}
    rows = store.read(caller.org, "rollup", user=caller.user, **page)
    items = [_glance(row) for row in rows[:count]]
    return {"items": items, "next_cursor": following(rows, count)}


def _glance(row: Mapping[str, Json]) -> dict[str, Json]:
    named = {name: row[name] for name in ("id", "slug", "title")}
    kept = ("status", "paused", "role", "version", "seq", "at", "pending")
    budget = None if row["budget"] is None else {"limit": row["budget"], "used": row["used"]}
    return {"project": named, **{name: row[name] for name in kept}, "budget": budget}


def tick(url: str, seconds: float = 60.0) -> dict[str, int]:
    """What time brings about: requests that expire, rows that are forgotten. Repeatable.

    `url` is the application's login; it ends within `seconds`, and the next one goes on. What
    fails keeps nothing else waiting; all of that is raised at the end, as an `ExceptionGroup`.
    """
    store, registries = _store(url), load_registries()
    store.limit_time(seconds)
    expired, busy, failures = 0, set[str](), []
    for target, approval in _overdue(store, registries):
        if target.project in busy:
            continue
        try:
            expired += deciding.expire(store, target, approval)
        except Exception as error:  # noqa: BLE001 (raised below, when everything had its turn)
            failures.append(error)
            if isinstance(error, Unavailable):  # its next one would wait as long
                busy.add(target.project)
        if store.time_left() < seconds / 2:
            break
    done = {"expired": expired, "forgotten": retention.forget(store)}
    if failures:
        raise ExceptionGroup("Requests that can't be closed", failures)
    return done


def _overdue(store: Store, registries: Mapping[str, Registry]) -> Iterator[tuple[Target, str]]:
    """Each request whose time has run out, once: the longest overdue pages first, in any order.

    So none waits each time behind the same ones. Those of templates that aren't installed here are
    left out: another deployment closes them.
    """
    after = ("-infinity", str(UUID(int=0)))
    while True:
        rows = store.call(
            "SELECT * FROM overdue_approvals(%(templates)s, %(at)s, %(id)s, %(limit)s)",
            templates=list(registries), at=after[0], id=after[1], limit=OVERDUE_AT_ONCE,
        )  # fmt: skip
        for row in random.sample(rows, len(rows)):
            org, project, approval = (str(row[name]) for name in ("org", "project", "approval"))
            registry = registries[row["template"]]
            yield Target(org, project, SYSTEM, registry), approval
        if len(rows) < OVERDUE_AT_ONCE:
            return
        after = (rows[-1]["expires_at"], rows[-1]["approval"])


def outbox_lag(url: str) -> float:
    """Age in seconds of the oldest message that waits for its delivery, of all tenants; 0 for none.

    `url` is the application's login.
    """
    [waiting] = _store(url).call("SELECT outbox_lag() AS seconds")
    return float(waiting["seconds"])


@cache
def _store(url: str) -> Store:
    """Kept from one invocation to the next, with its connection."""
    return Store(url)
