"""The audit log in a real browser: filtered, paged across the archive's border, and reset."""

import pytest
from chat_space.client import ApiError
from chat_space.filters import Filters
from chat_space.views.activity import Seen
from playwright.sync_api import Page, expect

from tests.space.browsing import PHONE, press, sign_in, sign_in_again, until, watched

pytestmark = pytest.mark.browser


@pytest.fixture
def page(demo_page: Page) -> Page:
    """Ada's browser on project Demo."""
    return demo_page


@pytest.fixture
def demo(fake):
    return fake.projects["demo"]


def increments(project, count: int) -> None:
    """So many successes of Ada's."""
    for number in range(count):
        step = {"action": "demo.counter.increment", "inputs": {"amount": 1}}
        project.commit(f"r{number}", [step], None)


def open_activity(page: Page) -> None:
    """Show the log."""
    page.get_by_role("tab", name="Activity").click()
    expect(page.get_by_test_id("activity")).to_be_visible()


def test_the_log_is_filtered_by_result_action_and_person(page, demo):
    """Each alone and together; what was chosen stays chosen."""
    increments(demo, 2)
    demo.record("demo.counter.reset", "approver", "rejected", explanations=["No."])
    demo.record("project.policy.set", "root")
    open_activity(page)
    rows = page.get_by_test_id("activity-row")
    expect(rows).to_have_count(4)
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("No.")
    expect(page.get_by_label("Result", exact=True)).to_have_value("rejected")
    page.get_by_label("Result", exact=True).select_option("")
    page.get_by_label("Person").select_option("ada")
    page.get_by_label("Action").select_option("Add to the counter")
    press(page, "Filter")
    expect(rows).to_have_count(2)
    press(page, "Reset the filters")
    expect(rows).to_have_count(4)
    page.get_by_label("Action").select_option("Set the policy")
    press(page, "Filter")
    expect(rows).to_have_count(1)


def test_days_are_whole_and_both_are_included(page, demo):
    """From the first's midnight to the last's end, UTC."""
    for day in (20, 21, 22):
        demo.record("demo.counter.reset", "ada", at=f"2026-11-{day}T23:59:59.999999Z")
    open_activity(page)
    page.get_by_label("First day").fill("2026-11-21")
    page.get_by_label("Last day").fill("2026-11-21")
    press(page, "Filter")
    rows = page.get_by_test_id("activity-row")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("21 Nov")


def test_older_ones_are_filtered_alike_and_so_is_the_log_one_comes_back_to(page, demo):
    """Paging keeps the filters, and so does looking at another tab."""
    increments(demo, 30)
    demo.record("demo.counter.reset", "ada", "rejected")
    open_activity(page)
    page.get_by_label("Result", exact=True).select_option("success")
    press(page, "Filter")
    rows = page.get_by_test_id("activity-row")
    expect(rows).to_have_count(25)
    page.get_by_test_id("load-older").click()
    expect(rows).to_have_count(30)
    expect(page.get_by_label("Result", exact=True)).to_have_value("success")
    page.get_by_role("tab", name="Work").click()
    open_activity(page)
    expect(rows).to_have_count(25)
    expect(rows.first).to_have_attribute("data-seq", "30")


def test_what_is_asked_while_a_look_is_under_way_is_asked_next(page, fake, demo):
    """ "Load older" goes on from the filtered log, and a filter isn't undone by a late answer."""
    increments(demo, 30)
    demo.record("demo.counter.reset", "ada", "rejected")
    open_activity(page)
    rows, result = page.get_by_test_id("activity-row"), page.get_by_label("Result", exact=True)
    expect(rows).to_have_count(25)
    fake.slow = 0.4
    result.select_option("success")
    press(page, "Filter")
    page.get_by_test_id("load-older").click()
    expect(page.locator("#cs-activity [aria-busy=true]")).to_have_count(1)
    expect(rows).to_have_count(30)
    expect(page.locator("#cs-activity [aria-busy=true]")).to_have_count(0)


def test_coming_back_to_the_log_undoes_no_filter_chosen_meanwhile(page, fake, demo):
    """However late the answer to coming back is."""
    increments(demo, 3)
    demo.record("demo.counter.reset", "ada", "rejected")
    open_activity(page)
    page.get_by_role("tab", name="Work").click()
    fake.slow, before = 1, len(fake.seen)
    page.get_by_role("tab", name="Activity").click()
    until(lambda: len(fake.seen) > before)
    fake.slow = 0
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    page.wait_for_timeout(2000)
    expect(page.get_by_test_id("activity-row")).to_have_count(1)


