"""The fake API's audit trail: filtered pages as an archive gives them, and a chain with hashes."""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import rfc8785
from starlette.requests import Request

from tests.space.fake_world import AT, Problem, Project

if TYPE_CHECKING:
    from tests.space.fake_api import FakeApi

Json = dict[str, Any]


def answer(fake: "FakeApi", project: Project, request: Request, what: str) -> Json | None:
    """The reading routes of the audit trail; None for any other."""
    if what == "executions":
        return _page(fake, project, request)
    if what == "state":
        return _state(project, request.query_params)
    if what.startswith("executions/"):
        return _one(project, int(what.split("/")[1]))
    if what == "audit/verify":
        return _verify(fake, project, int(request.query_params.get("from_seq", 1)))
    if what == "archives" and fake.objects is not None:
        at = int(request.query_params.get("cursor") or 0)
        more = str(at + 200) if len(fake.objects) > at + 200 else None
        return {"items": fake.objects[at : at + 200], "next_cursor": more}
    if what == "archives":
        raise Problem(404, "not_found", "There is no such route.")
    return None


def _state(project: Project, asked: Any) -> Json:
    """Now, at a version, or at a moment; there was nothing before the first execution."""
    version = int(asked.get("version", project.version))
    if _moment(asked.get("at", AT)) < _moment(AT):
        version = 0
    if version in project.erased:
        raise Problem(410, "state_erased", f"The state of version {version} was erased.")
    now = project.state if version == project.version else {}
    return {
        "version": version, "at": AT if version else None, "state_hash": "0" * 64,
        "components": now or project.pasts.get(version, {}),
    }  # fmt: skip


def _moment(at: str) -> datetime:
    try:
        return datetime.fromisoformat(at)
    except ValueError:
        detail = "at: Input should be a valid datetime."
        raise Problem(422, "invalid_query", detail) from None


def _one(project: Project, seq: int) -> Json:
    if seq > len(project.executions):
        raise Problem(404, "not_found", f"This project has no execution {seq}.")
    return chained(project)[seq - 1]


def chained(project: Project) -> list[Json]:
    """The project's executions with the hashes of a real chain; `hash` of one may be `spoilt`."""
    chain: list[Json] = []
    for item in project.executions:
        before = chain[-1]["hash"] if chain else "0" * 64
        chain.append(_linked(item, before))
    return chain


def _linked(item: Json, before: str) -> Json:
    added = ("hash", "explanations", "username", "inputs", "diff", "erased", "redacted", "spoilt")
    record = {name: value for name, value in item.items() if name not in added} | {
        "prev_hash": before, "payload_hash": "a" * 64, "execution_id": f"e-{item['seq']}",
        "action_version": 1, "policy_version": 0, "base_version": item.get("version", 1) - 1,
    }  # fmt: skip
    text = rfc8785.dumps(record) + item.get("spoilt", "").encode()
    shown = {name: item[name] for name in added if name in item and name != "spoilt"}
    if item.get("erased"):
        shown = {name: value for name, value in shown.items() if name not in ("inputs", "diff")}
    return {**record, **shown, "hash": hashlib.sha256(text).hexdigest()}


def _page(fake: "FakeApi", project: Project, request: Request) -> Json:
    """Looks at `fake.reads` executions at most, so a page may be empty and name the next."""
    asked = request.query_params
    limit, before = int(asked.get("limit", 50)), int(asked.get("cursor") or 2**53)
    older = [item for item in reversed(project.executions) if item["seq"] < before]
    found: list[Json] = []
    for looked_at, item in enumerate(older):
        if len(found) == limit or looked_at == fake.reads:
            return {"items": found, "next_cursor": str(item["seq"] + 1)}
        found += [item] if _fits(item, asked) else []
    return {"items": found, "next_cursor": None}


def _fits(item: Json, asked: Any) -> bool:
    return (
        asked.get("status") in (None, item["status"])
        and asked.get("action") in (None, item["action"])
        and asked.get("principal") in (None, item["principal"]["owner"])
        and (asked.get("since") or "") <= item["at"] < (asked.get("until") or "9")
    )


def _verify(fake: "FakeApi", project: Project, from_seq: int) -> Json:
    """One step of `fake.reads` executions; what is `spoilt` is found."""
    head, first = len(project.executions), max(from_seq, fake.archived + 1)
    last = min(first + fake.reads - 1, head)
    looked = project.executions[first - 1 : last]
    bad = next((item["seq"] for item in looked if "spoilt" in item), None)
    finding = {"problem": "The record is not what was hashed.", "seq": bad} if bad else None
    last = bad - 1 if bad else last
    rows = max(0, last - first + 1)
    return {
        "project": f"id-{project.slug}", "verified": finding is None, "finding": finding,
        "rows": rows, "first_seq": first if rows else None, "last_seq": last if rows else None,
        "next_from_seq": None if finding or last >= head else last + 1,
        "head": {"seq": head, "hash": "b" * 64},
        "archived": {"seq": fake.archived, "hash": "c" * 64},
        "checked": f"Executions {first} to {last}.",
        "not_checked": _left_out(fake, (first, last, head)),
    }  # fmt: skip


def _left_out(fake: "FakeApi", span: tuple[int, int, int]) -> list[str]:
    first, last, head = span
    archived = f"Executions 1 to {fake.archived}, which are archived."
    before = f"Executions {fake.archived + 1} to {first - 1}, before from_seq."
    after = f"Executions {last + 1} to {head}: ask with from_seq={last + 1}."
    return [
        *([archived] if fake.archived else []),
        *([before] if first > fake.archived + 1 else []),
        *([after] if last < head else []),
        "The anchors and the stored state: `chat-agent audit verify` reads them, and the archive.",
    ]


def archived(day: str, first: int, last: int, **more: Any) -> Json:
    """An object of the archive as the API lists it."""
    return {
        "bucket": "trail", "key": f"executions/org=o-1/dt={day}/part-0001-{first:016x}.jsonl.gz",
        "sha256": "d" * 64, "rows": last - first + 1, "first_seq": first, "last_seq": last,
        "day": day, **more,
    }  # fmt: skip
