"""The chat function, called with v2 events, with a real HTTP server standing for the API."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from control_plane import settings
from handlers import api as api_function
from handlers import chat

from tests.chat_parts import (
    TOKEN,
    LlmockServer,
    Requests,
    answered,
    control_plane,
    http_server,
    llmock_process,
)
from tests.handlers.conftest import Call
from tests.handlers.events import Context, event

PATH = "/v1/projects/demo/chat"
SAID = {"message": "set the counter to 5, then add 3"}
STEPS = [
    {"action": "demo.counter.set", "inputs": {"value": 5}},
    {"action": "demo.counter.increment", "inputs": {"amount": 3}},
]


@dataclass
class Answer:
    """What the function answered."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@pytest.fixture(autouse=True)
def without_a_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Requests]:
    """A stand-in for the API; gives what it was asked."""
    with http_server(control_plane) as (url, asked):
        monkeypatch.setenv("CHAT_AGENT_API_URL", f"{url}/")
        yield asked


@pytest.fixture(scope="module")
def llm() -> Iterator[LlmockServer]:
    with llmock_process() as server:
        yield server


def say(body: Any = None, path: str = PATH, **headers: str) -> Answer:
    sent = event(
        "POST", path, SAID if body is None else body, **{"authorization": TOKEN, **headers}
    )
    return answer_to(sent)


def answer_to(sent: dict[str, Any]) -> Answer:
    settings.settings.cache_clear()
    answered = chat.handler(sent, Context())
    return Answer(answered["statusCode"], answered["headers"], json.loads(answered["body"]))


def test_a_message_becomes_a_proposal_with_its_preview(api: Requests) -> None:
    """The steps are previewed by the API with the caller's own token, and nothing else is asked."""
    answer = say()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body["kind"] == "proposal"
    assert answer.body["steps"] == STEPS
    assert answer.body["preview"]["digest"] == "d" * 64
    assert answer.body["conversation_id"] is None
    assert answer.body["message"] == (
        "I propose “Set the counter” (value 5), then “Add to the counter” (amount 3). "
        "Nothing has changed yet: confirm to run it."
    )
    assert [(method, path) for method, path, _, _ in api] == [
        ("GET", "/v1/projects/demo/registry"),
        ("POST", "/v1/projects/demo/previews"),
    ]
    assert {headers["authorization"] for _, _, headers, _ in api} == {TOKEN}
    assert api[-1][3] == {"steps": STEPS}


@pytest.mark.usefixtures("api")
def test_without_a_key_the_phrases_read_and_say_so() -> None:
    """The interpreter names itself, and why it is the one."""
    assert say().body["interpreter"] == {
        "kind": "phrases",
        "name": "example phrases",
        "note": "No model key is set: messages are read by the actions' example phrases.",
    }


def test_a_question_is_answered_without_a_preview(api: Requests) -> None:
    """An answer asks nothing of the API but to read."""
    answer = say({"message": "what is the counter?"})
    assert answer.body["kind"] == "answer"
    assert answer.body["message"] == "Counter is 5 at version 3."
    assert {method for method, _, _, _ in api} == {"GET"}


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("mode", "most"), [("interactive", 1), ("assisted", 5), ("autonomous", 10)]
)
def test_each_mode_has_its_limit(mode: str, most: int) -> None:
    """As many steps as the mode allows are proposed; one more is asked back."""
    assert say({"message": "; ".join(["add 1"] * most), "mode": mode}).body["kind"] == "proposal"
    refused = say({"message": "; ".join(["add 1"] * (most + 1)), "mode": mode})
    assert refused.body["kind"] == "clarification"
    assert refused.body["suggestions"]


@pytest.mark.usefixtures("api")
def test_the_mode_is_assisted_unless_said() -> None:
    """Five steps are proposed without a mode, six are not."""
    assert say({"message": "; ".join(["add 1"] * 5)}).body["kind"] == "proposal"
    assert say({"message": "; ".join(["add 1"] * 6)}).body["kind"] == "clarification"


