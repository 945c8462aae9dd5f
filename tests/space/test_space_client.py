"""Whatever the API or the network answers, callers see one exception type."""

import asyncio
import re
from collections.abc import Callable

import httpx
import pytest
from chat_space.client import Api, ApiError

PROBLEM = "application/problem+json"


def ask(answer: Callable[[httpx.Request], httpx.Response], call: str = "projects", *args: str):
    """What `call` on a caller gives when the API answers so."""
    caller = Api("http://api", httpx.MockTransport(answer)).caller("token")
    return asyncio.run(getattr(caller, call)(*args))


def refusal(answer: Callable[[httpx.Request], httpx.Response]) -> ApiError:
    """The ApiError that the answer becomes."""
    with pytest.raises(ApiError) as caught:
        ask(answer)
    return caught.value


def test_a_problem_document_arrives_whole():
    """Status, code, sentence and every further member are kept."""
    body = {
        "type": "about:blank", "title": "Conflict", "status": 409, "code": "confirmation_stale",
        "detail": "It moved.", "preview": {"digest": "d"},
    }  # fmt: skip
    error = refusal(lambda _: httpx.Response(409, json=body, headers={"content-type": PROBLEM}))
    assert (error.status, error.code, error.detail) == (409, "confirmation_stale", "It moved.")
    assert error.members == {"preview": {"digest": "d"}}
    assert str(error) == "confirmation_stale: It moved."


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx.Response(502, text="<html>Bad gateway</html>"), "unavailable"),
        (httpx.Response(503, json={"message": "Service Unavailable"}), "unavailable"),
        (httpx.Response(401, json={"message": "Unauthorized"}), "unauthenticated"),
        (httpx.Response(404, json=["?"]), "not_found"),
        (httpx.Response(301, headers={"location": "http://elsewhere"}), "refused"),
        (httpx.Response(200, text="not json"), "bad_answer"),
        (httpx.Response(200, json=[1]), "bad_answer"),
    ],
)
def test_an_answer_without_a_problem_document_still_has_a_code(response, code):
    """A gateway's own pages and unreadable answers become codes and plain sentences."""
    error = refusal(lambda _: response)
    assert error.code == code
    assert "<" not in error.detail


def test_an_api_that_cannot_be_reached_is_an_error_too():
    """No connection, no answer in time: 503 `unreachable`, and no address in the sentence."""

    def nobody(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("to 10.0.0.7 refused")

    error = refusal(nobody)
    assert (error.status, error.code) == (503, "unreachable")
    assert "10.0.0.7" not in error.detail


def test_retry_after_is_kept():
    """A throttled caller learns when to come back."""
    answer = httpx.Response(429, json={"code": "throttled"}, headers={"retry-after": "7"})
    assert refusal(lambda _: answer).retry_after == 7


def test_a_project_named_by_a_script_cannot_name_another_route():
    """Slashes and dots in a project's name are quoted or refused."""
    seen: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    ask(note, "project", "../me?x=")
    assert seen == ["/v1/projects/..%2Fme%3Fx%3D"]
    with pytest.raises(ApiError, match="not_found"):
        ask(note, "project", "..")


def test_every_request_carries_the_callers_token():
    """The Space has no token of its own to send."""
    seen: list[str] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    for call in ("me", "projects"):
        ask(note, call)
    assert seen == ["Bearer token", "Bearer token"]


def test_what_one_caller_asks_is_one_trace():
    """Each request is a span of its own; another caller's are another trace."""
    seen: list[list[str]] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["traceparent"].split("-"))
        return httpx.Response(200, json={})

    async def browse() -> None:
        api = Api("http://api", httpx.MockTransport(note))
        one, other = api.caller("token"), api.caller("token")
        await one.me()
        await one.set_policy("demo", "{}")
        await other.me()
        await api.login("ada", "password")

    asyncio.run(browse())
    traces, spans = [trace for _, trace, _, _ in seen], {span for _, _, span, _ in seen}
    assert traces[0] == traces[1]
    assert len(set(traces)) == 3
    assert len(spans) == 4
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", "-".join(each)) for each in seen)
