"""The wire to the API: one way to ask, one exception type for every way it says no."""

from typing import Any

import httpx

from chat_space.traces import new_trace, traceparent

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


class Wire:
    """The API at `base_url` (without `/v1`); shared by all callers, holds connections only."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/v1", timeout=TIMEOUT, limits=LIMITS,
            transport=transport, follow_redirects=False,
        )  # fmt: skip

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Json | None = None,
        params: Json | None = None,
        yaml: str | None = None,
        request_id: str | None = None,
        trace: str | None = None,
    ) -> Json:
        """Send one request; its JSON object (`{}` for 204). Raises ApiError for everything else.

        `yaml` is a body in that language, instead of `body`; `trace` is the id of the trace that
        the request is part of, a new one where none is given. A `request_id` is executed once.
        """
        headers = {"traceparent": traceparent(trace or new_trace())}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        if request_id is not None:
            headers["idempotency-key"] = request_id
        sent: Json = {"json": body}
        if yaml is not None:
            headers["content-type"], sent = "application/yaml", {"content": yaml.encode()}
        try:
            response = await self._http.request(
                method, path, headers=headers, params=params, **sent
            )
        except httpx.HTTPError as error:
            detail = "The service can't be reached at the moment. Try again shortly."
            raise ApiError(503, "unreachable", detail) from error
        if not response.is_success:
            raise problem_of(response)
        return object_of(response)

    async def whole(self, path: str, token: str, trace: str | None = None) -> Json:
        """Every page of a list, one after the other, as if it were one. Raises ApiError."""
        items: list[Json] = []
        params: Json = {"limit": 200}
        while True:
            page = await self.ask("GET", path, token, params=params, trace=trace)
            items += page["items"]
            if page["next_cursor"] is None:
                return {"items": items, "next_cursor": None}
            params["cursor"] = page["next_cursor"]


def problem_of(response: httpx.Response) -> ApiError:
    """Read a problem document; a gateway's own error pages have none and get a plain sentence."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    known = ("type", "title", "status", "detail", "code")
    retry = response.headers.get("retry-after", "")
    seconds = int(retry) if retry.isdigit() else None
    detail = problem.get("detail") or problem.get("title") or _sentence_for(response.status_code)
    if response.status_code == 429 and seconds is not None:
        detail = f"Too many attempts. Try again in {in_words(seconds)}."
    return ApiError(
        response.status_code,
        str(problem.get("code") or _code_for(response.status_code)),
        str(detail),
        {name: value for name, value in problem.items() if name not in known},
        seconds,
    )


def in_words(seconds: int) -> str:
    """A wait as people say it: 1 second, 40 seconds, 2 minutes. Never shorter than it is."""
    count, unit = (seconds, "second") if seconds < 90 else (-(-seconds // 60), "minute")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


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
