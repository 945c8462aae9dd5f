"""The main job in a real browser, on the whole real stack."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.stack import Stack

pytestmark = pytest.mark.browser


def test_the_main_job(stack: Stack, chromium: Browser) -> None:
    """Sign in, say it, see the plan with its values and cost, confirm, see state and log."""
    page = chromium.new_page(viewport={"width": 1240, "height": 660})
    page.goto(f"{stack.space}/?project=demo")
    username, password = stack.login
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    greeting = page.get_by_test_id("greeting")
    promise = "I can propose, never act. Nothing changes until you confirm."
    expect(greeting).to_have_text(promise, timeout=15_000)  # the first page of a new process
    expect(page.get_by_test_id("suggestion")).to_have_count(3)

    page.get_by_test_id("message-box").fill("set the counter to 5, then add 3")
    page.get_by_test_id("send").click()
    card = page.get_by_test_id("plan-card")
    expect(card.get_by_test_id("plan-badge")).to_have_text("Ready to confirm")
    expect(card.get_by_test_id("change").last).to_have_text(re.compile(r"5\s*→\s*8"))
    expect(card).to_contain_text("Costs 2")
    expect(page.get_by_test_id("note")).to_contain_text("No model key is set")

    card.get_by_test_id("confirm").click()
    expect(card.get_by_test_id("plan-badge")).to_have_text("Done")
    counter = page.locator("[data-testid=state-card][data-component='demo.counter']")
    expect(counter).to_contain_text("8")

    page.get_by_role("tab", name="Activity").click()
    rows = page.get_by_test_id("activity-row")
    expect(rows.nth(0)).to_contain_text("Add to the counter")
    expect(rows.nth(1)).to_contain_text("Set the counter")
    expect(rows.nth(0)).to_contain_text("success")
    page.close()
