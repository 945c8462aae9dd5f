"""API tokens of the fake API: made once per key, listed without their texts, revoked."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from tests.space.fake_world import AT, Problem

if TYPE_CHECKING:
    from tests.space.fake_api import FakeApi

Json = dict[str, Any]


def issue(fake: "FakeApi", owner: str, **more: Any) -> Json:
    """A token as the list shows it, with its text as `text`, which no answer but the first has."""
    end = datetime.now(UTC) + timedelta(days=more.pop("days", 90))
    made = {
        "id": str(uuid.uuid4()), "owner": owner, "name": "nightly report", "scopes": ["read"],
        "projects": None, "created_at": AT, "expires_at": end.isoformat().replace("+00:00", "Z"),
        "last_used_at": None, "revoked_at": None, "text": f"cat_{uuid.uuid4().hex}", **more,
    }  # fmt: skip
    fake.issued.append(made)
    fake.tokens[made["text"]] = owner
    return made


def answer(fake: "FakeApi", who: str, request: Request, body: Json) -> Json:
    """The routes under /v1/tokens."""
    if request.method == "GET":
        return _listed(fake, who, request)
    if request.method == "POST":
        return _made(fake, who, request.headers["idempotency-key"], body)
    return _revoked(fake, who, request.url.path.rpartition("/")[2])


def _listed(fake: "FakeApi", who: str, request: Request) -> Json:
    everybody = who == "root" and request.query_params.get("everybody") == "true"
    mine = [item for item in reversed(fake.issued) if everybody or item["owner"] == who]
    start = int(request.query_params.get("cursor") or 0)
    shown = [{key: item[key] for key in item if key not in ("text", "key")} for item in mine]
    more = str(start + 50) if len(shown) > start + 50 else None
    return {"items": shown[start : start + 50], "next_cursor": more}


def _made(fake: "FakeApi", who: str, key: str, body: Json) -> Json:
    done = fake.projects["demo"].record("organization.create_token", who)
    for item in fake.issued:
        if item.get("key") == key:
            return {**done, "token_id": item["id"], "token": None}
    if body["name"] == "too much":
        raise Problem(403, "forbidden", "You may not do this. Ask an admin.")
    made = issue(fake, who, key=key, **body | {"scopes": sorted(body["scopes"])})
    return {**done, "token_id": made["id"], "token": made["text"]}


def _revoked(fake: "FakeApi", who: str, id: str) -> Json:
    found = [item for item in fake.issued if item["id"] == id and who in (item["owner"], "root")]
    if not found:
        raise Problem(404, "not_found", "There is nothing here, or you may not see it.")
    found[0]["revoked_at"] = AT
    fake.tokens.pop(found[0]["text"], None)
    return fake.projects["demo"].record("organization.revoke_token", who)
