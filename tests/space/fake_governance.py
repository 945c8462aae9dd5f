"""Approvals, members, policy and pause of the fake API's projects."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from tests.space.fake_world import AT, Problem, Project

Json = dict[str, Any]


def replace(project: Project, replaced: str | None, who: str) -> None:
    """Close the waiting request that another one takes the place of."""
    for request in project.requests:
        if request["id"] == replaced:
            if request["status"] != "pending" or request["who"] != who:
                raise Problem(409, "conflict", "The request to replace isn't waiting any more.")
            request["status"] = "withdrawn"


def ask(
    project: Project, steps: list[Json], preview: Json, who: str, replaces: str | None = None
) -> Json:
    """Open a request; answers what waits."""
    step = next(step for step in preview["steps"] if step["approval"])
    waiting = project.record(
        step["action"], who, "pending_approval", inputs=step["inputs"], cost=step["cost"],
        explanations=step["explanations"], request_id=str(uuid.uuid4()),
    )  # fmt: skip
    request = {
        "id": str(uuid.uuid4()), "seq": waiting["seq"], "status": "pending", "requested_at": AT,
        "expires_at": None, "who": who, "preview": preview, "steps": steps,
        "role": preview["approval"]["role"], "count": preview["approval"]["count"],
        "decisions": [], "replaces": replaces,
    }  # fmt: skip
    project.requests.insert(0, request)
    approval = shown(request) | {"expires_at": None}
    return {"status": "pending_approval", "executions": [waiting], "approval": approval}


def shown(request: Json) -> Json:
    """A request as answers name it."""
    approved = sum(vote["decision"] == "approve" for vote in request["decisions"])
    return {
        "id": request["id"], "status": request["status"], "role": request["role"],
        "count": request["count"], "approved": approved,
    }  # fmt: skip


def listed(project: Project, request: Json, name: str) -> Json:
    """A request as the lists show it to somebody."""
    mine = request["who"] == name
    voted = any(vote["username"] == name for vote in request["decisions"])
    may = project.role(name) == "admin" and not mine and not voted
    kept = {key: value for key, value in request.items() if key not in ("who", "steps")}
    return {
        **kept, "project": {"id": f"id-{project.slug}", "slug": project.slug,
                            "title": project.title},
        "requester": {"id": f"u-{request['who']}", "username": request["who"]},
        "mine": mine, "may_decide": may and request["status"] == "pending",
    }  # fmt: skip


def decide(project: Project, request: Json, name: str, body: Json) -> Json:
    """A vote, and what comes of it."""
    refusal = None
    if request["status"] != "pending":
        refusal = f"The request isn't waiting any more: it is {request['status']}."
    elif request["who"] == name:
        refusal = "Nobody decides about what they asked for themselves. Ask somebody else."
    if refusal:
        return project.record("project.decide_approval", name, "rejected", explanations=[refusal])
    vote = {"username": name, "comment": body.get("comment", ""), "at": AT}
    request["decisions"].append({**vote, "decision": body["decision"]})
    voted = project.record("project.decide_approval", name)
    if body["decision"] == "reject":
        return _closed(project, request, "rejected", "The request was rejected.")
    if shown(request)["approved"] < request["count"]:
        return {**voted, "approval": shown(request)}
    return _carried_out(project, request)


def _carried_out(project: Project, request: Json) -> Json:
    steps, who = request["steps"], request["who"]
    now = project.preview(steps, project.role(who))
    if now["digest"] != request["preview"]["digest"]:
        request["status"] = "superseded"
        opened = ask(project, steps, now, who, request["id"])
        detail = "What was approved no longer holds."
        approval = {"id": opened["approval"]["id"]}
        raise Problem(409, "approval_superseded", detail, preview=now, approval=approval)
    request["status"] = "done"
    done = project.commit(str(uuid.uuid4()), steps, None, who, granted=True)
    outcome = done[0] if len(done) == 1 else {"status": "success", "executions": done}
    return {**outcome, "approval": shown(request)}


def _closed(project: Project, request: Json, status: str, why: str) -> Json:
    request["status"] = status
    done = project.record(
        request["steps"][0]["action"], request["who"], "rejected", explanations=[why]
    )
    return {**done, "approval": shown(request)}


def withdraw(project: Project, request: Json, name: str) -> Json:
    """Take back one's own request."""
    if request["who"] != name or request["status"] != "pending":
        why = "Only who asked can withdraw a request."
        return project.record("project.withdraw_approval", name, "rejected", explanations=[why])
    project.record("project.withdraw_approval", name)
    return _closed(project, request, "withdrawn", "The request was withdrawn.")


