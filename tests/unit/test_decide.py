"""The one decision: gates, reasons, effects, and that it is pure."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from control_plane.canonical import stored
from control_plane.engine.decide import decide
from control_plane.engine.explain import explain
from control_plane.engine.preview import predict
from control_plane.models import Decision, Intent, Message
from control_plane.registry import Changed, DeclarationError, State, Template, View
from control_plane.templates.demo import demo
from control_plane.templates.harbor import harbor
from pydantic import AfterValidator, JsonValue

from tests.unit.conftest import MakeContext
from tests.unit.test_registry_models import nested

SET = Intent("demo.counter.set", {"value": 5})
ADD = Intent("demo.counter.increment", {"amount": 3})
RESET = Intent("demo.counter.reset", {})


def codes(decision: Decision) -> list[str]:
    """The reason codes of a decision."""
    return [reason.code for reason in decision.reasons]


class Box(State):
    """A state for tests."""

    number: int = 0
    label: str = ""


def box_with(handler: Any, changes: str = "/box/number") -> Template:
    """A template with one component and one action that runs `handler`."""
    template = Template("tests")
    template.component("box", Box, {"number": 0, "label": ""}, title="Box")
    template.action("box.do", changes=changes, title="Do")(handler)
    return template


def test_a_success_carries_the_old_and_the_new_value(context_of: MakeContext) -> None:
    """The effect names both values, so that a promise can bind both."""
    decision = decide(SET, context_of(demo), confirmed=False)
    assert decision.status == "success"
    assert decision.diff == [
        {"op": "replace", "path": "/demo.counter/value", "before": 0, "value": 5}
    ]


def test_deciding_twice_decides_the_same(context_of: MakeContext) -> None:
    """Nothing but intent and context goes into a decision."""
    context = context_of(demo)
    assert decide(SET, context, confirmed=False) == decide(SET, context, confirmed=False)
    assert stored(context.components["demo.counter"].text or "") == {"value": 0}


def test_every_reason_is_returned(context_of: MakeContext) -> None:
    """A viewer who resets with a wrong input hears of all that stands in the way."""
    intent = Intent("demo.counter.reset", {"surprise": 1})
    decision = decide(intent, context_of(demo, role="viewer"), confirmed=False)
    assert codes(decision) == ["invalid_inputs", "role_required", "confirmation_required"]
    assert decision.status == "rejected"
    assert decision.diff == ()


@pytest.mark.parametrize(
    "inputs", [{}, {"value": "5"}, {"value": 5.5}, {"value": True}, {"value": None}, {"v": 1}]
)
def test_inputs_are_taken_strictly(context_of: MakeContext, inputs: Mapping[str, Any]) -> None:
    """No text is bent into a number, no boolean passes for one."""
    decision = decide(Intent(SET.action, inputs), context_of(demo), confirmed=False)
    assert set(codes(decision)) == {"invalid_inputs"}


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "value is missing"),
        ({"value": "5"}, "value is no whole number"),
        ({"value": 5.5}, "value is no whole number"),
        ({"value": 5, "x": 1}, "one of them isn't declared"),
    ],
)
def test_what_is_wrong_with_inputs_is_said_in_words(
    context_of: MakeContext, inputs: Mapping[str, Any], sentence: str
) -> None:
    """Nobody has to know what a validator calls its errors."""
    [reason] = decide(Intent(SET.action, inputs), context_of(demo), confirmed=False).reasons
    said = explain(reason.record(), {})
    assert said == f"The inputs don't fit the action's declaration: {sentence}."


def made(value: JsonValue) -> JsonValue:
    """What a declared validator makes of an input: a value by its name, or twice as much."""
    named = {"nul": ["a\x00"], "deep": nested(33), "long": 2**53, "half": "\ud800"}
    return named.get(value, value) if isinstance(value, str) else value * 2  # type: ignore[operator]


@pytest.mark.parametrize("value", [2**53 - 1, "nul", "deep", "long", "half"])
def test_inputs_that_a_validator_makes_unstorable_are_refused(
    context_of: MakeContext, value: JsonValue
) -> None:
    """The ask gets a reason and a digest, not an error; what was asked stays as it came."""

    def handler(_: View, worth: Annotated[JsonValue, AfterValidator(made)]) -> Changed:
        return {"box": {"number": len(str(worth)), "label": ""}}

    context = context_of(box_with(handler))
    refused = predict([Intent("box.do", {"worth": value})], context)
    [reason] = refused.decisions[0].reasons
    assert (reason.code, reason.facts) == (
        "invalid_inputs",
        {"error": "unstorable", "input": "worth"},
    )
    assert "worth becomes a value that can't be stored" in explain(reason.record(), {})
    assert (refused.decisions[0].inputs, len(refused.digest)) == ({"worth": value}, 64)
    for fine in (2**52 - 1, 1e16, "plain \\u0000", [nested(16)]):
        assert predict([Intent("box.do", {"worth": fine})], context).status == "success"


def test_an_unknown_inputs_name_stays_out_of_the_record(context_of: MakeContext) -> None:
    """Records hold codes and ids; what a caller made up belongs into the payload."""
    intent = Intent(RESET.action, {"my secret": 1})
    reasons = decide(intent, context_of(demo), confirmed=True).reasons
    assert "my secret" not in str([reason.record() for reason in reasons])


def test_an_unknown_action_is_refused(context_of: MakeContext) -> None:
    """What isn't declared can't be done."""
    assert codes(decide(Intent("rm", {}), context_of(demo), confirmed=True)) == ["unknown_action"]


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (lambda state: 1 / 0, "handler_error"),
        (lambda state: None, "handler_error"),
        (lambda state: state["box"].update(number=1), "handler_error"),
        (lambda state: {"box": {"number": "one", "label": ""}}, "invalid_state"),
        (lambda state: {"box": {"number": 2**53, "label": ""}}, "invalid_state"),
        (lambda state: {"box": {"number": 1}}, "undeclared_change"),
        (lambda state: {"box": {**state["box"], "label": "x"}}, "undeclared_change"),
        (lambda state: {"other": {}}, "undeclared_change"),
        (lambda state: {1: {}, "box": {}}, "undeclared_change"),
        (lambda state: {"\ud800": {}}, "undeclared_change"),
        (lambda state: exit(), "handler_error"),
        (lambda state: {"box": {"number": 0, "label": "\x00"}}, "invalid_state"),
        (lambda state: {"box": {"number": 0, "label": "x" * 300_000}}, "state_too_large"),
    ],
)
def test_a_wrong_handler_fails_and_changes_nothing(
    context_of: MakeContext, handler: Any, code: str
) -> None:
    """Whatever a handler does wrong is a recorded failure with its own code."""
    decision = decide(Intent("box.do", {}), context_of(box_with(handler)), confirmed=True)
    assert (decision.status, codes(decision)) == ("failed", [code])
    assert decision.diff == ()
    assert decision.components == {}


def test_a_plan_is_predicted_up_to_its_first_non_success(context_of: MakeContext) -> None:
    """Each step sees what the ones before it change; after a refusal nothing is tried."""
    unknown = Intent("unknown", {})
    prediction = predict([SET, ADD, unknown, ADD], context_of(demo))
    assert [decision.status for decision in prediction.decisions] == [
        "success",
        "success",
        "rejected",
    ]
    assert prediction.decisions[1].diff[0]["value"] == 8
    assert len(prediction.intents) == 4


def test_a_digest_binds_the_values_it_touches(context_of: MakeContext) -> None:
    """Another old value is another promise, though action and inputs are the same."""
    now = predict([SET], context_of(demo))
    moved = predict([SET], context_of(demo, demo__counter={"value": 1}))
    assert now.digest != moved.digest


def test_a_digest_does_not_bind_what_it_does_not_touch(context_of: MakeContext) -> None:
    """Other state may move without making a confirmation stale."""
    now = predict([SET], context_of(demo))
    moved = predict([SET], context_of(demo, memory={"a": 1}))
    assert now.digest == moved.digest


def test_every_reason_code_has_a_sentence(context_of: MakeContext) -> None:
    """Nobody is told a bare code."""
    context = context_of(demo, role="viewer")
    for intent in (Intent("rm", {}), Intent(RESET.action, {"x": 1}), Intent(SET.action, {})):
        for reason in decide(intent, context, confirmed=False).reasons:
            assert " " in explain(reason.record(), {})


def test_declarations_that_can_not_hold_are_refused() -> None:
    """Mistakes are found when a template is loaded, with a sentence that says what to do."""
    template = Template("tests")
    with pytest.raises(DeclarationError, match="declare that component first"):
        template.action("a.b", changes="/nowhere")(lambda state: {})
    with pytest.raises(DeclarationError, match="not an input"):
        box_with(lambda state: {}).action("box.say", changes="/box", phrases=["say {word}"])(
            lambda state: {}
        )
    with pytest.raises(DeclarationError, match="declared twice"):
        box_with(lambda state: {}).action("box.do", changes="/box")(lambda state: {})


@pytest.mark.parametrize(
    "messages",
    [
        lambda: 1 / 0,
        lambda: (Message("t", 1 / 0) for _ in range(1)),
        lambda: [Message("t", 2**60)],
        lambda: [Message("t", "\x00")],
        lambda: None,
    ],
)
def test_messages_that_can_not_be_sent_fail_the_action(
    context_of: MakeContext, messages: Any
) -> None:
    """A message is made, and checked, before anything is decided to be a success."""
    template = Template("tests")
    template.component("box", Box, {"number": 0, "label": ""}, title="Box")
    declare = template.action("box.do", changes="/box", title="Do", messages=messages)
    declare(lambda state: {"box": {"number": 1, "label": ""}})
    decision = decide(Intent("box.do", {}), context_of(template), confirmed=True)
    assert (decision.status, codes(decision)) == ("failed", ["handler_error"])
    assert decision.messages == ()


@pytest.mark.parametrize("message", ["no message", {"topic": "t", "body": 1}, ("t", 1), None])
def test_what_is_no_message_is_said_to_be_none(context_of: MakeContext, message: Any) -> None:
    """Its author reads what an item must be, not which of our lines has stumbled over it."""
    declared = Template("tests")
    declared.component("box", Box, {"number": 0, "label": ""}, title="Box")
    declare = declared.action(
        "box.do", changes="/box", title="Do", messages=lambda: [Message("t", 1), message]
    )
    declare(lambda state: {"box": {"number": 1, "label": ""}})
    decision = decide(Intent("box.do", {}), context_of(declared), confirmed=True)
    assert (decision.status, codes(decision)) == ("failed", ["invalid_message"])
    assert "Message(topic, body)" in explain(decision.reasons[0].record(), {})
    assert decision.messages == ()


def test_messages_may_be_generated(context_of: MakeContext) -> None:
    """A generator's messages are bound and kept, not used up."""
    template = Template("tests")
    template.component("box", Box, {"number": 0, "label": ""}, title="Box")
    generate = lambda: (Message("t", number) for number in range(3))  # noqa: E731
    declare = template.action("box.do", changes="/box", title="Do", messages=generate)
    declare(lambda state: {"box": {"number": 1, "label": ""}})
    prediction = predict([Intent("box.do", {})], context_of(template))
    assert [message.body for message in prediction.decisions[0].messages] == [0, 1, 2]


