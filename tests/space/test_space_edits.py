"""A proposal's inputs are edited in its card, and become another proposal."""

import pytest
from playwright.sync_api import Page, expect

from tests.space.browsing import PHONE, badges, fields, press, say, sign_in, watched

pytestmark = pytest.mark.browser


@pytest.fixture
def page(harbor_page: Page) -> Page:
    """An operator's browser on project Harbor."""
    return harbor_page


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


def test_a_form_that_is_opened_before_anothers_answer_stays_open(page, fake):
    """With what is typed there; the answer stands below."""
    for total in (550, 600):
        say(page, f"set the budget to {total}")
        expect(page.get_by_test_id("plan-badge").last).to_have_text("Needs approval")
    cards = page.get_by_test_id("plan-card")
    expect(cards).to_have_count(2)
    cards.first.get_by_test_id("edit").click()
    cards.first.locator(".cs-field").fill("560")
    fake.slow = 0.5
    cards.first.get_by_test_id("revise").click()
    cards.nth(1).get_by_test_id("edit").click()
    cards.nth(1).locator(".cs-field").fill("610")
    expect(cards).to_have_count(3)
    page.wait_for_timeout(500)
    expect(cards.nth(1).locator(".cs-field")).to_be_visible()
    expect(cards.nth(1).locator(".cs-field")).to_have_value("610")


def test_a_member_that_stands_twice_is_told(page):
    """Nothing is previewed, and what was typed is still there."""
    page.goto(page.url.replace("harbor", "demo"))
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")
    say(page, "remember that it is 5")
    press(page, "Edit inputs")
    fields(page).last.fill('{"a": 1, "a": 2}')
    press(page, "Preview")
    expect(page.get_by_test_id("plan-outcome")).to_contain_text("“a” stands twice")
    expect(fields(page).last).to_have_value('{"a": 1, "a": 2}')
    expect(page.get_by_test_id("plan-card")).to_have_count(1)


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


def twice(page: Page, name: str, touch: bool) -> None:
    """Press a button's place two times in a row, with the mouse or with a finger."""
    at = page.get_by_role("button", name=name, exact=True).last.bounding_box()
    assert at is not None
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    if not touch:
        return page.mouse.dblclick(x, y)
    page.touchscreen.tap(x, y)
    return page.touchscreen.tap(x, y)


@pytest.mark.parametrize("touch", [False, True])
def test_a_double_click_does_not_fall_through(chromium, space_url, fake, touch):
    """Where Cancel was, Discard is next, and where Edit was, Preview: neither is meant."""
    context = chromium.new_context(viewport=PHONE, has_touch=touch, is_mobile=touch)
    page = context.new_page()
    sign_in(page, space_url, "harbor")
    say(page, "set the budget to 550")
    expect(page.get_by_test_id("edit")).to_be_visible()
    asked = len(fake.bodies("/previews"))
    twice(page, "Edit inputs", touch)
    expect(page.get_by_test_id("revise")).to_be_visible()
    twice(page, "Cancel", touch)
    expect(page.get_by_test_id("edit")).to_be_visible()
    page.wait_for_timeout(500)
    assert badges(page) == ["Needs approval"]
    assert len(fake.bodies("/previews")) == asked
    context.close()


def test_what_is_wrong_with_an_edit_is_in_sight(page, fake):
    """Also on a card that others follow: its sentence and its field, which has the focus."""
    for total in (550, 560, 570, 580, 590):
        say(page, f"set the budget to {total}")
        expect(page.get_by_test_id("plan-badge").last).to_have_text("Needs approval")
        expect(page.get_by_test_id("message-box")).to_be_enabled()
    expect(page.get_by_test_id("plan-card")).to_have_count(5)
    first = page.get_by_test_id("plan-card").first
    first.get_by_test_id("edit").click()
    first.locator(".cs-field").fill("1000")
    fake.broken = "/previews"
    first.get_by_test_id("revise").click()
    expect(first.get_by_test_id("plan-outcome")).to_be_in_viewport()
    expect(first.locator(".cs-field")).to_be_focused()
    expect(first.locator(".cs-field")).to_be_in_viewport()
    fake.broken = None
    first.get_by_test_id("revise").click()
    expect(page.get_by_test_id("plan-card")).to_have_count(6)
    expect(page.get_by_test_id("plan-card").last).to_be_in_viewport()


def test_a_full_conversation_closes_the_form_too(page, monkeypatch):
    """It has as many cards as before, for its oldest turn has left it."""
    monkeypatch.setattr("chat_space.thread.MOST_TURNS", 4)
    say(page, "set the budget to 550")
    for total in (560, 570, 580, 590):
        press(page, "Edit inputs")
        fields(page).fill(str(total))
        press(page, "Preview")
        expect(page.get_by_test_id("change").last).to_contain_text(str(total))
        expect(page.get_by_text("Edited", exact=True).last).to_be_visible()
        hidden = page.locator(".cs-plan > ol:not(:visible)")
        expect(hidden).to_have_count(0)