def answer(project: Project, who: str, method: str, what: str, body: Json) -> Json:
    """The routes of one project that govern it."""
    if what == "approvals":
        return page([listed(project, request, who) for request in project.requests])
    if what.startswith("approvals/"):
        _, approval, verb = what.split("/")
        request = next((item for item in project.requests if item["id"] == approval), None)
        if request is None:
            raise Problem(404, "not_found", "There is no such request.")
        if verb == "decision":
            return decide(project, request, who, body)
        return withdraw(project, request, who)
    if what == "forecast":
        return _forecast(project)
    if (method, what) == ("GET", "members"):
        return page(
            [{"id": f"u-{n}", "username": n, "role": r, "since": AT}
             for n, r in project.roles.items()]
        )  # fmt: skip
    if project.role(who) != "admin":
        raise Problem(403, "forbidden", "Admins of the project only.")
    return _administer(project, who, method, what, body)


def _forecast(project: Project) -> Json:
    left = None if project.limit is None else project.limit - project.used
    return {
        "limit": project.limit, "used": project.used, "remaining": left, "per_day": 30,
        "exhausted_at": None, "days": [{"day": "2026-11-22", "used": project.used}],
    }  # fmt: skip


def _administer(project: Project, who: str, method: str, what: str, body: Json) -> Json:
    part, _, name = what.partition("/")
    if part in ("pause", "resume"):
        project.paused = part == "pause"
        project.status = "active"
        return project.record(f"project.{part}", who)
    routes: dict[tuple[str, str], Callable[[], Json]] = {
        ("PUT", "members"): lambda: _enrol(project, who, name, body["role"]),
        ("DELETE", "members"): lambda: _leave(project, who, name),
        ("GET", "policy"): lambda: _policies(project, name),
        ("PUT", "policy"): lambda: _rule(project, who, body),
    }  # fmt: skip
    return routes[method, part]()


def _enrol(project: Project, who: str, name: str, role: str) -> Json:
    if name == "nobody":
        raise Problem(404, "not_found", "There is no such user.")
    project.roles[name] = role
    return project.record("project.set_member", who)


def _leave(project: Project, who: str, name: str) -> Json:
    if name == who:
        why = ["This is the last active admin. Make another one first."]
        return project.record("project.remove_member", who, "rejected", explanations=why)
    del project.roles[name]
    return project.record("project.remove_member", who)


def _policies(project: Project, what: str) -> Json:
    if what == "versions":
        return page(list(reversed(project.policies)))
    if not project.policies:
        return {"version": 0, "document": {}}
    return project.policies[-1]


def _rule(project: Project, who: str, body: Json) -> Json:
    document = yaml.safe_load(body["yaml"]) or {}
    if wrong := [key for key in document if key not in ("limits", "rules", "approvals")]:
        lines = body["yaml"].splitlines()
        at = next(number for number, text in enumerate(lines, 1) if text.startswith(wrong[0]))
        errors = [{"line": at, "key": wrong[0], "error": "There is no such key."}]
        raise Problem(422, "invalid_policy", "The policy can't hold as written.", errors=errors)
    version = len(project.policies) + 1
    project.policies.append({"version": version, "at": AT, "document": document})
    return project.record("project.set_policy", who)


def page(items: list[Json]) -> Json:
    """A list's only page."""
    return {"items": items, "next_cursor": None}


def paged(items: list[Json], asked: Mapping[str, str]) -> Json:
    """The page of a list that `asked` names; 200 items at most."""
    start, size = int(asked.get("cursor", 0)), min(int(asked.get("limit", 50)), 200)
    end = start + size
    return {"items": items[start:end], "next_cursor": str(end) if items[end:] else None}
