"""The control plane's HTTP API, asked with the caller's own token and nothing else."""

from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from time import monotonic
from typing import Any

import httpx

from control_plane.agent.interpretation import Step
from control_plane.errors import Unavailable
from control_plane.observing.current import trace_headers

# The gateway ends a request at 30 s; what is left after these seconds is for the answer.
WHOLE_REQUEST = 27.0
_ONE_CALL = 10.0  # seconds
_PASSED_HEADERS = ("Retry-After", "WWW-Authenticate")


class ApiRefused(Exception):
    """The API answered with problem details, to be passed on as they are."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(f"{status} {body.get('code')}")
        self.status = status
        self.body = body
        self.headers = headers


class ApiClient:
    """One caller's view of the API at `url` (without /v1), for at most `seconds` in all.

    Every method raises `ApiRefused` for a problem, and `Unavailable` where no answer of the API
    came in time. `project` is a slug or an id, letters, digits and hyphens: not checked here. What
    the caller may do is decided there.
    """

    def __init__(self, url: str, authorization: str, seconds: float = WHOLE_REQUEST) -> None:
        self._url = url
        self._headers = {"Authorization": authorization, **trace_headers()}
        self._until = monotonic() + seconds

    def seconds_left(self) -> float:
        """Time that this request still has."""
        return self._until - monotonic()

    def registry(self, project: str) -> dict[str, Any]:
        """Components and actions that the caller may see."""
        return self._call("GET", project, "registry")

    def state(self, project: str) -> dict[str, Any]:
        """The project's present state: `{"version", "components": {id: state}, …}`."""
        return self._call("GET", project, "state")

    def preview(self, project: str, steps: Sequence[Step]) -> dict[str, Any]:
        """What would happen if the caller asked for these steps; nothing is stored."""
        asked = {"steps": [step.asked() for step in steps]}
        return self._call("POST", project, "previews", json=asked)

    def _call(self, method: str, project: str, what: str, **body: Any) -> dict[str, Any]:
        url = f"{self._url}/v1/projects/{project}/{what}"
        timeout = min(_ONE_CALL, self.seconds_left())
        if timeout <= 0:
            raise Unavailable(_NO_ANSWER)
        try:
            answer = _http().request(method, url, headers=self._headers, timeout=timeout, **body)
        except httpx.TransportError as error:
            raise Unavailable(_NO_ANSWER) from error
        return _read(answer)


_NO_ANSWER = "The control plane didn't answer in time. Nothing was changed: send the message again."


@cache
def _http() -> httpx.Client:
    """One connection pool per process: making one costs more than a request."""
    return httpx.Client()


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError as error:
        raise Unavailable(_NO_ANSWER) from error
    if not isinstance(body, dict):
        raise Unavailable(_NO_ANSWER)
    if answer.status_code == HTTPStatus.OK:
        return body
    if "code" not in body:  # the gateway's own errors have none
        raise Unavailable(_NO_ANSWER)
    headers = {name: answer.headers[name] for name in _PASSED_HEADERS if name in answer.headers}
    raise ApiRefused(answer.status_code, body, headers)
