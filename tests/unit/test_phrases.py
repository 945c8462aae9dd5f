"""The deterministic interpreter, on the real declarations of the demo project."""

import subprocess
import sys
import time
from typing import Any

import pytest
from control_plane.agent.interpretation import Answer, Clarification, Proposal
from control_plane.agent.phrases import interpret

from tests.chat_parts import REGISTRY, STATE

SET, ADD, RESET = "demo.counter.set", "demo.counter.increment", "demo.counter.reset"
REMEMBER, FORGET = "memory.remember", "memory.forget"


def read(message: str, limit: int = 10, registry: dict[str, Any] = REGISTRY) -> Any:
    return interpret(message, registry, limit, lambda: STATE)


def steps(message: str, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    understood = read(message, **more)
    assert isinstance(understood, Proposal), understood
    return [(step.action, step.inputs) for step in understood.steps]


def question(message: str, **more: Any) -> Clarification:
    understood = read(message, **more)
    assert isinstance(understood, Clarification), understood
    return understood


def action(id: str, *phrases: str, title: str = "", **properties: Any) -> dict[str, Any]:
    inputs = {"type": "object", "properties": properties, "required": list(properties)}
    shown = {"id": id, "title": title or id, "description": "", "phrases": list(phrases)}
    return {**shown, "inputs": {**inputs, "additionalProperties": False}}


def registry(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"components": [], "actions": list(actions)}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("set the counter to 5", [(SET, {"value": 5})]),
        ("SET THE COUNTER TO 5!", [(SET, {"value": 5})]),
        ("set counter to -5", [(SET, {"value": -5})]),
        ("add 3.", [(ADD, {"amount": 3})]),
        ("add 1,000 to the counter", [(ADD, {"amount": 1000})]),
        ("increment the counter", [(ADD, {})]),
        ("reset the counter", [(RESET, {})]),
        ("remember that the sky is blue", [(REMEMBER, {"key": "the sky", "value": "blue"})]),
        ("remember pi = 3.14", [(REMEMBER, {"key": "pi", "value": 3.14})]),
        ("forget the sky", [(FORGET, {"key": "the sky"})]),
        ("Go back to version 3, please.", [("project.revert", {"version": 3})]),
    ],
)
def test_every_declared_phrase_is_understood(message: str, expected: object) -> None:
    """A message that fits a declared phrase proposes that action with its inputs."""
    assert steps(message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "set the counter to 5, then add 3",
        "Please set the counter to five and then add three.",
        "set the counter to 5; add 3",
        "set the counter to 5 and add 3",
        "Set the counter to 5. Add 3.",
        "First, set the counter to 5. Finally, add 3 please!",
        "set the counter to 5 then add 3",
        "set the counter to 5\nadd 3",
        "set the counter to 5, add 3",
        "demo.counter.set value=5; demo.counter.increment amount=3",
    ],
)
def test_a_message_parts_into_steps(message: str) -> None:
    """Steps joined in any usual way are proposed in the order in which they were said."""
    assert steps(message) == [(SET, {"value": 5}), (ADD, {"amount": 3})]


@pytest.mark.parametrize(
    "message",
    [
        "please add 3",
        "could you add 3, please?",
        "hey, can you please add 3 for me",
        "I would like to add 3 now",
        "add 3, thank you very much!",
        "let's add 3",
        "please: add 3",
    ],
)
def test_politeness_changes_nothing(message: str) -> None:
    """Polite words around a request are no part of it."""
    assert steps(message) == [(ADD, {"amount": 3})]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("blue", "blue"),
        ("Blue Jeans", "Blue Jeans"),
        ('"blue"', "blue"),
        ("“blue”", "blue"),
        ("'5'", "5"),
        ("10:30", "10:30"),
        ("key:value", "key:value"),
        ("a: b", "a: b"),
        ('"a":1', '"a":1'),
        ("http://x.y/z:", "http://x.y/z:"),
        ('"5"', "5"),
        ("5", 5),
        ("true", True),
        ("null", None),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
        ("[1, 2]", [1, 2]),
        ("{not json", "{not json"),
        ("five", "five"),
        ("good for now", "good for now"),
        ("fish and chips", "fish and chips"),
        ("Dr. Who", "Dr. Who"),
        ("please", "please"),
        ('"boil, then simmer; add 3"', "boil, then simmer; add 3"),
        ('"say \\"hi\\""', 'say "hi"'),
    ],
)
def test_any_json_is_json_or_a_text(written: str, value: object) -> None:
    """Where the schema takes any JSON, what parses is JSON and the rest is text."""
    assert steps(f"remember that it is {written}") == [(REMEMBER, {"key": "it", "value": value})]