def test_a_proposal_that_would_be_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence tells what the preview found."""

    def refusing(method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        if method == "GET":
            return control_plane(method, path, headers, body)
        step = {"status": "rejected", "explanations": ["Your role may not do this."]}
        return answered({"digest": "", "status": "rejected", "steps": [step]})

    with http_server(refusing) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        message = say({"message": "add 3"}).body["message"]
    assert message.endswith("As things stand it would not be done. Your role may not do this.")


def test_no_token_is_refused_before_anything_is_asked(api: Requests) -> None:
    """Without a bearer token: 401, and no request to the API."""
    for authorization in ("", "Basic abc", "good"):
        answer = say(authorization=authorization)
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert not api


@pytest.mark.parametrize("authorization", ["Bearer gööd", "Bearer ", "bearer a\nb", "Bearer \x00"])
def test_a_token_that_no_header_can_hold_is_refused(api: Requests, authorization: str) -> None:
    """What can't be a token is a 401 like every other that is worth nothing."""
    answer = say(authorization=authorization)
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert not api


@pytest.mark.usefixtures("api")
def test_what_the_api_refuses_is_passed_on() -> None:
    """The API's problem comes through with its status and code."""
    answer = say(authorization="Bearer expired")
    assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"
    secret = say(path="/v1/projects/other/chat")
    assert (secret.status, secret.body["code"]) == (404, "not_found")


def test_throttling_keeps_its_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 of the API says when to come back."""
    problem = {"type": "about:blank", "status": 429, "code": "throttled"}
    with http_server(lambda *_: answered(problem, 429, **{"retry-after": "7"})) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        answer = say()
    assert (answer.status, answer.body["code"]) == (429, "throttled")
    assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    "broken",
    [
        (503, {"content-type": "application/json"}, b'{"message": "Service Unavailable"}'),
        (502, {"content-type": "text/html"}, b"<html>"),
        (200, {"content-type": "application/json"}, b"[]"),
        (302, {"location": "http://127.0.0.1:9/"}, b"{}"),
    ],
)
def test_an_api_that_is_not_there_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, broken: tuple[int, dict[str, str], bytes]
) -> None:
    """Whatever comes instead of the API's answers is a 503 that says nothing was changed."""
    with http_server(lambda *_: broken) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        answer = say()
    assert (answer.status, answer.body["code"]) == (503, "unavailable")


def test_no_api_at_all_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is a 503."""
    monkeypatch.setenv("CHAT_AGENT_API_URL", "http://127.0.0.1:9")
    assert say().status == 503


@pytest.mark.parametrize(
    "body", ["", "{", "nonsense", '{"message": NaN}', '{"message": "\\ud800"}']
)
def test_a_body_that_is_no_json_is_malformed(api: Requests, body: str) -> None:
    """What can't be read is a 400, and the API isn't asked."""
    answer = say(body)
    assert (answer.status, answer.body["code"]) == (400, "malformed")
    assert not api


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": 5}, "message"),
        ({"message": "add 3", "mode": "sudo"}, "mode"),
        ({"message": "add 3", "confirmed": True}, "confirmed"),
        ({"message": "add 3", "steps": STEPS}, "steps"),
    ],
)
def test_a_body_that_does_not_fit_is_invalid(api: Requests, body: Any, at: str) -> None:
    """What isn't described is a 422 that names the member, and the API isn't asked."""
    answer = say(body)
    assert (answer.status, answer.body["code"]) == (422, "invalid_body")
    assert [error["at"] for error in answer.body["errors"]] == [at]
    assert not api


@pytest.mark.usefixtures("api")
def test_an_array_is_invalid_too() -> None:
    """JSON that is no object is a 422."""
    assert say("[]").status == 422


@pytest.mark.usefixtures("api")
def test_the_body_may_have_five_mebibytes() -> None:
    """A message of nearly 5 MiB is read and asked back; a larger body is a 413."""
    most = 5 * 1024 * 1024 - len('{"message": ""}')
    assert say(json.dumps({"message": "x" * most})).body["kind"] == "clarification"
    answer = say(json.dumps({"message": "x" * (most + 1)}))
    assert (answer.status, answer.body["code"]) == (413, "body_too_large")
    assert "5 MiB" in answer.body["detail"]


@pytest.mark.usefixtures("api")
def test_a_body_in_base64_is_read() -> None:
    """API Gateway encodes bodies that it takes for binary ones."""
    sent = event("POST", PATH, authorization=TOKEN)
    sent |= {"body": base64.b64encode(json.dumps(SAID).encode()).decode(), "isBase64Encoded": True}
    assert answer_to(sent).body["kind"] == "proposal"
    assert answer_to(sent | {"body": "é"}).status == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/jsonp", "multipart/form-data", ""])
def test_a_body_of_another_type_is_refused(api: Requests, kind: str) -> None:
    """Whatever is not said to be JSON is a 415, and the API isn't asked."""
    answer = say(**{"content-type": kind})
    assert (answer.status, answer.body["code"]) == (415, "unsupported_media_type")
    assert not api