def test_a_handler_can_not_change_the_inputs_that_are_recorded(context_of: MakeContext) -> None:
    """What was asked for is what the record says."""

    def greedy(state: View, items: list[int]) -> Changed:
        items.append(99)
        return {"box": {**state["box"], "number": len(items)}}

    intent = Intent("box.do", {"items": [1]})
    decision = decide(intent, context_of(box_with(greedy)), confirmed=True)
    assert decision.inputs == {"items": [1]}
    assert decision.diff[0]["value"] == 2


@pytest.mark.parametrize("value", [1e20, 1e21, 1e-7, -0.0, 5.0, 9007199254740993.0])
def test_floats_of_any_size_are_remembered(context_of: MakeContext, value: float) -> None:
    """Any JSON number that isn't a too long integer goes in, and reads back as the same text."""
    intent = Intent("memory.remember", {"key": "k", "value": value})
    decision = decide(intent, context_of(demo), confirmed=True)
    assert decision.status == "success"
    held = decision.components["memory"]
    assert held is not None
    assert stored(held.text or "") == {"k": value}


def test_an_integer_may_be_written_with_a_point(context_of: MakeContext) -> None:
    """5.0 and 5 are the same number in JSON (RFC 8785 writes both as 5)."""
    decision = decide(Intent(SET.action, {"value": 5.0}), context_of(demo), confirmed=True)
    assert decision.diff[0]["value"] == 5