@pytest.mark.parametrize(
    ("message", "name", "text"),
    [
        ("note Launch day: We start at nine", "Launch day", "We start at nine"),
        ("note Launch day : We start at nine", "Launch day", "We start at nine"),
        ("note 10:30: meet: at the door", "10:30", "meet: at the door"),
        ('note "one: two": three', "one: two", "three"),
    ],
)
def test_a_colon_parts_what_a_phrase_parts_by_it(message: str, name: str, text: str) -> None:
    """As people write it: behind a word, and the first of several."""
    known = registry(
        action("note.write", "note {name}: {text}", name={"type": "string"}, text={}),
    )
    assert steps(message, registry=known) == [("note.write", {"name": name, "text": text})]


@pytest.mark.parametrize(
    ("written", "schema", "value"),
    [
        ("60 percent", {"type": "integer", "title": "Percent"}, 60),
        ("60%", {"type": "integer", "description": "Brightness, as a percentage."}, 60),
        ("2.5 %", {"type": "number", "title": "Level in per cent"}, 2.5),
        ("60%", {"type": "string"}, "60%"),
        ("twelve", {"type": "integer"}, 12),
        ("minus five", {"type": "integer"}, -5),
        ("2.5", {"type": "number"}, 2.5),
        ("-1e3", {"type": "number"}, -1000.0),
        ("yes", {"type": "boolean"}, True),
        ("off", {"type": "boolean"}, False),
        ("007", {"type": "string"}, "007"),
        ("HIGH", {"enum": ["low", "high"]}, "high"),
        ("null", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ("7", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, 7),
        ("[1]", {"type": "array", "items": {"type": "integer"}}, [1]),
        ("{}", {"type": "object"}, {}),
    ],
)
def test_words_become_the_type_that_the_schema_asks_for(
    written: str, schema: object, value: object
) -> None:
    """An input is read as its JSON Schema says."""
    known = registry(action("lamp.dim", "dim the lamp to {level}", level=schema))
    assert steps(f"dim the lamp to {written}", registry=known) == [("lamp.dim", {"level": value})]


@pytest.mark.parametrize(
    ("written", "schema", "said"),
    [
        ("many", {"type": "integer"}, "a whole number"),
        ("2.5", {"type": "integer"}, "a whole number"),
        ("60%", {"type": "integer"}, "level can't be “60%”"),
        ("60 percent", {"type": "number"}, "level can't be “60 percent”"),
        ("99999999999999999999", {"type": "integer"}, "a whole number"),
        ("120", {"type": "integer", "maximum": 100}, "level can't be “120”"),
        ("maybe", {"type": "boolean"}, "true or false"),
        ("blue", {"enum": ["low", "high"]}, "one of low, high"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    written: str, schema: object, said: str
) -> None:
    """A value outside its schema is never proposed; the question names what fits."""
    known = registry(action("lamp.dim", "dim the lamp to {level}", level=schema))
    assert said in question(f"dim the lamp to {written}", registry=known).message


@pytest.mark.parametrize(
    "message",
    [
        'memory.remember key=color value="deep blue"',
        "memory.remember key=color, value=deep blue",
        'memory.remember {"key": "color", "value": "deep blue"}',
        "Memory.Remember value=deep blue key=color",
    ],
)
def test_an_action_can_be_spelled_out(message: str) -> None:
    """`action.id key=value`, or one JSON object, names an action without any phrase."""
    assert steps(message) == [(REMEMBER, {"key": "color", "value": "deep blue"})]


def test_names_and_titles_are_phrases_too() -> None:
    """An action with at most one input is understood by its title and its name."""
    assert steps("increment by 4") == [(ADD, {"amount": 4})]
    assert steps("add to the counter 4") == [(ADD, {"amount": 4})]
    assert steps("set counter 4") == [(SET, {"value": 4})]
    assert steps("reset") == [(RESET, {})]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "...",
        "launch the rocket",
        "don't reset the counter",
        "set the counter to 5 or 6",
        "add 3 and 4",
        "set the counter to 5, then launch the rocket",
        "remember that x is 5, then launch the rocket",
        "remember that x is boil, then simmer",
        'remember that motto is "Go" team',
        "demo.counter.set foo=5",
        "demo.counter.set",
        "remember",
        "\x00",
        "\ud800",
    ],
)
def test_what_is_not_understood_is_asked_back(message: str) -> None:
    """A message with a part that has no reading proposes nothing, and offers what works."""
    asked = question(message)
    assert 1 <= len(asked.suggestions) <= 3
    assert all(steps(suggestion) for suggestion in asked.suggestions)


def test_two_readings_are_a_question() -> None:
    """A message that may be one step or two proposes neither, and spells both out."""
    asked = question("remember that lunch is fish and forget lunch")
    assert "more than one way" in asked.message
    one, two = (steps(suggestion) for suggestion in asked.suggestions)
    assert one == [(REMEMBER, {"key": "lunch", "value": "fish and forget lunch"})]
    assert two == [(REMEMBER, {"key": "lunch", "value": "fish"}), (FORGET, {"key": "lunch"})]


def test_two_actions_that_fit_equally_are_both_named() -> None:
    """Where two actions declare the same phrase, the question names both."""
    known = registry(
        action("lamp.on", "switch on", title="Switch the lamp on"),
        action("fan.on", "switch on", title="Switch the fan on"),
    )
    asked = question("switch on", registry=known)
    assert "Switch the lamp on" in asked.message
    assert "Switch the fan on" in asked.message
    assert asked.suggestions == ("lamp.on", "fan.on")


def test_the_more_particular_phrase_wins() -> None:
    """Of two phrases that fit, the one with more words of its own is meant."""
    known = registry(
        action("note.add", "add {text}", text={"type": "string"}),
        action("list.add", "add {item} to the list", item={"type": "string"}),
    )
    assert steps("add milk to the list", registry=known) == [("list.add", {"item": "milk"})]
    assert steps("add milk", registry=known) == [("note.add", {"text": "milk"})]


@pytest.mark.parametrize(("limit", "count"), [(1, 2), (5, 6), (10, 11), (10, 300)])
def test_more_steps_than_the_mode_allows_are_none(limit: int, count: int) -> None:
    """Over the limit nothing is proposed, and the question says how many are allowed."""
    asked = question("; ".join(["add 1"] * count), limit=limit)
    assert f"{count} steps" in asked.message
    assert ("one step" if limit == 1 else f"{limit} steps") in asked.message
    assert [step for step, _ in steps(asked.suggestions[0], limit=limit)] == [ADD] * limit


def test_many_weakly_joined_steps_are_counted_too() -> None:
    """Also steps joined by `and` alone are refused for their number."""
    assert "40 steps" in question(" and ".join(["add 1"] * 40)).message


def test_a_mistyped_word_is_a_question_not_a_guess() -> None:
    """A typo proposes nothing; the corrected sentence is offered."""
    asked = question("set the countr to 5")
    assert asked.message == "Did you mean “set the counter to 5”?"
    assert asked.suggestions[0] == "set the counter to 5"


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("incrase the counter by 3", "increase the counter by 3"),
        ("increaase the counter by 3", "increase the counter by 3"),
        ("incraese the counter by 3", "increase the counter by 3"),
        ("indrease the counter by 3", "increase the counter by 3"),
        ("encrease the counter by 3", None),
        ("incrasee the counter by 3", None),
    ],
)
def test_one_slip_is_put_right_and_no_more(message: str, meant: str | None) -> None:
    """A letter too few, too many, wrong or swapped, after the first, is taken for a slip."""
    known = registry(action(ADD, "increase the counter by {amount}", amount={"type": "integer"}))
    asked = question(message, registry=known)
    assert (asked.message == f"Did you mean “{meant}”?") == (meant is not None)


