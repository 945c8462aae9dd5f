"""The project at any version or moment, in a real browser, and the way back to it."""

import re
from typing import Any

import pytest
from chat_space.past import span_of
from playwright.sync_api import Locator, Page, expect

from tests.space.browsing import (
    PHONE,
    choose,
    expect_counter,
    expect_no_way_back,
    open_history,
    sign_in,
    until,
    watched,
)

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hit=1">{{constructor}}${window.hit=1}'


@pytest.fixture
def page(history_page: Page) -> Page:
    """An admin's browser on project Demo, looking at its history."""
    return history_page


def look(field: Locator) -> Any:
    """How a field is drawn."""
    names = ["border", "borderRadius", "padding", "height", "fontSize", "color", "backgroundColor"]
    return field.evaluate("(field, names) => names.map((n) => getComputedStyle(field)[n])", names)


def states_read(fake) -> int:
    """How often a state was asked for."""
    return sum(path.endswith("/state") for _, path, _ in fake.seen)


def test_the_newest_version_is_shown_first(page):
    """With who made it; what changes no component says so."""
    made = page.get_by_test_id("made")
    expect(made).to_contain_text("Version 8 now")
    expect(made).to_contain_text("root · Set the policy · execution 8")
    expect(made).to_contain_text("It changed no component.")
    expect_counter(page, 65)
    expect(page.get_by_test_id("go-back")).to_have_count(0)


def test_a_version_is_chosen_by_number_step_and_slider(page):
    """Each shows the state as it was, what changed, and the execution that changed it."""
    choose(page, 3)
    made = page.get_by_test_id("made")
    expect(made).to_contain_text("ada · Add to the counter · execution 3")
    expect(made.get_by_test_id("change")).to_have_text(re.compile(r"Counter · Value\s*15\s*→\s*25"))
    expect_counter(page, 25)
    expect(page.get_by_test_id("history").get_by_text("changed", exact=True)).to_have_count(1)
    page.get_by_label("Earlier version").click()
    expect(made).to_contain_text("Version 2")
    expect_counter(page, 15)
    slider = page.get_by_test_id("slider")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(made).to_contain_text("Version 6")
    expect_counter(page, 55)
    expect(page.get_by_test_id("version-number")).to_have_value("6")
    choose(page, 99)
    expect(made).to_contain_text("Version 8")


def test_the_last_choice_wins(page, fake):
    """One look is under way at a time: of what is chosen meanwhile the last is looked at next."""
    fake.slow, before = 1, states_read(fake)
    choose(page, 1)
    until(lambda: states_read(fake) > before)
    for version in (3, 4, 5, 6, 7, 2):
        choose(page, version)
    expect(page.get_by_test_id("made")).to_contain_text("Version 2", timeout=15_000)
    expect_counter(page, 15)
    expect(page.get_by_test_id("slider")).to_have_value("2")
    assert states_read(fake) == before + 2


def test_a_moment_shows_the_version_of_then(page):
    """A moment before everything is version 0, which is empty."""
    page.get_by_test_id("moment").fill("2026-11-01T10:00")
    made = page.get_by_test_id("made")
    expect(made).to_contain_text("Nothing had been made yet.")
    expect(page.get_by_test_id("version-number")).to_have_value("0")
    expect(page.get_by_test_id("moment")).not_to_have_value("")
    page.get_by_label("Later version").click()
    expect(made).to_contain_text("Version 1")
    expect(page.get_by_test_id("moment")).to_have_value("")


def test_an_execution_opens_above_the_page(page):
    """Whole and with its proof, as from the log."""
    choose(page, 3)
    page.get_by_role("link", name="execution 3").click()
    expect(page.get_by_test_id("execution")).to_have_attribute("data-seq", "3")


def test_an_erased_state_says_so(page, grown_demo):
    """The other versions can still be chosen."""
    grown_demo.erased.add(4)
    choose(page, 4)
    expect(page.get_by_test_id("history-told")).to_have_text("The state of version 4 was erased.")
    expect(page.get_by_test_id("go-back")).to_have_count(0)
    page.get_by_label("Earlier version").click()
    expect_counter(page, 25)


def test_going_back_is_proposed_in_the_conversation(page, fake):
    """Nothing is asked for but a preview: it is confirmed there, like everything else."""
    choose(page, 3)
    page.get_by_test_id("go-back").click()
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    expect(page.get_by_test_id("message-you")).to_have_text("go back to version 3")
    steps = [{"action": "project.revert", "inputs": {"version": 3}}]
    assert fake.bodies("/previews") == [{"steps": steps}]
    assert fake.bodies("/executions") == [{}] * len(fake.bodies("/executions"))


def test_who_may_not_go_back_is_not_offered_it(chromium, space_url, grown_demo):
    """An operator looks; so does everybody where the project is paused."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        expect_no_way_back(page)
    grown_demo.paused = True
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, name="approver")
        expect_no_way_back(page)


def test_a_hostile_past_is_text(page, grown_demo):
    """Keys, values and names of then never become markup."""
    grown_demo.commit(
        "x", [{"action": "memory.remember", "inputs": {"key": HOSTILE, "value": HOSTILE}}], None
    )
    grown_demo.executions[-1]["username"] = HOSTILE
    open_history(page)
    page.get_by_role("tab", name="Activity").click()
    open_history(page)
    expect(page.get_by_test_id("made")).to_contain_text("onerror")
    assert page.evaluate("window.hit") is None


def test_a_phone_shows_all_of_it(chromium, space_url, grown_demo):  # noqa: ARG001 - its versions
    """Nothing is wider than the screen."""
    with watched(chromium, space_url, PHONE) as page:
        sign_in(page, space_url)
        open_history(page)
        choose(page, 3)
        expect_counter(page, 25)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_version_is_typed_into_a_field_like_any_other(page):
    """Its border, its padding and the ring of the focus are those of the moment's beside it."""
    version, moment = (page.get_by_test_id(name) for name in ("version-number", "moment"))
    assert look(version) == look(moment)
    focused = []
    for field in (version, moment):
        field.focus()
        focused.append(field.evaluate("field => getComputedStyle(field).outline"))
    assert focused[0] == focused[1]


def test_an_executions_moment_is_one_microsecond_long():
    """The next one may stand right behind it."""
    assert span_of("2026-12-31T23:59:59.999999Z") == {
        "since": "2026-12-31T23:59:59.999999Z",
        "until": "2027-01-01T00:00:00.000000Z",
    }
