"""The main job in a real browser: sign in, ask, see what would change, confirm."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.space.browsing import PHONE, bottom, say, sign_in, top, until

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hit=1">{{constructor}}${window.hit=1}'


@pytest.fixture
def page(demo_page: Page) -> Page:
    """A signed-in page on project demo; no console error and no outside request is forgiven."""
    return demo_page


def test_a_message_becomes_a_card_and_only_confirm_changes_anything(page, fake):
    """Two steps are shown with old and new values; Confirm commits them once, together."""
    say(page, "set the counter to 5, then add 3")
    card = page.get_by_test_id("plan-card")
    expect(card.get_by_test_id("plan-badge")).to_have_text("Ready to confirm")
    changes = card.get_by_test_id("change")
    expect(changes).to_have_count(2)
    expect(changes.first).to_contain_text("Counter · Value")
    expect(changes.last).to_have_text(re.compile(r"5\s*→\s*8"))
    expect(card).to_contain_text("Costs 2")
    expect(page.get_by_test_id("note")).to_contain_text("No model key is set")
    assert fake.projects["demo"].executions == []
    card.get_by_test_id("confirm").click()
    expect(card.get_by_test_id("plan-badge")).to_have_text("Done")
    expect(card.get_by_test_id("plan-outcome")).to_contain_text("executions 1 and 2")
    expect(page.get_by_test_id("state-card").first).to_contain_text("8")
    expect(page.get_by_test_id("state-card").first).to_contain_text("changed")
    expect(page.get_by_test_id("version")).to_have_text("version 2")
    expect(card.get_by_test_id("confirm")).to_have_count(0)
    assert fake.projects["demo"].state["demo.counter"] == {"value": 8}


def test_the_first_sentences_can_be_clicked(page):
    """Instead of an empty chat there are three sentences; one click sends one."""
    expect(page.get_by_test_id("suggestion")).to_have_count(3)
    page.get_by_test_id("suggestion").first.click()
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    expect(page.get_by_test_id("message-you")).to_have_text("set the counter to 5, then add 3")


def test_a_message_that_is_too_long_stays_in_the_box(page, fake):
    """Nothing of it is sent: cut, it would ask for something else."""
    box, text = page.get_by_test_id("message-box"), f"set the counter to 5{'0' * 4_000}"
    say(page, text)
    assert "20 characters too long" in box.evaluate("box => box.validationMessage")
    expect(box).to_have_value(text)
    assert fake.bodies("/chat") == []
    say(page, "x" * 4_001)
    assert "This is 1 character too long" in box.evaluate("box => box.validationMessage")
    box.fill("set the counter to 5")
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("plan-card")).to_be_visible()


def test_discard_changes_nothing(page, fake):
    """The card says so, and the API is never asked to execute."""
    say(page, "add 3")
    page.get_by_test_id("discard").click()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Discarded")
    assert fake.bodies("/executions") == []


def test_two_clicks_on_confirm_run_once(page, fake):
    """Every try of one card carries the same request id."""
    say(page, "add 3")
    page.get_by_test_id("confirm").dblclick()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Done")
    assert len({body["request_id"] for body in fake.bodies("/executions")}) == 1
    assert fake.projects["demo"].state["demo.counter"] == {"value": 3}


def test_an_answer_that_is_lost_can_be_asked_for_again(page, fake):
    """After an outage the card stays open and its second Confirm has the same request id."""
    say(page, "add 3")
    expect(page.get_by_test_id("confirm")).to_be_visible()
    fake.broken = "/executions"
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-outcome")).to_contain_text("it can't run twice")
    fake.broken = None
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Done")
    assert len({body["request_id"] for body in fake.bodies("/executions")}) == 1


def test_when_the_world_moved_there_is_a_new_card_to_confirm(page, fake):
    """A stale confirmation changes nothing; the new preview has a Confirm of its own."""
    say(page, "set the counter to 5")
    expect(page.get_by_test_id("confirm")).to_be_visible()
    fake.projects["demo"].state["demo.counter"] = {"value": 2}
    page.get_by_test_id("confirm").click()
    cards = page.get_by_test_id("plan-card")
    expect(cards).to_have_count(2)
    expect(cards.first.get_by_test_id("plan-badge")).to_have_text("The world moved")
    expect(cards.last.get_by_test_id("change")).to_have_text(re.compile(r"2\s*→\s*5"))
    assert fake.projects["demo"].executions == []
    cards.last.get_by_test_id("confirm").click()
    expect(cards.last.get_by_test_id("plan-badge")).to_have_text("Done")


def test_what_would_be_refused_says_why_and_cannot_be_confirmed(page, space_url):
    """The sentences of the refusal are shown; there is no Confirm."""
    page.goto(f"{space_url}/?project=harbor")
    expect(page.get_by_test_id("project-title")).to_have_text("Harbor")
    say(page, "roll out to 60 percent")
    expect(page.get_by_test_id("plan-badge")).to_have_text("Would be refused")
    expect(page.get_by_test_id("refusal")).to_contain_text("An incident is open")
    expect(page.get_by_test_id("confirm")).to_have_count(0)


def test_the_project_is_chosen_in_the_header_and_stays_in_the_address(page, space_url):
    """Harbor comes first where it exists; a choice is in the URL and survives a reload."""
    page.goto(space_url)
    expect(page.get_by_test_id("project-title")).to_have_text("Harbor")
    expect(page).to_have_url(re.compile("project=harbor"))
    page.get_by_test_id("project-switcher").select_option("demo")
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")
    page.reload()
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")


def test_the_activity_lists_executions_and_loads_older_ones(page, fake):
    """Newest first, a page at a time, down to the first."""
    for number in range(30):
        step = {"action": "demo.counter.increment", "inputs": {"amount": number}}
        fake.projects["demo"].commit(f"r{number}", [step], None)
    page.get_by_role("tab", name="Activity").click()
    rows = page.get_by_test_id("activity-row")
    expect(rows).to_have_count(25)
    expect(rows.first).to_contain_text("30")
    expect(rows.first).to_contain_text("Add to the counter")
    expect(rows.first).to_contain_text("Counter · Value 406 → 435")
    page.get_by_test_id("load-older").click()
    expect(rows).to_have_count(30)
    expect(rows.last).to_have_attribute("data-seq", "1")
    expect(page.get_by_test_id("load-older")).to_have_count(0)


def test_hostile_state_runs_nothing(page, fake):
    """Markup and template literals in keys, values and messages stay text in the browser."""
    fake.projects["demo"].state["memory"] = {HOSTILE: HOSTILE}
    say(page, f"remember that {HOSTILE} is {HOSTILE}")
    expect(page.get_by_test_id("change")).to_contain_text("{{constructor}}${window.hit=1}")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Done")
    expect(page.get_by_test_id("state")).to_contain_text("{{constructor}}${window.hit=1}")
    assert page.evaluate("window.hit") is None


@pytest.mark.parametrize("noticed_by", ["space", "api"])
def test_a_session_that_ends_loses_nothing(page, fake, noticed_by):
    """A dialog asks to sign in again; then the message goes on, and the conversation is there."""
    say(page, "add 2")
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    fake.tokens.clear()
    if noticed_by == "space":
        page.context.clear_cookies()
    say(page, "add 3")
    dialog = page.get_by_test_id("session-ended")
    expect(dialog).to_be_visible()
    expect(page.locator(".cs-pending")).to_contain_text("add 3")
    dialog.get_by_label("Username").fill("ada")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Username or password is wrong.")
    dialog.get_by_label("Password").fill("correct horse")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)
    assert fake.bodies("/auth/login")[-1]["organization"] == "main"
    expect(page.get_by_test_id("plan-card")).to_have_count(2)
    page.get_by_test_id("confirm").last.click()
    expect(page.get_by_test_id("plan-badge").last).to_have_text("Done")
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")
    expect(page.get_by_test_id("state-card").first).to_contain_text("3")


@pytest.mark.parametrize("other", ["user", "organization"])
def test_another_person_or_organization_gets_a_page_of_its_own(page, fake, other):
    """Whoever signs in is not who the page belongs to: it is loaded anew, without what it held."""
    say(page, "add 2")
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    fake.tokens.clear()
    if other == "user":
        fake.users["grace"] = "correct horse"
    else:
        fake.organization = "o-2"
    say(page, "add 3")
    dialog = page.get_by_test_id("session-ended")
    dialog.get_by_label("Username").fill("grace" if other == "user" else "ada")
    dialog.get_by_label("Password").fill("correct horse")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("greeting")).to_be_visible()
    expect(page.get_by_test_id("plan-card")).to_have_count(0)
    expect(page.get_by_test_id("message-box")).to_have_value("")
    assert len(fake.bodies("/chat")) <= 2


def test_while_the_api_is_down_the_conversation_says_so(page, fake):
    """The sentence stands in the conversation; when the API is back it goes on from there."""
    fake.broken = "/chat"
    say(page, "add 3")
    expect(page.get_by_test_id("message-agent")).to_contain_text("can't be reached")
    fake.broken = None
    say(page, "add 3")
    expect(page.get_by_test_id("plan-card")).to_be_visible()


def test_dark_or_light_is_remembered(page):
    """The toggle's choice survives a reload."""
    page.get_by_test_id("theme-toggle").click()
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    page.reload()
    expect(page.get_by_test_id("greeting")).to_be_visible()
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))


