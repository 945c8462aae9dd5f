"""The edges of History: first and newest version, moments that are none, the way back."""

import asyncio
import re
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from chat_space.past import end_of
from chat_space.views.history import History
from playwright.sync_api import Page, expect

from tests.space import fake_governance as governance
from tests.space.browsing import (
    choose,
    expect_counter,
    expect_no_way_back,
    fields,
    press,
    sign_in,
    watched,
)
from tests.space.fake_world import NEEDS_ADMIN

pytestmark = pytest.mark.browser


@pytest.fixture
def page(history_page: Page) -> Page:
    """An admin's browser on project Demo, looking at its history."""
    return history_page


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ("2026-11-22T09:57", "2026-11-22T09:57:00.999999Z"),
        ("2026-11-22T09:57:03", "2026-11-22T09:57:03.999999Z"),
        ("2026-11-22T09:57:03.1", "2026-11-22T09:57:03.1Z"),
    ],
)
def test_a_moment_without_a_fraction_is_its_seconds_end(chosen, asked):
    """Browsers leave out seconds that are 0."""
    assert end_of(chosen) == asked


def test_a_forged_version_is_none():
    """Of more digits than are read as a number: nothing is proposed, and nothing raised."""
    back, event = History(cast(Any, None)).back, cast(Any, SimpleNamespace(version="9" * 5_000))
    assert asyncio.run(cast(Any, back)(event, "demo", "[]", cast(Any, None))) == (gr.skip(),) * 4


def test_there_is_nothing_before_the_first_version(page):
    """Pressed twice at version 1 the button stays at 0, and the slider gets the focus."""
    made = page.get_by_test_id("made")
    choose(page, 1)
    expect(made).to_contain_text("Version 1")
    earlier = page.get_by_label("Earlier version")
    earlier.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(made).to_contain_text("Nothing had been made yet.")
    expect(page.get_by_test_id("slider")).to_be_focused()


def test_a_version_made_since_can_be_typed(page, grown_demo):
    """The server knows the newest one; the page may be old."""
    grown_demo.commit("new", [{"action": "demo.counter.increment", "inputs": {}}], None)
    choose(page, 9)
    expect(page.get_by_test_id("made")).to_contain_text("Version 9 now")
    expect_counter(page, 66)


def test_the_time_that_a_version_shows_leads_to_it(page):
    """To the second, though executions have microseconds."""
    expect(page.get_by_test_id("made")).to_contain_text("22 Nov 2026 09:57:03 UTC")
    choose(page, 3)
    expect(page.get_by_test_id("made")).to_contain_text("Version 3")
    page.get_by_test_id("moment").fill("2026-11-22T09:57:03")
    expect(page.get_by_test_id("made")).to_contain_text("Version 8 now")


def test_a_moment_that_was_erased_has_no_version_above_it(page, grown_demo):
    """Only the sentence; afterwards any version can be chosen."""
    grown_demo.erased.add(8)
    page.get_by_test_id("moment").fill("2026-11-23T10:00:01")
    expect(page.get_by_test_id("history-told")).to_contain_text("was erased")
    expect(page.get_by_test_id("made")).to_have_count(0)
    choose(page, 3)
    expect_counter(page, 25)


def test_a_moment_that_is_none_is_told_in_words(page):
    """Not in those that the API has for programs."""
    page.get_by_test_id("moment").evaluate(
        "field => { field.value = '12026-01-01T10:00';"
        " field.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    expect(page.get_by_test_id("history-told")).to_contain_text("There is no such moment.")
    expect(page.get_by_test_id("made")).to_have_count(0)


def test_what_is_not_for_the_caller_is_not_told_as_nothing(page, grown_demo):
    """Where the API left changes out, the page says so."""
    grown_demo.executions[-1]["redacted"] = True
    choose(page, 7)
    expect(page.get_by_test_id("made")).to_contain_text("Version 7")
    choose(page, 8)
    expect(page.get_by_test_id("redacted")).to_have_text(
        "Some of what it changed is not for you to see."
    )
    expect(page.get_by_text("It changed no component.")).to_have_count(0)


def test_an_erasure_has_a_title(page, grown_demo):
    """As everything else that administers a project."""
    grown_demo.record("project.erase", "root")
    choose(page, 9)
    expect(page.get_by_test_id("made")).to_contain_text("root · Erase what executions hold")


def test_nothing_is_brought_back_while_everything_is_paused(chromium, space_url, fake, grown_demo):  # noqa: ARG001 - its versions
    """The organization's pause is the project's."""
    fake.stopped = True
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, name="approver")
        expect_no_way_back(page)


def test_the_card_that_goes_back_says_to_which_version(page):
    """It has the focus; after an edit the new card says the new one."""
    choose(page, 3)
    page.get_by_test_id("go-back").focus()
    page.keyboard.press("Enter")
    card = page.get_by_test_id("plan-card")
    expect(card).to_contain_text(re.compile(r"version\s*3"))
    expect(card.get_by_role("heading")).to_be_focused()
    press(page, "Edit inputs")
    fields(page).fill("2")
    press(page, "Preview")
    expect(card.last).to_contain_text(re.compile(r"version\s*2"))
    expect(card.last.get_by_test_id("change")).to_be_visible()


def test_who_approves_the_way_back_sees_to_which_version(page, grown_demo, monkeypatch):
    """Old and new values alone don't tell."""
    monkeypatch.setattr("tests.space.fake_world.NEEDS_ADMIN", {*NEEDS_ADMIN, "project.revert"})
    steps = [{"action": "project.revert", "inputs": {"version": 3}}]
    governance.ask(grown_demo, steps, grown_demo.preview(steps), "ada")
    page.get_by_role("tab", name="Approvals").click()
    card = page.get_by_test_id("approval-card")
    expect(card.get_by_test_id("change")).to_be_visible()
    expect(card).to_contain_text(re.compile(r"version\s*3"))
