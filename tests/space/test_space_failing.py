"""What nobody foresaw goes wrong: the page says so, and can be used as before."""

import re

import pytest
from chat_space.views.verbs import VERBS
from playwright.sync_api import Page, expect

from tests.space.browsing import fields, press, say

pytestmark = pytest.mark.browser


@pytest.fixture
def page(harbor_page: Page) -> Page:
    """An operator's browser on project Harbor, with a proposal."""
    say(harbor_page, "set the budget to 550")
    expect(harbor_page.get_by_test_id("plan-card")).to_be_visible()
    return harbor_page


def fail(*_: object) -> None:
    """What no handler expects."""
    raise RuntimeError("unforeseen")


@pytest.mark.parametrize("verb", ["confirm", "revise"])
def test_a_card_can_be_used_again(page, monkeypatch, verb):
    """The next try is as good as the first; what was typed is still there."""
    with monkeypatch.context() as broken:
        broken.setitem(VERBS, verb, fail)
        if verb == "revise":
            press(page, "Edit inputs")
            fields(page).fill("560")
        page.get_by_test_id(verb).click()
        expect(page.get_by_text("Something went wrong here.")).to_have_count(1)
    expect(page.get_by_test_id("plan-card")).not_to_have_class(re.compile("cs-busy"))
    page.get_by_test_id(verb).click()
    expected = {"confirm": "Waiting for approval", "revise": "Needs approval"}[verb]
    expect(page.get_by_test_id("plan-badge").last).to_have_text(expected)


def test_what_may_have_run_can_only_be_confirmed_again(page, fake):
    """Edited it could run twice, and Discard would say that nothing was changed."""
    fake.broken = "/executions"
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-outcome")).to_contain_text("it can't run twice")
    for gone in ("edit", "discard", "edit-form"):
        expect(page.get_by_test_id(gone)).to_have_count(0)
    fake.broken = None
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Waiting for approval")
    expect(page.get_by_test_id("edit")).to_be_visible()
    assert len({body["request_id"] for body in fake.bodies("/executions")}) == 1


def test_a_message_comes_back_into_the_box(page, fake, monkeypatch):
    """It was not answered, and can be sent again."""
    monkeypatch.setattr("chat_space.views.work.heard", fail)
    say(page, "set the budget to 560")
    expect(page.get_by_test_id("message-box")).to_have_value("set the budget to 560")
    expect(page.get_by_test_id("send")).to_be_enabled()
    monkeypatch.undo()
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("plan-card")).to_have_count(2)
    assert len(fake.bodies("/chat")) == 3
