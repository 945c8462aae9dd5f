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
