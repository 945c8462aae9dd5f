"""A proposal's inputs as fields, and what was typed there as inputs again."""

import json
from typing import Any

import pytest
from chat_space import edits

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["count", "name", "value"],
    "properties": {
        "count": {"type": "integer", "title": "How many"},
        "name": {"type": "string"},
        "on": {"type": "boolean"},
        "size": {"enum": ["small", "large"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "value": {},
    },
}
REGISTRY = {"actions": [{"id": "thing.do", "title": "Do a thing", "inputs": SCHEMA}]}
GIVEN = {"count": 5, "name": "Ada", "value": {"a": [1, "x"]}}


def forms_of(**inputs: Any) -> list[dict[str, Any]]:
    return edits.forms([{"action": "thing.do", "inputs": inputs}], REGISTRY)


def revised(typed: dict[str, Any], **inputs: Any) -> Any:
    """The inputs after what was typed."""
    steps = [{"action": "thing.do", "inputs": inputs}]
    [step] = edits.revised(steps, edits.forms(steps, REGISTRY), typed)
    return step["inputs"]


def test_each_input_has_the_field_that_fits_it() -> None:
    """Declared ones in their order, whether they were given or not."""
    [form] = forms_of(**GIVEN)
    assert form["title"] == "Do a thing"
    assert [(field["name"], field["kind"], field["text"]) for field in form["fields"]] == [
        ("0/count", "number", "5"),
        ("0/name", "words", "Ada"),
        ("0/on", "choice", ""),
        ("0/size", "choice", ""),
        ("0/note", "words", ""),
        ("0/value", "json", '{"a": [1, "x"]}'),
    ]
    assert [field["needed"] for field in form["fields"]] == [True, True, False, False, False, True]
    assert form["fields"][0]["label"] == "How many"
    assert form["fields"][2]["options"] == [("true", "on"), ("false", "off")]


@pytest.mark.parametrize(
    "inputs",
    [
        GIVEN,
        {**GIVEN, "on": False, "size": "large", "note": "x" * 100},
        {**GIVEN, "name": "5", "value": "5"},
        {**GIVEN, "name": "", "value": "true"},
        {**GIVEN, "value": "a\nb"},
        {**GIVEN, "value": None},
        {**GIVEN, "value": "{"},
        {**GIVEN, "value": 1e300},
        {**GIVEN, "value": "\u202e"},
        {**GIVEN, "value": "x" * 10_000},
        {**GIVEN, "surprise": [1]},
    ],
)
def test_what_is_not_edited_stays_as_it_is(inputs: dict[str, Any]) -> None:
    """The fields sent back untouched are the inputs of before, with their types."""
    [form] = forms_of(**inputs)
    typed = {field["name"]: field["text"] for field in form["fields"]}
    assert revised(typed, **inputs) == inputs


@pytest.mark.parametrize(
    "inputs",
    [
        {**GIVEN, "value": ""},
        {**GIVEN, "note": None},
        {**GIVEN, "note": "null"},
        {**GIVEN, "note": ""},
        {**GIVEN, "name": 5},
        {**GIVEN, "count": "5"},
        {**GIVEN, "count": "5\n6"},
        {**GIVEN, "name": None},
        {**GIVEN, "size": "medium", "on": 1},
        {**GIVEN, "size": None, "on": ""},
        {"name": "one\ntwo", "value": [1]},
    ],
)
def test_what_its_field_can_not_tell_stays_too(inputs: dict[str, Any]) -> None:
    """Also what its schema doesn't take, and what is missing; a browser may end lines its way."""
    [form] = forms_of(**inputs)
    typed = {field["name"]: field["text"].replace("\n", "\r\n") for field in form["fields"]}
    assert revised(typed, **inputs) == inputs


def test_a_value_that_is_no_choice_is_offered_beside_them() -> None:
    """Else a browser would choose another in its place."""
    [form] = forms_of(**GIVEN, size="medium", on=1)
    on, size = (field for field in form["fields"] if field["kind"] == "choice")
    assert size["options"] == [('"small"', "small"), ('"large"', "large"), ('"medium"', "medium")]
    assert (on["text"], on["options"][-1]) == ("1", ("1", "1"))


def test_a_line_field_shows_no_lines() -> None:
    """A browser would take them away."""
    [form] = forms_of(**{**GIVEN, "count": "5\n6", "name": "5\n6"})
    assert [field["kind"] for field in form["fields"]][:2] == ["json", "text"]


def test_a_property_may_have_several_types() -> None:
    """It has the field for anything."""
    schema = {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}
    registry = {"actions": [{"id": "thing.do", "inputs": schema}]}
    [form] = edits.forms([{"action": "thing.do", "inputs": {"x": None}}], registry)
    assert (form["fields"][0]["kind"], form["fields"][0]["text"]) == ("json", "null")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "7", 7),
        ("count", "7.5", 7.5),
        ("count", "lots", "lots"),
        ("count", "NaN", "NaN"),
        ("count", "1e400", "1e400"),
        ("value", '{"a": [-1e400]}', '{"a": [-1e400]}'),
        ("count", "9" * 5_000, "9" * 5_000),
        ("name", "7", "7"),
        ("value", "[1, 2]", [1, 2]),
        ("value", "just words", "just words"),
        ("value", "[" * 100_000, "[" * 100_000),
        ("value", '"\\ud800"', '"\\ud800"'),
        ("on", "true", True),
        ("size", '"large"', "large"),
    ],
)
def test_what_was_typed_is_read_by_its_field(name: str, text: str, value: object) -> None:
    """What can't be read is sent as it was typed: the preview says what is wrong with it."""
    assert revised({f"0/{name}": text}, **GIVEN) == {**GIVEN, name: value}


def test_an_emptied_field_is_left_out_unless_it_must_be_words() -> None:
    """A number that is missing is told as missing, and an empty text is one."""
    emptied = {"0/count": "", "0/name": "", "0/note": "", "0/value": ""}
    assert revised(emptied, **GIVEN, note="x") == {"name": ""}


def test_a_member_that_stands_twice_is_refused() -> None:
    """One of them would be lost; as a value that was given it is text, and stays."""
    with pytest.raises(edits.Twice, match="“a” stands twice in one object"):
        revised({"0/value": '{"b": [{"a": 1, "a": 2}]}'}, **GIVEN)
    [form] = forms_of(**GIVEN | {"value": '{"a":1,"a":2}'})
    assert json.loads(form["fields"][-1]["text"]) == '{"a":1,"a":2}'


@pytest.mark.parametrize("typed", [{"1/count": "9"}, {"x": "9"}, {"0/count": 9}, {"0/other": "9"}])
def test_what_names_no_field_changes_nothing(typed: dict[str, Any]) -> None:
    """It comes from the browser."""
    assert revised(typed, **GIVEN) == GIVEN


def test_a_form_can_be_carried_as_json() -> None:
    """The browser carries it, and brings it back."""
    assert json.loads(json.dumps(forms_of(**GIVEN)))[0]["fields"][0]["name"] == "0/count"