@pytest.mark.parametrize(
    "message",
    [
        "decrease the counter by 3",
        "you must not reset the counter",
        "could you not reset the counter",
        "not reset the counter",
        "reset the counter not",
        "set the counter to 5 please not now",
        "do not resett the counter",
        "don't resett the counter",
        "don’t resett the counter",
        "dont resett the counter",
        "never resett the counter",
        "no resett the counter",
        "you cannot resett the counter",
        "resett without the counter",
        "rest the counter",
        "unset the counter",
    ],
)
def test_nothing_is_put_right_into_its_opposite(message: str) -> None:
    """A message that says what not to do, or means another thing, is asked back as it is."""
    known = [*REGISTRY["actions"], action("x.up", "increase the counter by {n}", n={})]
    for actions in (REGISTRY, registry(*known)):
        assert "Did you mean" not in question(message, registry=actions).message


def test_what_is_not_wanted_is_not_the_first_thing_offered() -> None:
    """After “not”, the examples don't begin with the one most alike."""
    assert question("reset the counter, sir").suggestions[0] == "reset the counter"
    assert question("you must not reset the counter").suggestions[0] != "reset the counter"


@pytest.mark.parametrize("near", ["upload", "restore", "resume"])
def test_a_word_that_is_one_is_not_put_right(near: str) -> None:
    """A usual verb is never taken for another that is one letter away."""
    known = registry(action("x.y", "unload the ship", "restone the ship", "resumed the ship"))
    assert "Did you mean" not in question(f"{near} the ship", registry=known).message


