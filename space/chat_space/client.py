"""The API's client: one method per route."""

from dataclasses import dataclass, field
from typing import Any

from chat_space import paths
from chat_space.traces import new_trace
from chat_space.wire import ApiError, Json, Wire

__all__ = ["Api", "ApiError", "Caller", "Json"]


class Api(Wire):
    """The API, for whoever has no token yet."""

    def caller(self, token: str) -> "Caller":
        """The API as the holder of `token` sees it."""
        return Caller(self, token)

    async def login(self, username: str, password: str, organization: str | None = None) -> Json:
        """POST /v1/auth/login: `{"token", "expires_at", "must_change_password"}`."""
        body = {"username": username, "password": password}
        if organization:
            body["organization"] = organization
        return await self.ask("POST", "/auth/login", body=body)

    async def login_by_link(self, link: str) -> Json:
        """POST /v1/auth/link: what `login` answers, for a text that signs in once."""
        return await self.ask("POST", "/auth/link", body={"link": link})


@dataclass(frozen=True)
class Caller:
    """One method per API route, as one token's holder, all in one trace. Each raises ApiError."""

    api: Api
    token: str
    trace: str = field(default_factory=new_trace, compare=False)

    async def logout(self) -> None:
        """POST /v1/auth/logout: the token is worth nothing afterwards."""
        await self._ask("POST", "/auth/logout", {})

    async def change_password(self, current: str, new: str) -> None:
        """POST /v1/auth/password: all sessions of this user end, this one too."""
        await self._ask(
            "POST", "/auth/password", {"current_password": current, "new_password": new}
        )

    async def me(self) -> Json:
        """GET /v1/me: `{"user", "organization", "admin", "must_change_password"}`."""
        return await self._ask("GET", "/me")

    async def projects(self) -> Json:
        """GET /v1/projects: all `items` that the caller may see, newest first."""
        return await self.api.whole("/projects", self.token, self.trace)

    async def project(self, project: str) -> Json:
        """GET /v1/projects/{p}: one project by id or slug, with the caller's role."""
        return await self._ask("GET", paths.in_project(project))

    async def registry(self, project: str) -> Json:
        """GET /v1/projects/{p}/registry: components and actions this caller may see."""
        return await self._ask("GET", f"{paths.in_project(project)}/registry")

    async def state(self, project: str, version: int | None = None, at: str | None = None) -> Json:
        """GET …/state: `{"version", "at", "components"}`, now, at a version or at a moment."""
        return await self._ask("GET", f"{paths.in_project(project)}/state", version=version, at=at)

    async def preview(self, project: str, steps: list[Json]) -> Json:
        """POST /v1/projects/{p}/previews: what steps would do; nothing is stored."""
        return await self._ask("POST", f"{paths.in_project(project)}/previews", {"steps": steps})

    async def execute(
        self,
        project: str,
        request_id: str,
        step: Json,
        confirm: str | None = None,
        replaces: str | None = None,
    ) -> Json:
        """POST /v1/projects/{p}/executions: the execution of `{"action", "inputs"}`.

        The same `request_id` again answers the stored result; `confirm` is a preview's digest,
        `replaces` one's own request that waits and that this one takes the place of.
        """
        promise = {"confirm": confirm, "replaces": replaces}
        given = {name: value for name, value in promise.items() if value}
        body = {"request_id": request_id, **step, **given}
        return await self._ask("POST", f"{paths.in_project(project)}/executions", body)

    async def execute_plan(
        self,
        project: str,
        request_id: str,
        steps: list[Json],
        confirm: str,
        replaces: str | None = None,
    ) -> Json:
        """POST /v1/projects/{p}/plans: `{"status", "executions"}`; all steps commit or none."""
        body: Json = {"request_id": request_id, "steps": steps, "confirm": confirm}
        body |= {"replaces": replaces} if replaces else {}
        return await self._ask("POST", f"{paths.in_project(project)}/plans", body)

    async def executions(
        self, project: str, limit: int = 50, cursor: str | None = None, **wanted: str
    ) -> Json:
        """GET /v1/projects/{p}/executions: the audit log, newest first.

        `wanted` may have `status`, `action`, `principal`, `since` and `until`. A page may hold
        fewer items than there are, even none, and still name the next.
        """
        path = f"{paths.in_project(project)}/executions"
        return await self._ask("GET", path, None, limit=limit, cursor=cursor, **wanted)

    async def execution(self, project: str, seq: int) -> Json:
        """GET /v1/projects/{p}/executions/{seq}: one execution, archived or not."""
        return await self._ask("GET", f"{paths.in_project(project)}/executions/{seq}")

    async def verify(self, project: str, from_seq: int = 1) -> Json:
        """GET …/audit/verify: what one look at the chain found; `next_from_seq` is the next's."""
        path = f"{paths.in_project(project)}/audit/verify"
        return await self._ask("GET", path, from_seq=from_seq)

    async def archives(self, project: str, cursor: str | None = None) -> Json:
        """GET …/archives: the objects that hold this project's archived executions."""
        path = f"{paths.in_project(project)}/archives"
        return await self._ask("GET", path, limit=200, cursor=cursor)

    async def chat(self, project: str, message: str, mode: str = "assisted") -> Json:
        """POST /v1/projects/{p}/chat: a proposal with its preview, an answer or a question."""
        return await self._ask(
            "POST", f"{paths.in_project(project)}/chat", {"message": message, "mode": mode}
        )

    async def approvals(self, project: str | None = None, status: str | None = None) -> Json:
        """GET /v1/approvals: what waits for the caller, or was asked by them and waits.

        With `project` GET /v1/projects/{p}/approvals: all of its requests, newest first.
        """
        where = f"{paths.in_project(project)}/approvals" if project else "/approvals"
        return await self._ask("GET", where, limit=100, status=status)

    async def decide(self, project: str, approval: str, decision: str, comment: str = "") -> Json:
        """POST …/approvals/{id}/decision: the outcome. 409 `approval_superseded` has a preview."""
        body = {"decision": decision} | ({"comment": comment} if comment else {})
        return await self._ask("POST", f"{paths.request(project, approval)}/decision", body)

    async def withdraw(self, project: str, approval: str) -> Json:
        """POST …/approvals/{id}/withdraw: the execution that closes one's own request."""
        return await self._ask("POST", f"{paths.request(project, approval)}/withdraw", {})

    async def members(self, project: str) -> Json:
        """GET /v1/projects/{p}/members: all `items`, each `{"id", "username", "role", "since"}`."""
        path = f"{paths.in_project(project)}/members"
        return await self.api.whole(path, self.token, self.trace)

    async def set_member(self, project: str, username: str, role: str) -> Json:
        """PUT …/members/{username}: the execution."""
        return await self._ask("PUT", paths.member(project, username), {"role": role})

    async def remove_member(self, project: str, username: str) -> Json:
        """DELETE …/members/{username}: the execution."""
        return await self._ask("DELETE", paths.member(project, username))

    async def policy(self, project: str) -> Json:
        """GET …/policy: `{"version", "document"}`."""
        return await self._ask("GET", f"{paths.in_project(project)}/policy")

    async def set_policy(self, project: str, text: str) -> Json:
        """PUT …/policy with a document in YAML (or JSON): the execution.

        A wrong document is an ApiError `invalid_policy` with `errors`.
        """
        return await self.api.ask(
            "PUT", f"{paths.in_project(project)}/policy", self.token, yaml=text, trace=self.trace
        )

    async def policy_versions(self, project: str) -> Json:
        """GET …/policy/versions: every policy so far, newest first."""
        return await self._ask("GET", f"{paths.in_project(project)}/policy/versions", limit=20)

    async def pause(self, project: str | None = None) -> Json:
        """POST …/pause of a project, or of the whole organization: the execution."""
        return await self._ask("POST", f"{paths.in_project(project) if project else ''}/pause", {})

    async def resume(self, project: str | None = None) -> Json:
        """POST …/resume of a project, or of the whole organization: the execution."""
        return await self._ask("POST", f"{paths.in_project(project) if project else ''}/resume", {})

    async def create_project(self, slug: str, title: str, template: str) -> Json:
        """POST /v1/projects: the project's first execution."""
        body = {"slug": slug, "template": template} | ({"title": title} if title else {})
        return await self._ask("POST", "/projects", body)

    async def rename(self, project: str, title: str) -> Json:
        """PATCH /v1/projects/{p}: the execution that gives it another title."""
        return await self._ask("PATCH", paths.in_project(project), {"title": title})

    async def purge(self, project: str, slug: str) -> Json:
        """POST …/purge with the slug as it was typed: the execution. There is no way back."""
        return await self._ask("POST", f"{paths.in_project(project)}/purge", {"slug": slug})

    async def archive(self, project: str) -> Json:
        """POST …/archive: the execution."""
        return await self._ask("POST", f"{paths.in_project(project)}/archive", {})

    async def forecast(self, project: str) -> Json:
        """GET …/forecast: today's budget, what is used of it, and the mean of seven days."""
        return await self._ask("GET", f"{paths.in_project(project)}/forecast")

    async def rollup(self) -> Json:
        """GET /v1/rollup: all of the caller's projects at a glance."""
        return await self.api.whole("/rollup", self.token, self.trace)

    async def users(self) -> Json:
        """GET /v1/users: all of the organization's people; its admins only."""
        return await self.api.whole("/users", self.token, self.trace)

    async def create_user(self, username: str, password: str, *, admin: bool = False) -> Json:
        """POST /v1/users: the execution. The password must be changed at the first sign-in."""
        body = {"username": username, "password": password, "admin": admin}
        return await self._ask("POST", "/users", body)

    async def disable_user(self, username: str, disabled: bool) -> Json:
        """PATCH /v1/users/{username}: the execution."""
        return await self._ask("PATCH", paths.user(username), {"disabled": disabled})

    async def set_password(self, username: str, password: str) -> Json:
        """POST /v1/users/{username}/password: the execution. It must be changed, too."""
        return await self._ask("POST", f"{paths.user(username)}/password", {"password": password})

    async def tokens(self, everybody: bool = False, cursor: str | None = None) -> Json:
        """GET /v1/tokens: one's own API tokens, or for admins everybody's; never their texts."""
        return await self._ask("GET", "/tokens", everybody=everybody or None, cursor=cursor)

    async def create_token(self, asked: Json, request_id: str) -> Json:
        """POST /v1/tokens: the execution with `token_id` and `token`, the text, told this once.

        The same `request_id` again is answered alike, with `token` None.
        """
        return await self.api.ask("POST", "/tokens", self.token, asked, request_id=request_id)

    async def revoke_token(self, token: str) -> Json:
        """DELETE /v1/tokens/{id}: the execution."""
        return await self._ask("DELETE", f"/tokens/{paths.segment(token, 'token')}")

    async def _ask(self, method: str, path: str, body: Json | None = None, **params: Any) -> Json:
        given = {name: value for name, value in params.items() if value is not None}
        return await self.api.ask(method, path, self.token, body, given, trace=self.trace)