def test_a_plan_may_not_grow_past_what_can_be_answered(context_of: MakeContext) -> None:
    """Steps whose effects together are larger than a plan's limit fail as predicted."""
    steps = [
        Intent("memory.remember", {"key": "k", "value": str(number) * 250_000})
        for number in range(10)
    ]
    prediction = predict(steps, context_of(demo))
    assert codes(prediction.decisions[-1]) == ["effect_too_large"]
    assert 2 < len(prediction.decisions) < 10


def test_a_digest_binds_the_steps_after_the_first_refusal(context_of: MakeContext) -> None:
    """What was asked for is part of the promise, also where it wouldn't be reached."""
    context = context_of(demo)
    unknown = Intent("unknown", {})
    assert predict([unknown, SET], context).digest != predict([unknown, ADD], context).digest


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (["y" * 100], "an item of tags is too long"),
        ([5, "fine", 6], "an item of tags is no text"),
        (5, "tags is no list"),
    ],
)
def test_what_is_wrong_with_an_item_is_told_of_the_item_once(
    context_of: MakeContext, tags: Any, sentence: str
) -> None:
    """The input itself may be quite right."""
    inputs = {"title": "Launch", "text": "At nine.", "tags": tags}
    decision = decide(Intent("note.write", inputs), context_of(harbor), confirmed=False)
    told = [explain(reason.record(), {}) for reason in decision.reasons]
    assert told == [f"The inputs don't fit the action's declaration: {sentence}."]


def test_undeclared_inputs_are_told_once(context_of: MakeContext) -> None:
    """Their names are the caller's own texts, and stand nowhere."""
    inputs = {"title": "Launch", "text": "At nine.", "one": 1, "two": 2}
    decision = decide(Intent("note.write", inputs), context_of(harbor), confirmed=False)
    assert [reason.facts for reason in decision.reasons] == [{"error": "extra_forbidden"}]
