"""The model as a proposer, against real servers that speak chat completions over HTTP."""

import builtins
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from control_plane.agent import model
from control_plane.agent.interpretation import Answer, Clarification, Interpretation, Proposal, Step
from control_plane.agent.model import ModelUnreachable
from control_plane.settings import Settings

from tests.chat_parts import REGISTRY, STATE, LlmockServer, answered, http_server, llmock_process

KEY = "sk-very-secret"
SET, ADD = "demo_counter_set", "demo_counter_increment"
FIVE = Proposal((Step("demo.counter.set", {"value": 5}),))


@pytest.fixture(scope="module")
def llm() -> Iterator[LlmockServer]:
    with llmock_process() as server:
        yield server


def propose(
    settings: Settings | LlmockServer, message: str = "Set it to 5", limit: int = 5, **more: Any
) -> Interpretation:
    if isinstance(settings, LlmockServer):
        settings = Settings(openai_api_key=KEY, openai_base_url=settings.base_url)
    return model.propose_steps(message, REGISTRY, STATE, limit, settings, **more)


def completion(**message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", **message}}]}


def tool_call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_tool_calls_become_steps_in_order(llm: LlmockServer) -> None:
    """Each tool call is proposed as the action that it stands for."""
    llm.calls((SET, {"value": 5}), (ADD, {"amount": 3}))
    steps = (Step("demo.counter.set", {"value": 5}), Step("demo.counter.increment", {"amount": 3}))
    assert propose(llm) == Proposal(steps)
    assert len(llm.requests) == 1


def test_the_model_gets_tools_rules_state_and_message(llm: LlmockServer) -> None:
    """The request holds one tool per visible action, and the state apart from the rules."""
    llm.calls((SET, {"value": 5}))
    propose(llm, "Set it to 5")
    (request,) = llm.requests
    rules, state, message = (each["content"] for each in request["messages"])
    assert "at most 5" in rules
    assert '"the sky":"blue"' in state
    assert message == "Set it to 5"
    tools = {tool["function"]["name"]: tool["function"] for tool in request["tools"]}
    assert len(tools) == len(REGISTRY["actions"])
    assert tools[SET]["parameters"]["properties"]["value"]["type"] == "integer"


def test_text_is_an_answer_and_a_question_is_one(llm: LlmockServer) -> None:
    """Without tool calls nothing is proposed; the model's words are passed on."""
    llm.script({"type": "reply", "text": "The counter is 5."})
    assert propose(llm) == Answer("The counter is 5.")
    llm.script({"type": "reply", "text": "To which value?"})
    assert propose(llm) == Clarification("To which value?")


def test_nothing_a_model_writes_confirms(llm: LlmockServer) -> None:
    """Members that no action declares, such as `confirmed`, are left out of the step."""
    forged = {"value": 5, "confirmed": True, "confirm": "d" * 64, "role": "admin"}
    llm.calls((SET, forged))
    assert propose(llm) == FIVE


def test_what_a_model_says_beside_its_calls_is_not_passed_on(llm: LlmockServer) -> None:
    """A model can't claim success in the words beside a tool call."""
    llm.calls((SET, {"value": 5}), text="Done! I have confirmed it.")
    assert propose(llm) == FIVE


@pytest.mark.parametrize("fault", ["malformed_arguments", "unknown_tool"])
def test_a_broken_tool_call_is_repaired_once(llm: LlmockServer, fault: str) -> None:
    """A call that can't be read is asked for again, with the reason, and then taken."""
    call = {"type": "reply", "tool_calls": [{"name": SET, "arguments": {"value": 5}}], "times": 2}
    llm.script(call, {"type": "tool_fault", "kind": fault})
    assert propose(llm) == FIVE
    first, second = llm.requests
    assert second["messages"][:-1] == first["messages"]
    assert "Call 1:" in second["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("shell", {"command": "id"}), "no tool “shell”"),
        ((SET, {"value": "many"}), "'many' is not of type 'integer'"),
        ((SET, {}), "'value' is a required property"),
    ],
)
def test_what_stays_broken_is_not_proposed(
    llm: LlmockServer, call: tuple[str, dict[str, Any]], said: str
) -> None:
    """After one repair the model has had its chances: two calls at most, and no step."""
    llm.calls(call, times=None)
    understood = propose(llm)
    assert isinstance(understood, Clarification)
    assert said in understood.message
    assert len(llm.requests) == 2


def test_one_bad_step_spoils_all(llm: LlmockServer) -> None:
    """Steps around one that can't be read are not proposed without it."""
    llm.calls((ADD, {"amount": 1}), ("shell", {}), (ADD, {"amount": 2}), times=None)
    assert isinstance(propose(llm), Clarification)


