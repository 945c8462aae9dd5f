"""What needs approval in a real browser: asked for, waited for, decided, superseded, unlocked."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.space.browsing import PHONE, press, say, sign_in, watched
from tests.space.conftest import replica

pytestmark = pytest.mark.browser

SUPERSEDED = "Superseded. You approved 500 → 550. It would now be 400 → 550. Nothing was changed."


@pytest.fixture
def operator(chromium: Browser, space_url: str) -> Iterator[Page]:
    """A page of somebody who may ask."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, "harbor")
        yield page


@pytest.fixture
def approver(chromium: Browser, space_url: str) -> Iterator[Page]:
    """A page of somebody who may approve."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, "harbor", "approver")
        yield page


def ask(page: Page, total: int) -> None:
    """Ask for a budget, and for the approval that it needs."""
    say(page, f"set the budget to {total}")
    press(page, "Ask for approval")
    expect(badge(page)).to_have_text("Waiting for approval")


def badge(page: Page) -> Locator:
    """The latest card's badge."""
    return page.get_by_test_id("plan-badge").last


def inbox(page: Page) -> Locator:
    """Open the Approvals tab; its cards."""
    page.get_by_role("tab", name=re.compile("^Approvals")).click()
    expect(page.get_by_test_id("approvals")).to_be_visible()
    return page.get_by_test_id("approval-card")


def requests(fake) -> list[str]:
    """What became of harbor's requests, newest first."""
    return [request["status"] for request in fake.projects["harbor"].requests]


def test_a_card_says_what_it_costs_and_what_is_left(operator):
    """Of today's budget, after this; the budget stands above the state, too."""
    say(operator, "tick off the security review, then freeze the release")
    expect(operator.get_by_test_id("price")).to_have_text(
        re.compile(r"^Costs 5 · 95 of 100 left today after this")
    )
    press(operator, "Confirm")
    expect(operator.get_by_test_id("forecast")).to_have_text(
        "Budget today: 5 of 100 used · 7-day mean 30/day"
    )


def test_what_needs_approval_asks_for_it_and_can_be_withdrawn(operator, fake):
    """The card names the rule and who is asked; it waits; Withdraw takes it back."""
    say(operator, "set the budget to 550")
    expect(operator.get_by_test_id("needs-approval")).to_have_text(
        "Needs approval by 1 admin (rule budget-needs-admin)."
    )
    press(operator, "Ask for approval")
    expect(badge(operator)).to_have_text("Waiting for approval")
    expect(operator.get_by_role("tab", name="Approvals (1)")).to_be_visible()
    assert fake.projects["harbor"].state["harbor.budget"] == {"approved": 500}
    press(operator, "Withdraw")
    expect(badge(operator)).to_have_text("Withdrawn")
    expect(operator.get_by_role("button", name="Withdraw")).to_have_count(0)
    assert requests(fake) == ["withdrawn"]


def test_what_moved_meanwhile_is_superseded_and_can_be_approved_anew(operator, approver, fake):
    """The sentence says what was approved and what it would be now; the new request is below."""
    ask(operator, 550)
    say(approver, "set the budget to 400")
    press(approver, "Confirm")
    expect(badge(approver)).to_have_text("Done")
    cards = inbox(approver)
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("ada asked")
    press(approver, "Approve")
    expect(cards).to_have_count(2)
    expect(cards.first.get_by_test_id("approval-outcome")).to_have_text(SUPERSEDED)
    expect(cards.last.get_by_test_id("change")).to_have_text(re.compile(r"400\s*→\s*550"))
    assert fake.projects["harbor"].state["harbor.budget"] == {"approved": 400}
    press(approver, "Approve")
    expect(cards.first.get_by_test_id("approval-badge")).to_have_text("Approved")
    expect(approver.get_by_test_id("decided")).to_contain_text("Superseded")
    assert fake.projects["harbor"].state["harbor.budget"] == {"approved": 550}
    assert requests(fake) == ["done", "superseded"]
    say(operator, "resolve the incident")
    waited = operator.get_by_test_id("plan-card").first
    expect(waited.get_by_test_id("plan-outcome")).to_contain_text("took its place: approved")


def test_a_rejection_carries_its_comment_to_who_asked(operator, approver, fake):
    """The comment is optional, and stands on the asker's card with the next answer."""
    ask(operator, 550)
    cards = inbox(approver)
    cards.get_by_label("Comment on Set the launch budget").fill("Too <b>much</b>.")
    press(approver, "Reject")
    expect(cards.get_by_test_id("approval-badge")).to_have_text("Rejected")
    assert fake.bodies("/decision") == [{"decision": "reject", "comment": "Too <b>much</b>."}]
    say(operator, "resolve the incident")
    outcome = operator.get_by_test_id("plan-outcome").first
    expect(outcome).to_have_text("approver rejected it: “Too <b>much</b>.” Nothing was changed.")


def test_nobody_is_offered_to_decide_about_what_they_asked_for(operator):
    """Their own request has Withdraw and neither Approve nor Reject."""
    ask(operator, 550)
    cards = inbox(operator)
    expect(cards).to_have_count(1)
    expect(cards.get_by_role("button")).to_have_text(["Withdraw"])


