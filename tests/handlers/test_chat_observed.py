"""What operators see of the chat: its line, its traces, and what the model cost."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from control_plane import settings
from handlers import api as api_function
from handlers import chat

from tests.chat_parts import TOKEN, LlmockServer, control_plane, http_server, llmock_process
from tests.handlers.conftest import Call
from tests.handlers.events import Context, event

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MODEL = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")


@pytest.fixture(autouse=True)
def without_a_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in MODEL:
        monkeypatch.delenv(name, raising=False)
    yield
    settings.settings.cache_clear()


@pytest.fixture(scope="module")
def llm() -> Iterator[LlmockServer]:
    with llmock_process() as server:
        yield server


def say(message: str = "add 3", token: str = TOKEN, **headers: str) -> int:
    """The status that a message is answered with."""
    settings.settings.cache_clear()
    sent = event("POST", "/v1/projects/demo/chat", {"message": message}, **headers)
    sent["headers"]["authorization"] = token
    return int(chat.handler(sent, Context())["statusCode"])


def told(caplog: pytest.LogCaptureFixture, service: str) -> list[dict[str, Any]]:
    """The lines of one function."""
    return [vars(record) for record in caplog.records if record.name == service]


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Metrics that were printed."""
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [each for each in printed if "_aws" in each]


def test_the_chats_requests_are_part_of_its_trace(
    call: Call,  # noqa: ARG001 (seeds)
    token: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the caller through the chat to the API: one trace, and who asked whom."""

    def real_api(method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        kept = {name: headers[name] for name in ("authorization", "traceparent")}
        answer = api_function.handler(event(method, path, body, **kept), Context())
        return answer["statusCode"], answer["headers"], answer["body"].encode()

    caplog.clear()
    with http_server(real_api) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        assert say(token=f"Bearer {token}", traceparent=f"00-{TRACE}-{SPAN}-01") == 200
    [line], asked = told(caplog, "chat"), told(caplog, "api")
    assert (line["trace_id"], line["parent_id"]) == (TRACE, SPAN)
    assert [each["route"] for each in asked][-1] == "/v1/projects/{project}/previews"
    for each in asked:
        assert (each["trace_id"], each["parent_id"]) == (TRACE, line["span_id"])
    assert line["project"] == asked[-1]["project"]


def test_without_a_context_the_chat_begins_a_trace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its requests carry it, too; each message has its own."""
    with http_server(control_plane) as (url, asked):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        assert say() == say(traceparent="nonsense") == 200
    sent = {headers["traceparent"] for _, _, headers, _ in asked}
    lines = told(caplog, "chat")
    assert sent == {f"00-{line['trace_id']}-{line['span_id']}-00" for line in lines}
    assert len(sent) == 2


def test_a_message_leaves_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its route and what became of it, as the API's lines have them."""
    with http_server(control_plane) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        assert say() == 200
        assert say(token="Bearer bad") == 401
    answered, refused = told(caplog, "chat")
    assert (answered["route"], answered["status"]) == ("/v1/projects/{project}/chat", 200)
    assert (refused["status"], refused["code"]) == (401, "unauthenticated")


def test_the_models_tokens_and_time_are_measured(
    llm: LlmockServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the provider counts them; a message that no model reads costs nothing."""
    with http_server(control_plane) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        say()
        assert metrics(capsys) == []
        monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
        llm.calls(("demo_counter_increment", {"amount": 3}))
        say()
    [line] = metrics(capsys)
    assert line["PromptTokens"][0] > 0
    assert line["CompletionTokens"][0] > 0
    assert line["ModelLatency"][0] > 0
    assert "ModelFailures" not in line


def test_a_model_that_fails_is_counted(
    llm: LlmockServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """People get an answer by phrases all the same: only the metric shows it."""
    with http_server(control_plane) as (url, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        monkeypatch.setenv("OPENAI_BASE_URL", llm.base_url)
        llm.script({"type": "fail", "status": 429, "times": None})
        assert say() == 200
    [line] = metrics(capsys)
    assert line["ModelFailures"] == [1]
    assert line["ModelLatency"][0] > 0


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "much",
        {},
        {"prompt_tokens": None},
        {"prompt_tokens": -1},
        {"prompt_tokens": 2**53},
        {"completion_tokens": 2**70},
    ],
)
def test_a_provider_that_counts_oddly_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
    usage: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What it says of tokens is no reason to refuse its answer, and none to believe it."""
    message = {"role": "assistant", "content": "The counter is 5."}
    completion = {"choices": [{"message": message}], "usage": usage}

    def provider(*_: Any) -> Any:
        return 200, {"content-type": "application/json"}, json.dumps(completion).encode()

    with http_server(control_plane) as (url, _), http_server(provider) as (model, _):
        monkeypatch.setenv("CHAT_AGENT_API_URL", url)
        monkeypatch.setenv("OPENAI_BASE_URL", model)
        assert say() == 200
    [line] = told(caplog, "chat")
    assert "model_failures" not in line
    assert not {"prompt_tokens", "completion_tokens"} & line.keys()
    [metric] = metrics(capsys)
    assert not {"PromptTokens", "CompletionTokens"} & metric.keys()
