"""The API's client: one method per route, one exception type for every way it says no."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

Json = dict[str, Any]

# The API ends every request at 30 s; waiting a little longer lets its own answer arrive first.
TIMEOUT = httpx.Timeout(35.0, connect=5.0)
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


class ApiError(Exception):
    """The API refused, or could not be reached.

    `status` is the HTTP status (503 where no answer came), `code` the stable reason, `detail` one
    sentence for people, `members` every further member of the problem document (RFC 9457),
    `retry_after` whole seconds where the API names them.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        members: Json | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.members = members or {}
        self.retry_after = retry_after


class Api:
    """The API at `base_url` (without `/v1`); shared by all callers, holds connections only."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/v1", timeout=TIMEOUT, limits=LIMITS,
            transport=transport, follow_redirects=False,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def caller(self, token: str) -> "Caller":
        """The API as the holder of `token` sees it."""
        return Caller(self, token)

    async def login(self, username: str, password: str, organization: str | None = None) -> Json:
        """POST /v1/auth/login: `{"token", "expires_at", "must_change_password"}`."""
        body = {"username": username, "password": password}
        if organization:
            body["organization"] = organization
        return await self.ask("POST", "/auth/login", body=body)

    async def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Json | None = None,
        params: Json | None = None,
    ) -> Json:
        """Send one request; its JSON object (`{}` for 204). Raises ApiError for everything else."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            response = await self._http.request(
                method, path, headers=headers, json=body, params=params
            )
        except httpx.HTTPError as error:
            detail = "The service can't be reached at the moment. Try again shortly."
            raise ApiError(503, "unreachable", detail) from error
        if not response.is_success:
            raise problem_of(response)
        return object_of(response)


def problem_of(response: httpx.Response) -> ApiError:
    """Read a problem document; a gateway's own error pages have none and get a plain sentence."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    known = ("type", "title", "status", "detail", "code")
    retry = response.headers.get("retry-after", "")
    return ApiError(
        response.status_code,
        str(problem.get("code") or _code_for(response.status_code)),
        str(problem.get("detail") or problem.get("title") or _sentence_for(response.status_code)),
        {name: value for name, value in problem.items() if name not in known},
        int(retry) if retry.isdigit() else None,
    )


def object_of(response: httpx.Response) -> Json:
    """The JSON object of a successful answer. Raises ApiError where it is something else."""
    if response.status_code == 204:
        return {}
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ApiError(502, "bad_answer", "The service gave an answer that can't be read.")
    return answer


def _code_for(status: int) -> str:
    return {401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "throttled"}.get(
        status, "unavailable" if status >= 500 else "refused"
    )


def _sentence_for(status: int) -> str:
    if status >= 500:
        return "The service has a problem at the moment. Try again shortly."
    return f"The service refused the request ({status})."


@dataclass(frozen=True)
class Caller:
    """One method per API route, as one token's holder. Each raises ApiError."""

    api: Api
    token: str

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
        """GET /v1/projects: `{"items", "next_cursor"}`."""
        return await self._ask("GET", "/projects", limit=200)

    async def project(self, project: str) -> Json:
        """GET /v1/projects/{p}: one project by id or slug, with the caller's role."""
        return await self._ask("GET", _in(project))

    async def registry(self, project: str) -> Json:
        """GET /v1/projects/{p}/registry: components and actions this caller may see."""
        return await self._ask("GET", f"{_in(project)}/registry")

    async def state(self, project: str) -> Json:
        """GET /v1/projects/{p}/state: `{"version", "at", "components"}` now."""
        return await self._ask("GET", f"{_in(project)}/state")

    async def preview(self, project: str, steps: list[Json]) -> Json:
        """POST /v1/projects/{p}/previews: what steps would do; nothing is stored."""
        return await self._ask("POST", f"{_in(project)}/previews", {"steps": steps})

    async def execute(
        self, project: str, request_id: str, step: Json, confirm: str | None = None
    ) -> Json:
        """POST /v1/projects/{p}/executions: the execution of `{"action", "inputs"}`.

        The same `request_id` again answers the stored result; `confirm` is a preview's digest.
        """
        body = {"request_id": request_id, **step} | ({"confirm": confirm} if confirm else {})
        return await self._ask("POST", f"{_in(project)}/executions", body)

    async def execute_plan(
        self, project: str, request_id: str, steps: list[Json], confirm: str
    ) -> Json:
        """POST /v1/projects/{p}/plans: `{"status", "executions"}`; all steps commit or none."""
        body = {"request_id": request_id, "steps": steps, "confirm": confirm}
        return await self._ask("POST", f"{_in(project)}/plans", body)

    async def executions(self, project: str, limit: int = 50, cursor: str | None = None) -> Json:
        """GET /v1/projects/{p}/executions: the audit log, newest first."""
        return await self._ask("GET", f"{_in(project)}/executions", limit=limit, cursor=cursor)

    async def chat(self, project: str, message: str, mode: str = "assisted") -> Json:
        """POST /v1/projects/{p}/chat: a proposal with its preview, an answer or a question."""
        return await self._ask("POST", f"{_in(project)}/chat", {"message": message, "mode": mode})

    async def _ask(self, method: str, path: str, body: Json | None = None, **params: Any) -> Json:
        given = {name: value for name, value in params.items() if value is not None}
        return await self.api.ask(method, path, self.token, body, given)


def _in(project: str) -> str:
    """The project's path. What a script names is quoted, so it can't name another route."""
    if project in ("", ".", ".."):
        raise ApiError(404, "not_found", "There is no such project.")
    return f"/projects/{quote(project, safe='')}"
