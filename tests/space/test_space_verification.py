"""A chain in a real browser: verified step by step, and the archive's days with their sizes."""

from collections.abc import Iterator

import httpx
import pytest
from chat_space import archives, verification
from chat_space.client import ApiError
from playwright.sync_api import Browser, Page, expect

from tests.space.browsing import PHONE, press, sign_in, watched
from tests.space.fake_trail import archived

pytestmark = pytest.mark.browser


@pytest.fixture
def demo(fake):
    """A project with forty executions."""
    for number in range(40):
        step = {"action": "demo.counter.increment", "inputs": {"amount": 1}}
        fake.projects["demo"].commit(f"r{number}", [step], None)
    return fake.projects["demo"]


@pytest.fixture
def page(chromium: Browser, space_url: str, demo) -> Iterator[Page]:  # noqa: ARG001 - its chain
    """Ada's browser on the page of Demo's chain."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        page.goto(f"{space_url}/audit?project=demo")
        yield page


def test_a_chain_is_verified_in_steps_and_the_verdict_says_what_was_looked_at(page, fake):
    """Until nothing is left; what was archived or is proved elsewhere stands apart."""
    fake.archived, fake.reads = 12, 9
    expect(page.get_by_test_id("last-seen")).to_have_text("Not verified here yet.")
    press(page, "Verify")
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_contain_text("Everything that was looked at is in order.")
    expect(verdict).to_contain_text("Executions 13 to 40: record and payload by their hashes")
    expect(verdict).to_contain_text("Executions 1 to 12, which are archived.")
    expect(verdict).to_contain_text("The anchors and the stored state:")
    expect(verdict).not_to_contain_text("from_seq")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    asked = [path for _, path, _ in fake.seen if path.endswith("/audit/verify")]
    assert len(asked) == 4
    expect(page.get_by_role("button", name="Verify again")).to_be_visible()


def test_what_was_last_seen_stays_known_to_this_person(page, space_url):
    """After a reload, in the log, and to nobody else."""
    press(page, "Verify")
    expect(page.get_by_test_id("last-seen")).to_contain_text("Everything that was looked at")
    page.reload()
    expect(page.get_by_test_id("last-seen")).to_contain_text("Last verified here")
    page.goto(f"{space_url}/?project=demo")
    expect(page.get_by_test_id("greeting")).to_be_visible()
    page.get_by_role("tab", name="Activity").click()
    expect(page.locator(".cs-to-audit")).to_contain_text("in order")
    page.get_by_test_id("to-audit").click()
    expect(page.get_by_test_id("look").get_by_test_id("last-seen")).to_contain_text("in order")
    page.keyboard.press("Escape")
    page.get_by_test_id("sign-out").click()
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill("correct horse")
    press(page, "Sign in")
    page.goto(f"{space_url}/audit?project=demo")
    expect(page.get_by_test_id("last-seen")).to_have_text("Not verified here yet.")


def test_the_first_bad_record_is_named_and_one_click_away(page, fake, demo):
    """Its number stands first, with what is wrong about it."""
    demo.executions[26]["spoilt"] = " "
    fake.reads = 10
    press(page, "Verify")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The chain is broken at execution 27.")
    expect(alert).to_contain_text("not what was hashed")
    expect(page.get_by_test_id("verdict")).to_contain_text("28 to 40, which stand after the fault")
    expect(page.get_by_test_id("last-seen")).to_have_attribute("data-tone", "bad")
    page.get_by_role("link", name="Look at execution 27").click()
    expect(page.get_by_test_id("execution")).to_have_attribute("data-seq", "27")


def test_an_outage_in_between_can_be_gone_on_from(page, fake):
    """What was looked at isn't looked at twice."""
    fake.reads = 15
    page.route("**/audit/verify*", lambda route: None)
    press(page, "Verify")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    steps = []

    def second_fails(route):
        steps.append(route)
        fake.broken = "/audit/verify" if len(steps) == 2 else None
        route.continue_()

    page.route("**/audit/verify*", second_fails)
    press(page, "Verify")
    expect(page.get_by_role("alert")).to_contain_text("can't be reached")
    press(page, "Go on")
    expect(page.get_by_test_id("verdict")).to_contain_text("Executions 1 to 40")
    assert len(steps) == 4