def test_a_filter_outlives_going_away_before_its_answer(page, fake, demo):
    """The log that one comes back to is filtered, however slow all answers are."""
    increments(demo, 3)
    demo.record("demo.counter.reset", "ada", "rejected")
    open_activity(page)
    expect(page.get_by_test_id("activity-row")).to_have_count(4)
    fake.slow = 0.5
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    page.get_by_role("tab", name="Work").click()
    page.get_by_role("tab", name="Activity").click()
    page.wait_for_timeout(3000)
    expect(page.get_by_test_id("activity-row")).to_have_count(1)


@pytest.mark.parametrize(("tab", "shown"), [("Activity", "activity"), ("History", "made")])
def test_a_tab_whose_opening_met_the_sessions_end_is_shown_afterwards(page, fake, tab, shown):
    """Who signs in again finds it there."""
    fake.tokens.clear()
    page.get_by_role("tab", name=tab).click()
    sign_in_again(page)
    expect(page.get_by_test_id(shown)).to_be_visible()


def test_a_filter_that_met_the_sessions_end_is_asked_again(page, fake, demo):
    """Who signs in again finds what they had chosen."""
    increments(demo, 2)
    demo.record("demo.counter.reset", "ada", "rejected")
    open_activity(page)
    fake.tokens.clear()
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    sign_in_again(page)
    expect(page.get_by_test_id("activity-row")).to_have_count(1)
    expect(page.get_by_label("Result", exact=True)).to_have_value("rejected")


def test_where_nothing_fits_one_click_shows_all_again(page, demo):
    """The sentence says so, and the way out stands beside it."""
    increments(demo, 1)
    open_activity(page)
    page.get_by_label("Result", exact=True).select_option("failed")
    press(page, "Filter")
    expect(page.get_by_test_id("no-match")).to_contain_text("No execution fits.")
    press(page, "Show all of them")
    expect(page.get_by_test_id("activity-row")).to_have_count(1)
    expect(page.get_by_label("Result", exact=True)).to_have_value("")


def test_nobody_notices_where_the_archive_begins(page, fake, demo):
    """Answers that hold few executions or none, and name the next page, fill one page."""
    demo.record("demo.counter.reset", "ada", "rejected")
    increments(demo, 40)
    fake.reads = 7
    open_activity(page)
    expect(page.get_by_test_id("activity-row")).to_have_count(25)
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    expect(page.get_by_test_id("activity-row")).to_have_count(1)
    expect(page.get_by_test_id("load-older")).to_have_count(0)


def test_a_search_that_takes_long_goes_on_when_one_says_so(page, fake, demo, monkeypatch):
    """After some seconds it tells that there is more to look through."""
    monkeypatch.setattr("chat_space.views.activity.LOOK_FOR", 0.0)
    demo.record("demo.counter.reset", "ada", "rejected")
    increments(demo, 9)
    fake.reads = 5
    open_activity(page)
    page.get_by_label("Result", exact=True).select_option("rejected")
    press(page, "Filter")
    expect(page.get_by_test_id("activity")).to_contain_text("There is more to look through.")
    press(page, "Look further back")
    expect(page.get_by_test_id("activity-row")).to_have_count(1)


def test_an_outage_is_told_and_the_log_comes_back(page, fake, demo):
    """A sentence in the log's place; the tab tries again."""
    increments(demo, 1)
    fake.broken = "/executions"
    page.get_by_role("tab", name="Activity").click()
    expect(page.locator("#cs-activity")).to_contain_text("can't be reached")
    fake.broken = None
    page.get_by_role("tab", name="Work").click()
    open_activity(page)
    expect(page.get_by_test_id("activity-row")).to_have_count(1)


def test_on_a_phone_the_filters_fit(chromium, space_url, demo):
    """No line is wider than the screen."""
    increments(demo, 1)
    with watched(chromium, space_url, PHONE) as phone:
        sign_in(phone, space_url)
        open_activity(phone)
        expect(phone.get_by_role("button", name="Filter", exact=True)).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_the_browser_carries_is_read_with_care():
    """Whatever is no text or no object filters nothing; a day that isn't one is told."""
    assert Filters.read(["status"]) == Filters()
    assert Filters.read({"status": 5, "action": "a", "other": "b"}) == Filters(action="a")
    assert Seen.read('{"rows": [{}]}') == Seen.read("[") == Seen.read(None) == Seen()
    assert Filters(first="2026-02-28", last="2026-02-28").asked() == {
        "since": "2026-02-28T00:00:00Z",
        "until": "2026-03-01T00:00:00Z",
    }
    for day in ("2026-02-30", "9999-12-31"):
        with pytest.raises(ApiError, match="Give days"):
            Filters(last=day).asked()