def test_a_percentage_is_a_number_only_of_percent() -> None:
    """`3%` is not 3, but 60 percent is the 60 of an input that is named so."""
    assert "amount can't be “3%”" in question("increase the counter by 3%").message
    known = registry(
        action(
            "release.rollout",
            "roll out to {percent} percent",
            "roll out to {percent}",
            percent={"type": "integer", "minimum": 0, "maximum": 100},
        )
    )
    for written in ("60 percent", "60%", "60 per cent", "60"):
        assert steps(f"roll out to {written}", registry=known) == [
            ("release.rollout", {"percent": 60})
        ]


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("what is the counter?", "Counter is 5 at version 3."),
        ("What's the value of the counter", "Counter is 5 at version 3."),
        ("show me the sky", "Memory: the sky is blue."),
        ("what do you remember about the sky?", "Memory: the sky is blue."),
        ("show the state", "Counter is 5 at version 3. Memory at version 3: the sky is blue."),
    ],
)
def test_questions_about_the_state_are_answered(message: str, answer: str) -> None:
    """A question about a component, or about a member of one, is answered from the state."""
    assert read(message) == Answer(answer)


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("what is the budget?", "Launch budget at version 28: Approved is 500; spent is 320."),
        ("how much is approved?", "Launch budget: Approved is 500."),
        ("what is the total", "Launch budget: Approved is 500."),
        ("show the notes", "Notes is empty at version 28."),
        ("show the tags", 'Tags is ["a","b"] at version 28.'),
        ("show the text", f"Text at version 28: key is {'x' * 293}…."),
    ],
)
def test_states_are_told_in_words(message: str, answer: str) -> None:
    """Members go by their titles; nobody is shown JSON where words do."""
    titles = {"properties": {"total": {"title": "Approved"}, "spent": {}}}
    components: list[dict[str, Any]] = [
        {"id": "budget", "title": "Launch budget", "schema": titles},
        *({"id": id, "title": id.title(), "schema": {}} for id in ("notes", "tags", "text")),
    ]
    states = {
        "budget": {"total": 500, "spent": 320},
        "notes": {},
        "tags": ["a", "b"],
        "text": {"key": "x" * 1_000},
    }
    asked = {"components": components, "actions": []}
    state = {"version": 28, "components": states}
    assert interpret(message, asked, 5, lambda: state) == Answer(answer)


@pytest.mark.parametrize("message", ["help", "What can you do?", "hello!", "hi"])
def test_help_lists_what_can_be_said(message: str) -> None:
    """Who asks what can be done gets sentences that work."""
    understood = read(message)
    assert isinstance(understood, Answer)
    assert "“set the counter to 5”" in understood.message


def test_the_state_is_read_only_for_questions_about_it() -> None:
    """No message that proposes something costs a look at the state."""

    def read_state() -> Any:
        raise AssertionError("the state was read")

    assert interpret("add 3", REGISTRY, 5, read_state)
    assert interpret("help", REGISTRY, 5, read_state)
    assert interpret("launch", REGISTRY, 5, read_state)


def test_who_sees_no_action_is_told_so() -> None:
    """A caller without visible actions gets an answer and no suggestions."""
    assert question("add 3", registry=registry()).suggestions == ()
    assert read("help", registry=registry()) == Answer(
        "There is no action here that you may ask for."
    )


@pytest.mark.parametrize(
    "message",
    [
        "[ " * 2_000,
        "{" * 4_000,
        '"' * 4_000,
        "' " * 2_000,
        '\\"' * 2_000,
        "and " * 1_000,
        ", then" * 660,
        "add 1 and " * 400,
        "add 1, " * 570,
        "remember that " + "is " * 1_300,
        "remember " + "= " * 1_900,
        "please " * 570,
        "what is " * 500,
        "remember that a is b and forget c " * 7 + "and forget c " * 280,
        "x" * 262_144,
        "add 1; " * 37_000,
    ],
    ids=lambda message: message[:16],
)
def test_no_message_takes_long(message: str) -> None:
    """Messages made to be slow to read, up to the largest body, are done within a second."""
    began = time.perf_counter()
    read(message)
    assert time.perf_counter() - began < 1


def test_the_phrases_path_does_not_import_the_model_client() -> None:
    """Without a model, nobody waits for openai's import."""
    program = "import sys, handlers.chat; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