def test_two_of_two_must_approve_and_a_vote_is_counted(operator, approver, fake):
    """A vote that isn't the last says so, and changes nothing."""
    ask(operator, 550)
    fake.projects["harbor"].requests[0]["count"] = 2
    cards = inbox(approver)
    expect(cards.get_by_test_id("needs-approval")).to_contain_text("2 admins")
    press(approver, "Approve")
    expect(cards.get_by_test_id("approval-outcome")).to_have_text(
        "Your vote counts: 1 of 2 so far."
    )
    assert fake.projects["harbor"].state["harbor.budget"] == {"approved": 500}


def test_a_request_that_was_decided_elsewhere_is_gone_with_a_sentence(operator, approver, fake):
    """The browser only names a request: what it is, the API tells."""
    ask(operator, 550)
    inbox(approver)
    fake.projects["harbor"].requests[0]["status"] = "withdrawn"
    press(approver, "Approve")
    expect(approver.get_by_test_id("approvals-remark")).to_contain_text("isn't waiting any more")
    assert fake.bodies("/decision") == []


def test_a_comment_stays_with_its_request(operator, approver):
    """Deciding about one leaves what was typed about the other, and types it nowhere else."""
    ask(operator, 550)
    ask(operator, 600)
    cards = inbox(approver)
    expect(cards).to_have_count(2)
    cards.first.get_by_test_id("comment").fill("about the newer one")
    cards.last.get_by_role("button", name="Reject").click()
    expect(cards.first.get_by_test_id("approval-badge")).to_have_text("Rejected")
    expect(cards.first.get_by_test_id("comment")).to_have_count(0)
    expect(cards.last.get_by_test_id("comment")).to_have_value("about the newer one")


def test_a_refusal_gives_every_reason_and_one_click_turns_the_way_out_into_a_card(operator, fake):
    """Two reasons, two lines; the plan is previewed anew, waits for Confirm, and commits whole."""
    say(operator, "roll out to 60 percent")
    reasons = operator.get_by_test_id("reason")
    expect(reasons).to_have_count(2)
    expect(reasons.first).to_contain_text("An incident is open")
    expect(reasons.last).to_contain_text("It costs 120")
    unlocks = operator.get_by_test_id("unlock")
    expect(unlocks.first).to_contain_text("Resolve the incident, then roll out to at most 49")
    expect(unlocks.last.get_by_role("button")).to_have_count(0)
    press(operator, "Use this plan")
    cards = operator.get_by_test_id("plan-card")
    expect(cards).to_have_count(2)
    expect(badge(operator)).to_have_text("Ready to confirm")
    assert fake.projects["harbor"].executions == []
    press(operator, "Confirm")
    expect(badge(operator)).to_have_text("Done")
    assert fake.projects["harbor"].state["harbor.release"]["rollout"] == 49


def test_the_keyboard_reaches_the_way_out_and_a_decision(operator, approver):
    """The new card, or the decided one, has the focus afterwards."""
    say(operator, "roll out to 60 percent")
    operator.get_by_role("button", name="Use this plan").press("Enter")
    cards = operator.get_by_test_id("plan-card")
    expect(cards.last.get_by_role("heading")).to_be_focused()
    ask(operator, 550)
    decided = inbox(approver)
    approver.get_by_role("button", name="Approve").press("Enter")
    expect(decided.first.get_by_role("heading")).to_be_focused()


def test_while_the_api_is_down_a_decision_can_be_tried_again(operator, approver, fake):
    """The card keeps its buttons and says what is wrong, as often as it is tried."""
    ask(operator, 550)
    cards = inbox(approver)
    fake.broken = "/decision"
    for _ in range(2):
        press(approver, "Approve")
        expect(cards).not_to_have_class(re.compile("cs-busy"))
        expect(cards.get_by_test_id("approval-outcome")).to_contain_text("can't be reached")
    fake.broken = None
    press(approver, "Approve")
    expect(cards.get_by_test_id("approval-badge")).to_have_text("Approved")


def test_the_label_counts_and_the_list_follows(chromium, api_server, operator, monkeypatch):
    """A timer looks; an open list without a comment being typed is read again."""
    monkeypatch.setattr("chat_space.views.governing.COUNT_EVERY", 0.5)
    with replica(api_server[1]) as url, watched(chromium, url) as page:
        sign_in(page, url, "harbor", "approver")
        expect(inbox(page)).to_have_count(0)
        ask(operator, 550)
        expect(page.get_by_role("tab", name="Approvals (1)")).to_be_visible(timeout=10_000)
        expect(page.get_by_test_id("approval-card")).to_have_count(1)


def test_on_a_phone_a_request_fits_and_can_be_decided(chromium, space_url, operator):
    """No line is wider than the screen."""
    ask(operator, 550)
    with watched(chromium, space_url, PHONE) as page:
        sign_in(page, space_url, "harbor", "approver")
        cards = inbox(page)
        expect(cards).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        press(page, "Approve")
        expect(cards.get_by_test_id("approval-badge")).to_have_text("Approved")
