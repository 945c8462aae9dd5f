"""A real HTTP server that speaks the API's shapes, for tests of the Space alone.

It decides nothing like the real engine; it is a stand-in on the other side of the wire.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.space import fake_governance as governance
from tests.space import fake_lifecycle as lifecycle
from tests.space import fake_people as people
from tests.space import fake_tokens as tokens
from tests.space import fake_trail as trail
from tests.space.fake_world import Problem, Project, read, worlds

Json = dict[str, Any]
NOTE = "No model key is set: messages are read by the actions' example phrases."


@dataclass
class FakeApi:
    """The server's state; tests read `seen` and `authorizations`, and change the rest at will."""

    users: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(("ada", "approver", "root"), "correct horse")
    )
    disabled: set[str] = field(default_factory=set)
    throttled: int | None = None  # seconds for which no sign-in is looked at
    links: dict[str, str] = field(default_factory=dict)  # what signs in once, and whom
    due: set[str] = field(default_factory=set)
    admins: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=lambda: {"script-token": "ada"})
    issued: list[Json] = field(default_factory=list)  # API tokens, oldest first
    projects: dict[str, Project] = field(default_factory=worlds)
    seen: list[tuple[str, str, Json]] = field(default_factory=list)
    broken: str | None = None  # a path ending that answers 503
    slow: float = 0  # seconds before every answer
    organization: str = "o-1"
    stopped: bool = False  # the whole organization
    reads: int = 1000  # executions that one answer looks at, as archived ranges are
    archived: int = 0  # up to which seq
    objects: list[Json] | None = None  # the archive's; None where the API has no such route
    url: str = ""

    def bodies(self, ending: str) -> list[Json]:
        """The bodies of the requests whose path ended so, oldest first."""
        return [body for _, path, body in self.seen if path.endswith(ending)]

    def login(self, body: Json) -> Json:
        """POST /v1/auth/login."""
        name = body.get("username", "")
        self._hold_back()
        if self.users.get(name) != body.get("password") or name in self.disabled:
            raise Problem(401, "unauthenticated", "Username or password is wrong.")
        return self._session(name)

    def _hold_back(self) -> None:
        if self.throttled:
            wait = {"Retry-After": str(self.throttled)}
            raise Problem(429, "throttled", "Wait as long as Retry-After says.", headers=wait)

    def link(self, body: Json) -> Json:
        """POST /v1/auth/link: once."""
        if body["link"] not in self.links:
            raise Problem(401, "unauthenticated", "The link is unknown or was used.")
        return self._session(self.links.pop(body["link"]))

    def _session(self, name: str) -> Json:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = name
        end = (datetime.now(UTC) + timedelta(hours=8)).isoformat().replace("+00:00", "Z")
        return {"token": token, "expires_at": end, "must_change_password": name in self.due}

    def who(self, request: Request) -> str:
        """The caller's name; raises Problem 401."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or self.tokens[token] in self.disabled:
            raise Problem(401, "unauthenticated", "The token is unknown or has expired.")
        return self.tokens[token]

    def password(self, name: str, body: Json) -> None:
        """POST /v1/auth/password: ends all sessions of the user, the asking one too."""
        self._hold_back()
        if self.users[name] != body["current_password"]:
            raise Problem(403, "forbidden", "The current password is wrong.")
        self.users[name] = body["new_password"]
        self.due.discard(name)
        self.tokens = {token: user for token, user in self.tokens.items() if user != name}

    def execute(self, project: Project, body: Json, steps: list[Json], who: str) -> Json:
        """Run steps once per request id, and only as confirmed; `{"status", "executions"}`."""
        fingerprint = hashlib.sha256(json.dumps(body).encode()).hexdigest()
        if body["request_id"] in project.keys:
            before, stored = project.keys[body["request_id"]]
            if before != fingerprint:
                raise Problem(422, "idempotency_conflict", "The request id was used before.")
            return stored
        preview = project.preview(steps, project.role(who))
        if body.get("confirm") not in (None, preview["digest"]):
            detail = "What was confirmed no longer holds."
            raise Problem(409, "confirmation_stale", detail, preview=preview)
        governance.replace(project, body.get("replaces"), who)
        if preview["status"] == "pending_approval":
            answer = governance.ask(project, steps, preview, who, body.get("replaces"))
        else:
            done = project.commit(body["request_id"], steps, body.get("confirm"), who)
            answer = {"status": done[-1]["status"], "executions": done}
        project.keys[body["request_id"]] = (fingerprint, answer)
        return answer

    def chat(self, project: Project, body: Json, who: str) -> Json:
        """POST …/chat."""
        interpreter = {"kind": "phrases", "name": "phrases", "note": NOTE}
        answer = {"interpreter": interpreter, "conversation_id": None}
        steps = read(body["message"], project.actions)
        if steps is None:
            message = "I don't understand that. Did you mean one of these?"
            suggestions = [item["phrases"][0] for item in project.actions[:2]]
            return {
                "kind": "clarification",
                "message": message,
                "suggestions": suggestions,
                **answer,
            }
        preview = project.preview(steps, project.role(who))
        return {
            "kind": "proposal",
            "message": "Here it is.",
            "steps": steps,
            "preview": preview,
            **answer,
        }

    async def serve_request(self, request: Request) -> Response:
        """Answer one request."""
        text = await request.body()
        yaml = request.headers.get("content-type") == "application/yaml"
        body = {"yaml": text.decode()} if yaml else json.loads(text or "{}")
        path = request.url.path.removeprefix("/v1")
        self.seen.append((request.method, path, body))
        await asyncio.sleep(self.slow)
        try:
            if self.broken and path.endswith(self.broken):
                raise Problem(503, "unavailable", "The database can't be reached.")
            answer = self._route(request, path, body)
            status = 202 if answer and answer.get("status") == "pending_approval" else 200
        except Problem as problem:
            kind = "application/problem+json"
            return JSONResponse(problem.body, problem.status, problem.headers, kind)
        return Response(status_code=204) if answer is None else JSONResponse(answer, status)

    def _route(self, request: Request, path: str, body: Json) -> Json | None:
        if path in ("/auth/login", "/auth/link"):
            return self.login(body) if path == "/auth/login" else self.link(body)
        name = self.who(request)
        if path == "/me":
            return self._me(name)
        if path == "/auth/password":
            self.password(name, body)
            return None
        if path == "/auth/logout":
            del self.tokens[request.headers["authorization"].removeprefix("Bearer ")]
            return None
        if name in self.due:
            raise Problem(403, "password_change_required", "Change your password first.")
        if path.startswith("/tokens"):
            return tokens.answer(self, name, request, body)
        if path == "/projects" and request.method == "POST":
            return lifecycle.make(self, name, body)
        if path == "/projects":
            items = [project.item(name) for project in self.projects.values()]
            return governance.paged(items, request.query_params)
        if not path.startswith("/projects/"):
            return people.answer(self, name, request.method, path, body)
        _, _, slug, *rest = path.split("/")
        return self._in_project(request, slug.removeprefix("id-"), "/".join(rest), body, name)

    def _me(self, name: str) -> Json:
        return {
            "user": {"id": f"u-{name}", "username": name}, "admin": name == "root",
            "organization": {"id": self.organization, "slug": "main", "title": "Main",
                             "paused": self.stopped},
            "must_change_password": name in self.due,
        }  # fmt: skip

    def _in_project(self, request: Request, slug: str, what: str, body: Json, who: str) -> Json:
        project = self.projects.get(slug)
        if project is None:
            raise Problem(404, "not_found", "There is no such project.")
        if request.method == "GET" and (told := trail.answer(self, project, request, what)):
            return told
        if changed := lifecycle.change(self, project, who, (request.method, what), body):
            return changed
        routes: dict[str, Callable[[], Json]] = {
            "": lambda: project.item(who),
            "registry": project.registry,
            "previews": lambda: project.preview(body["steps"], project.role(who)),
            "chat": lambda: self.chat(project, body, who),
            "executions": lambda: _only(self.execute(project, body, [_asked(body)], who)),
            "plans": lambda: self.execute(project, body, body["steps"], who),
        }  # fmt: skip
        if what in routes:
            return routes[what]()
        return governance.answer(project, who, request.method, what, body)


def _asked(body: Json) -> Json:
    return {"action": body["action"], "inputs": body["inputs"]}


def _only(plan: Json) -> Json:
    """The one execution, with the request that it waits for."""
    approval = {"approval": plan["approval"]} if "approval" in plan else {}
    return {**plan["executions"][0], **approval}


def fake_app(fake: FakeApi) -> Starlette:
    """The fake API as an ASGI application."""
    handler: Callable[[Request], Awaitable[Response]] = fake.serve_request
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", handler, methods=methods)])
