"""The fake API's audit log: filtered pages of it, as an archive gives them."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from tests.space.fake_world import Project

if TYPE_CHECKING:
    from tests.space.fake_api import FakeApi

Json = dict[str, Any]


def answer(fake: "FakeApi", project: Project, request: Request, what: str) -> Json | None:
    """The reading routes of the audit trail; None for any other."""
    if what == "executions":
        return _page(fake, project, request)
    return None


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
