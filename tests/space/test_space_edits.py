"""A proposal's inputs are edited in its card, and become another proposal."""

import json
from typing import Any

import pytest
from chat_space import edits
from playwright.sync_api import Page, expect

from tests.space.browsing import PHONE, badges, fields, press, say, sign_in, watched

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


@pytest.mark.parametrize("typed", [{"1/count": "9"}, {"x": "9"}, {"0/count": 9}, {"0/other": "9"}])
def test_what_names_no_field_changes_nothing(typed: dict[str, Any]) -> None:
    """It comes from the browser."""
    assert revised(typed, **GIVEN) == GIVEN


@pytest.fixture
def page(harbor_page: Page) -> Page:
    """An operator's browser on project Harbor."""
    return harbor_page


@pytest.mark.browser
def test_other_inputs_are_another_proposal(page, fake):
    """Previewed before anything can be confirmed; the first one can't be any more."""
    say(page, "set the budget to 550")
    expect(page.get_by_test_id("edit-form")).to_be_hidden()
    press(page, "Edit inputs")
    expect(fields(page)).to_be_focused()
    expect(page.get_by_test_id("confirm")).to_be_hidden()
    fields(page).fill("560")
    press(page, "Preview")
    expect(page.get_by_test_id("plan-card")).to_have_count(2)
    assert badges(page) == ["Edited", "Needs approval"]
    expect(page.get_by_test_id("change").last).to_contain_text("560")
    expect(page.get_by_test_id("confirm")).to_have_count(1)
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    [request] = fake.projects["harbor"].requests
    assert request["steps"] == [{"action": "harbor.budget.set", "inputs": {"total": 560}}]


@pytest.mark.browser
def test_cancel_forgets_what_was_typed(page, fake):
    """And nothing is asked for."""
    say(page, "set the budget to 550")
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    asked = len(fake.bodies("/previews"))
    press(page, "Edit inputs")
    fields(page).fill("1")
    press(page, "Cancel")
    expect(page.get_by_test_id("confirm")).to_be_visible()
    press(page, "Edit inputs")
    expect(fields(page)).to_have_value("550")
    assert len(fake.bodies("/previews")) == asked


@pytest.mark.browser
def test_a_request_that_waits_is_replaced_when_the_new_one_is_asked_for(page, fake):
    """Not before; afterwards it waits no more."""
    harbor = fake.projects["harbor"]
    say(page, "set the budget to 550")
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge")).to_have_text("Waiting for approval")
    press(page, "Edit inputs")
    fields(page).fill("560")
    fields(page).press("Enter")
    expect(page.get_by_test_id("replaces")).to_be_visible()
    assert [request["status"] for request in harbor.requests] == ["pending"]
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    expect(page.get_by_test_id("plan-badge").first).to_have_text("Withdrawn")
    assert [request["status"] for request in harbor.requests] == ["pending", "withdrawn"]
    assert harbor.requests[0]["replaces"] == harbor.requests[1]["id"]


@pytest.mark.browser
def test_what_can_not_be_previewed_stays_typed(page, fake):
    """The card says what is wrong; it can be tried again."""
    say(page, "set the budget to 550")
    press(page, "Edit inputs")
    fields(page).fill("560")
    fake.broken = "/previews"
    press(page, "Preview")
    expect(page.get_by_test_id("plan-outcome")).to_contain_text("can't be reached")
    expect(fields(page)).to_have_value("560")
    fake.broken = None
    press(page, "Preview")
    expect(page.get_by_test_id("plan-card")).to_have_count(2)


@pytest.mark.browser
def test_a_plans_steps_are_edited_together(page, fake):
    """Each step has its fields under its name; steps without inputs have none."""
    say(page, "tick off the security review, then freeze the release")
    press(page, "Edit inputs")
    expect(fields(page)).to_have_count(1)
    fields(page).fill("load test")
    press(page, "Preview")
    expect(page.get_by_test_id("plan-card")).to_have_count(2)
    actions = [step["inputs"] for step in fake.bodies("/previews")[-1]["steps"]]
    assert actions == [{"item": "load test"}, {}]


@pytest.mark.browser
def test_hostile_inputs_are_text(chromium, space_url):
    """In a field as anywhere else; and on a phone nothing is wider than the screen."""
    hostile = '"><img src=x onerror="window.hit=1">'
    with watched(chromium, space_url, PHONE) as page:
        sign_in(page, space_url)
        say(page, f"remember that {hostile} is </textarea>{hostile}")
        press(page, "Edit inputs")
        assert fields(page).evaluate_all("all => all.map((one) => one.value)") == [
            hostile,
            f"</textarea>{hostile}",
        ]
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_form_can_be_carried_as_json() -> None:
    """The browser carries it, and brings it back."""
    assert json.loads(json.dumps(forms_of(**GIVEN)))[0]["fields"][0]["name"] == "0/count"