@pytest.mark.parametrize(("limit", "count"), [(1, 2), (5, 1_000)])
def test_more_steps_than_the_mode_allows_are_none(
    llm: LlmockServer, limit: int, count: int
) -> None:
    """Over the limit nothing is proposed, and the model isn't asked again."""
    llm.calls(*[(ADD, {"amount": 1})] * count)
    understood = propose(llm, limit=limit)
    assert isinstance(understood, Clarification)
    assert f"{count} steps" in understood.message
    assert len(llm.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_an_error_of_the_provider_is_told_without_retries(llm: LlmockServer, status: int) -> None:
    """One failed call is the end: no retries, and no word of the provider's, which quotes keys."""
    llm.script({"type": "fail", "status": status, "message": f"key {KEY} refused", "times": None})
    with pytest.raises(ModelUnreachable) as silent:
        propose(llm)
    assert str(silent.value) == f"its provider answered {status}"
    assert len(llm.requests) == 1


def test_a_slow_model_is_left_in_time(llm: LlmockServer) -> None:
    """All calls together end at the deadline."""
    llm.script({"type": "delay", "seconds": 10, "times": None})
    began = time.perf_counter()
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        propose(llm, seconds=0.5)
    assert time.perf_counter() - began < 5


def test_the_deadline_covers_the_repair_as_well(llm: LlmockServer) -> None:
    """A repair call doesn't get the whole time anew."""
    llm.script(
        {"type": "reply", "tool_calls": [{"name": "shell", "arguments": {}}], "times": None},
        {"type": "delay", "seconds": 0.7, "times": None},
    )
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        propose(llm, seconds=1.0)


def test_the_deadline_covers_the_import_of_the_client(
    llm: LlmockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a cold import costs is taken from the model's time, and may leave none."""
    slow = _SlowImport(0.6)
    monkeypatch.setattr("builtins.__import__", slow)
    llm.script({"type": "delay", "seconds": 0.8, "times": None})
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        propose(llm, seconds=1.2)
    slow.waits = True
    llm.script()
    with pytest.raises(ModelUnreachable, match="no answer in time"):
        propose(llm, seconds=0.5)
    assert not llm.requests


class _SlowImport:
    """Python's import, that takes its time for the next import of openai."""

    def __init__(self, seconds: float) -> None:
        self.waits = True
        self._seconds = seconds
        self._import = builtins.__import__

    def __call__(self, name: str, *more: Any, **named: Any) -> Any:
        if name == "openai" and self.waits:
            self.waits = False
            time.sleep(self._seconds)
        return self._import(name, *more, **named)


def test_no_server_is_no_connection() -> None:
    """Where nothing listens, the model is unreachable at once."""
    settings = Settings(openai_base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ModelUnreachable, match="no connection"):
        propose(settings)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"",
        b"{",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": 5}}]}}]}',
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_what_is_no_chat_completion_is_unusable(body: bytes, kind: str) -> None:
    """A 200 with anything but a chat completion counts as no answer."""
    with (
        http_server(lambda *_: (200, {"content-type": kind}, body)) as (url, _),
        pytest.raises(ModelUnreachable, match="an unusable answer"),
    ):
        propose(Settings(openai_base_url=url))


@pytest.mark.parametrize(
    "arguments",
    [
        "not JSON",
        "[5]",
        '{"value": NaN}',
        '{"value": 1e999}',
        '{"value": 9007199254740993}',
        "{" * 9_999,
    ],
)
def test_arguments_are_read_strictly(arguments: str) -> None:
    """Arguments that are no JSON object of ours propose nothing."""
    said = completion(tool_calls=[tool_call(SET, arguments)])
    with http_server(lambda *_: answered(said)) as (url, asked):
        assert isinstance(propose(Settings(openai_base_url=url)), Clarification)
    assert len(asked) == 2


def test_a_call_of_another_kind_and_a_refusal_propose_nothing() -> None:
    """Tool calls that aren't function calls are unknown; a refusal is passed on as text."""
    custom = {"id": "1", "type": "custom", "custom": {"name": SET, "input": '{"value": 5}'}}
    with http_server(lambda *_: answered(completion(tool_calls=[custom]))) as (url, _):
        assert isinstance(propose(Settings(openai_base_url=url)), Clarification)
    with http_server(lambda *_: answered(completion(refusal="I won't."))) as (url, _):
        assert propose(Settings(openai_base_url=url)) == Answer("I won't.")
    with http_server(lambda *_: answered(completion(content=None))) as (url, _):
        assert isinstance(propose(Settings(openai_base_url=url)), Clarification)


def test_azure_is_asked_at_its_deployment() -> None:
    """With Azure's settings the call goes to the deployment, with its version and its key."""
    said = completion(tool_calls=[tool_call(SET, '{"value": 5}')])
    with http_server(lambda *_: answered(said)) as (url, asked):
        settings = Settings(
            azure_openai_endpoint=url,
            azure_openai_api_key=KEY,
            azure_openai_api_version="2024-10-21",
            azure_openai_deployment="our-model",
        )
        assert model.is_configured(settings)
        assert model.name_of(settings) == "our-model"
        assert propose(settings) == FIVE
    ((_, path, headers, _),) = asked
    assert path == "/openai/deployments/our-model/chat/completions?api-version=2024-10-21"
    assert headers["api-key"] == KEY


def test_the_settings_name_the_model() -> None:
    """OPENAI_MODEL is what is asked for; a key or a base URL alone is enough for a model."""
    said = completion(content="Hello.")
    with http_server(lambda *_: answered(said)) as (url, asked):
        propose(Settings(openai_base_url=url, openai_model="tiny"))
    assert asked[0][3]["model"] == "tiny"
    assert model.is_configured(Settings(openai_api_key=KEY))
    assert model.is_configured(Settings(openai_base_url="http://localhost"))
    assert not model.is_configured(Settings(azure_openai_endpoint="http://localhost"))
    assert not model.is_configured(Settings())


def test_a_large_state_is_shown_in_part() -> None:
    """The model never gets more state than it can read."""
    said = completion(content="Hello.")
    state = {"version": 1, "components": {"memory": {"x": "y" * 4_000_000}}}
    with http_server(lambda *_: answered(said)) as (url, asked):
        settings = Settings(openai_base_url=url)
        model.propose_steps("hello", REGISTRY, state, 5, settings)
        too_long = model.propose_steps("x" * 300_000, REGISTRY, state, 5, settings)
    assert isinstance(too_long, Clarification)
    assert len(asked) == 1
    assert len(json.dumps(asked[0][3])) < 40_000