def test_archives_are_listed_by_day_with_rows_and_sizes(page, fake):
    """The largest day has the longest bar; objects and hashes fold out."""
    fake.objects = [
        archived("2026-08-01", 1, 10, size=1_000), archived("2026-08-01", 11, 12, size=500),
        archived("2026-08-02", 13, 15, size=2_400_000, rows=2_000),
    ]  # fmt: skip
    page.reload()
    days = page.get_by_test_id("archived-day")
    expect(days).to_have_count(2)
    expect(days.first).to_contain_text("2 Aug 2026")
    expect(days.first).to_contain_text("3 executions · 2.4 MB")
    expect(days.last).to_contain_text("12 executions · 1.5 KB")
    expect(page.get_by_test_id("archives")).to_contain_text("15 executions of 2 days · 2.4 MB")
    days.first.locator("summary").press("Enter")
    expect(days.first).to_contain_text("13 to 15, of 2\u2009000 in the object")
    expect(days.first).to_contain_text("d" * 64)
    days.first.get_by_role("link", name="13").click()
    expect(page.get_by_test_id("execution")).to_have_attribute("data-seq", "13")


def test_more_objects_than_a_page_holds_lead_on(page, fake):
    """And say that they are a page's."""
    fake.objects = [archived(f"20{n // 12:02}-{n % 12 + 1:02}-01", n, n) for n in range(1, 206)]
    page.reload()
    expect(page.get_by_test_id("archives")).to_contain_text("On this page 200 executions")
    page.get_by_test_id("older-archives").click()
    expect(page.get_by_test_id("archived-day")).to_have_count(5)


def test_without_archives_the_part_says_so_or_is_not_there(page, fake):
    """An API that doesn't tell of archives is none the worse."""
    expect(page.get_by_test_id("archives")).to_have_count(0)
    fake.objects = []
    page.reload()
    expect(page.get_by_test_id("no-archives")).to_contain_text("Nothing is archived yet")


@pytest.mark.usefixtures("demo")
def test_a_phone_shows_it_all(chromium, space_url, fake):
    """No line is wider than the screen."""
    fake.objects = [archived("2026-08-01", 1, 10, size=1_000)]
    with watched(chromium, space_url, PHONE) as phone:
        sign_in(phone, space_url)
        phone.goto(f"{space_url}/audit?project=demo")
        press(phone, "Verify")
        expect(phone.get_by_test_id("verdict")).to_contain_text("in order")
        phone.locator("summary").press("Enter")
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("seen", ["[]", "{", '{"next": "5"}', '{"next": null}', '{"else": 1}'])
@pytest.mark.usefixtures("demo")
def test_what_no_step_answered_is_refused(space_url, seen):
    """A sentence, no error of the Space's."""
    headers = {"Authorization": "Bearer script-token"}
    asked = {"project": "demo", "seen": seen}
    answer = httpx.get(f"{space_url}/audit/verify", params=asked, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")


def test_a_chain_that_is_all_archived_is_no_success():
    """Nothing was looked at, so nothing is in order."""
    place = {"seq": 9, "hash": "a" * 64}
    answer = {
        "first_seq": None, "last_seq": None, "next_from_seq": None, "finding": None,
        "head": place, "archived": place, "not_checked": ["Executions 1 to 9, which are archived."],
    }  # fmt: skip
    told = verification.told(verification.advance(None, answer))
    assert (told["tone"], told["archived"], told["checked"]) == ("wait", 100, "")
    with pytest.raises(ApiError):
        verification.Seen.read("null")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 KB"),
        (250_000, "250 KB"),
        (5e15, "5000 TB"),
    ],
)
def test_sizes_are_told_in_words(size, words):
    """With one digit where it says something; none where one of them is unknown."""
    assert archives.in_words(size) == words
    assert archives.size_of([{"size": 5}, {}]) == ""