@pytest.mark.usefixtures("api")
def test_json_may_name_its_charset_or_not_be_named() -> None:
    """A parameter, capitals and a missing header are all fine."""
    assert say(**{"content-type": "Application/JSON; charset=utf-8"}).status == 200
    sent = event("POST", PATH, SAID, authorization=TOKEN)
    del sent["headers"]["content-type"]
    assert answer_to(sent).status == 200


@pytest.mark.parametrize("project", ["..", "a/b", "%2e%2e", "d emo", "x" * 65, ""])
def test_a_project_that_can_not_be_is_not_found(api: Requests, project: str) -> None:
    """No path but a slug or an id ever reaches the API."""
    answer = say(path=f"/v1/projects/{project}/chat")
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert not api


def test_with_a_key_the_model_proposes(
    api: Requests, llm: LlmockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's steps are previewed by the API like anybody's."""
    monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
    monkeypatch.setenv("OPENAI_MODEL", "tiny")
    llm.calls(("demo_counter_set", {"value": 9, "confirmed": True}), text="It is done.")
    answer = say({"message": "nine, if I may"})
    assert answer.body["steps"] == [{"action": "demo.counter.set", "inputs": {"value": 9}}]
    assert answer.body["interpreter"] == {"kind": "model", "name": "tiny", "note": ""}
    assert "done" not in answer.body["message"]
    assert api[-1][3] == {"steps": answer.body["steps"]}


@pytest.mark.parametrize(("length", "kind"), [(250, "proposal"), (256, "clarification")])
def test_steps_too_large_for_the_api_are_a_question(
    api: Requests, monkeypatch: pytest.MonkeyPatch, length: int, kind: str
) -> None:
    """Steps that no request could carry are not previewed; the answer says what to do."""
    arguments = json.dumps({"key": "x", "value": "ä" * (length * 512)})
    call = {"function": {"name": "memory_remember", "arguments": arguments}}
    said = {"choices": [{"message": {"tool_calls": [call]}}]}
    with http_server(lambda *_: answered(said)) as (url, _):
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        answer = say({"message": "remember x"})
    assert (answer.status, answer.body["kind"]) == (200, kind)
    assert ("255 KiB" in answer.body["message"]) == (kind == "clarification")
    assert any(path.endswith("/previews") for _, path, _, _ in api) == (kind == "proposal")


@pytest.mark.usefixtures("api")
def test_a_silent_model_is_replaced_by_the_phrases(
    llm: LlmockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the provider fails, phrases read the message, and the note says so."""
    monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
    monkeypatch.setenv("OPENAI_MODEL", "tiny")
    llm.script({"type": "fail", "status": 429, "times": None})
    answer = say()
    assert answer.body["steps"] == STEPS
    assert answer.body["interpreter"]["kind"] == "phrases"
    assert answer.body["interpreter"]["note"] == (
        "The model tiny could not be reached (its provider answered 429): "
        "this message was read by the actions' example phrases."
    )


def test_what_nobody_expected_is_a_problem_without_details(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is logged and answered as a 500 that tells nothing of it."""
    with http_server(lambda *_: answered({"surprise": True})) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        answer = say()
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert "KeyError" not in json.dumps(answer.body)
    assert vars(caplog.records[-1])["error"] == "KeyError"


def test_the_real_api_previews_what_chat_proposes(
    call: Call, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real API behind it, a proposal's digest is what a plan is confirmed with."""

    def real_api(method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        sent = event(method, path, body, authorization=headers["authorization"])
        answer = api_function.handler(sent, Context())
        return answer["statusCode"], answer["headers"], answer["body"].encode()

    with http_server(real_api) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        answer = say(authorization=f"Bearer {token}")
        asked = say({"message": "what is the counter?"}, authorization=f"Bearer {token}")
    assert answer.body["steps"] == STEPS
    assert asked.body["message"].startswith("Counter is 0 at version ")
    plan = {"request_id": "1", "steps": STEPS, "confirm": answer.body["preview"]["digest"]}
    done = call("POST", "/v1/projects/demo/plans", plan, token)
    assert (done.status, done.body["status"]) == (200, "success")