def test_the_keyboard_is_enough(page, fake):
    """Enter sends; Confirm is reached by Tab and pressed by Enter."""
    page.get_by_test_id("message-box").focus()
    page.keyboard.type("add 3")
    page.keyboard.press("Enter")
    confirm = page.get_by_test_id("confirm")
    expect(confirm).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(confirm).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("plan-badge")).to_have_text("Done")
    expect(page.get_by_test_id("plan-card").get_by_role("heading")).to_be_focused()
    assert fake.projects["demo"].state["demo.counter"] == {"value": 3}


def test_a_large_value_is_shown_in_time_and_can_be_confirmed(page, fake):
    """50,000 characters without a space: the page answers at once, and Confirm is in sight."""
    large = "x" * 50_000
    fake.projects["demo"].state["memory"] = {large: large, "list": [large] * 50}
    say(page, "add 3")
    expect(page.get_by_test_id("confirm")).to_be_in_viewport(timeout=4_000)
    expect(page.get_by_test_id("state")).to_contain_text("… 50,000 characters")
    page.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("plan-badge")).to_have_text("Done", timeout=4_000)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


def test_on_a_phone_the_message_box_stays_in_sight(chromium, space_url, fake):
    """After several cards, none of whose buttons it hides, and no line is wider than the screen."""
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page, space_url)
    for count in range(1, 5):
        say(page, "set the counter to 5, then add 3")
        expect(page.get_by_test_id("plan-card")).to_have_count(count)
        expect(page.get_by_test_id("confirm").last).to_be_in_viewport()
        until(
            lambda: bottom(page.get_by_test_id("confirm").last) < top(page.locator(".cs-composer"))
        )
    for scrolled in (0, 10_000):
        page.evaluate(f"scrollTo(0, {scrolled})")
        expect(page.get_by_test_id("message-box")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("tab", name="Activity").click()
    expect(page.get_by_test_id("message-box")).not_to_be_visible()
    assert fake.projects["demo"].executions == []
    context.close()


def test_coming_back_to_the_page_shows_the_state_of_now(page, fake):
    """What others changed meanwhile appears when the window gets the focus."""
    fake.projects["demo"].state["demo.counter"] = {"value": 77}
    # Two readings are at least five seconds apart: let six pass on the page's clock.
    page.evaluate("const now = Date.now(); Date.now = () => now + 6000")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_test_id("state-card").first).to_contain_text("77")
