"""A request that an edited proposal was to take the place of is decided meanwhile."""

import pytest
from playwright.sync_api import Page, expect

from tests.space import fake_governance as governance
from tests.space.browsing import badges, press, say
from tests.space.fake_world import Problem

pytestmark = pytest.mark.browser


@pytest.fixture
def page(harbor_page: Page) -> Page:
    """An operator's browser on project Harbor, where a budget of 550 waits for approval."""
    say(harbor_page, "set the budget to 550")
    press(harbor_page, "Ask for approval")
    expect(harbor_page.get_by_test_id("plan-badge")).to_have_text("Waiting for approval")
    return harbor_page


@pytest.fixture
def harbor(fake, page):  # noqa: ARG001 - the request is the page's
    """The project, with that request."""
    return fake.projects["harbor"]


def decide(harbor, decision: str) -> None:
    """Somebody else decides the newest request."""
    governance.decide(harbor, harbor.requests[0], "approver", {"decision": decision})


def edit(page: Page, total: int, number: int = 0) -> None:
    """Preview another budget instead of that of the numbered card."""
    card = page.get_by_test_id("plan-card").nth(number)
    count = page.get_by_test_id("plan-card").count()
    card.get_by_test_id("edit").click()
    card.locator(".cs-field").fill(str(total))
    card.get_by_test_id("revise").click()
    expect(page.get_by_test_id("plan-card")).to_have_count(count + 1)


def statuses(harbor) -> list[str]:
    """Of all requests, newest first."""
    return [request["status"] for request in harbor.requests]


def test_what_was_decided_before_it_was_edited_is_not_replaced(page, harbor):
    """The new proposal is one of its own, and the old card tells how it ended."""
    decide(harbor, "reject")
    edit(page, 560)
    expect(page.get_by_test_id("replaces")).to_have_count(0)
    assert badges(page) == ["Rejected", "Needs approval"]
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    assert statuses(harbor) == ["pending", "rejected"]


def test_what_is_rejected_while_its_edit_is_open_can_still_be_asked_for(page, harbor):
    """The card says what happened, and its second try takes nobody's place."""
    edit(page, 560)
    expect(page.get_by_test_id("replaces")).to_be_visible()
    decide(harbor, "reject")
    press(page, "Ask for approval")
    outcome = page.get_by_test_id("plan-outcome").last
    expect(outcome).to_contain_text("isn't waiting any more. Nothing was changed")
    expect(page.get_by_test_id("replaces")).to_have_count(0)
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    assert statuses(harbor) == ["pending", "rejected"]


def test_what_is_rejected_while_an_answer_was_lost_can_be_asked_for(page, harbor, fake):
    """The next answer says that it did not run."""
    edit(page, 560)
    fake.broken = "/executions"
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-outcome").last).to_contain_text("it can't run twice")
    fake.broken = None
    decide(harbor, "reject")
    press(page, "Ask for approval")
    outcome = page.get_by_test_id("plan-outcome").last
    expect(outcome).to_contain_text("isn't waiting any more. Nothing was changed")
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    assert statuses(harbor) == ["pending", "rejected"]


def test_what_is_approved_while_its_edit_is_open_leaves_a_card_that_works(page, harbor):
    """The world moved, and the fresh card takes nobody's place."""
    edit(page, 560)
    decide(harbor, "approve")
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-card")).to_have_count(3)
    assert badges(page) == ["Approved", "The world moved", "Needs approval"]
    expect(page.get_by_test_id("replaces")).to_have_count(0)
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    assert statuses(harbor) == ["pending", "done"]


def test_a_second_edit_takes_the_place_of_the_first(page, harbor):
    """When the first was asked for, it is what waits."""
    edit(page, 560)
    edit(page, 570)
    press(page, "Ask for approval")
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Waiting for approval")
    expect(page.get_by_test_id("replaces")).to_have_count(1)
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("confirm")).to_have_count(0)
    assert badges(page) == ["Withdrawn", "Waiting for approval", "Withdrawn"]
    assert statuses(harbor) == ["pending", "withdrawn", "withdrawn"]
    assert harbor.requests[0]["replaces"] == harbor.requests[1]["id"]


def test_a_request_that_could_not_be_withdrawn_still_waits(page, harbor, monkeypatch):
    """Whatever the API's reason, its card doesn't become one that can be confirmed."""

    def refuse(*_: object) -> None:
        raise Problem(409, "conflict", "Somebody is deciding it. Try again.")

    monkeypatch.setattr(governance, "withdraw", refuse)
    press(page, "Withdraw")
    expect(page.get_by_test_id("plan-outcome")).to_have_text("Somebody is deciding it. Try again.")
    expect(page.get_by_test_id("discard")).to_have_count(0)
    monkeypatch.undo()
    press(page, "Withdraw")
    expect(page.get_by_test_id("plan-badge")).to_have_text("Withdrawn")
    assert statuses(harbor) == ["withdrawn"]
