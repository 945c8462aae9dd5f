"""One execution in a real browser: whole, with its proof, and its place in the chain."""

import hashlib
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.space.browsing import PHONE, press, say, sign_in, watched
from tests.space.fake_trail import chained

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hit=1">{{constructor}}${window.hit=1}'
BEARER = {"Authorization": "Bearer script-token"}


@pytest.fixture
def demo(fake):
    """A project with a change, a refusal, and an approved request."""
    project = fake.projects["demo"]
    project.commit("r1", [{"action": "demo.counter.set", "inputs": {"value": 5}}], None)
    project.record("demo.counter.reset", "ada", "rejected", explanations=["The first.", "And two."])
    project.record("demo.counter.reset", "ada", "pending_approval")
    granted = {"id": "request-1", "deciders": ["u-approver"]}
    project.record("demo.counter.reset", "ada", about=3, approval=granted, usage={"per_day": 1})
    return project


@pytest.fixture
def page(chromium: Browser, space_url: str, demo) -> Iterator[Page]:  # noqa: ARG001 - its executions
    """Ada's browser on project Demo."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        yield page


def open_execution(page: Page, seq: int) -> None:
    """Open an execution above the log."""
    page.get_by_role("tab", name="Activity").click()
    page.get_by_role("link", name=f"Execution {seq}", exact=True).click()
    expect(page.get_by_test_id("execution")).to_have_attribute("data-seq", str(seq))


def test_an_execution_opens_above_the_page_with_old_and_new_values(page):
    """Who, when, what, inputs and values; closed, the conversation is still there."""
    say(page, "add 3")
    expect(page.get_by_test_id("plan-card")).to_be_visible()
    open_execution(page, 1)
    shown = page.get_by_test_id("execution")
    expect(shown.get_by_test_id("change")).to_have_text(re.compile(r"Counter · Value\s*0\s*→\s*5"))
    expect(shown).to_contain_text("ada · 22 Nov 2026 09:57:03 UTC")
    expect(shown.get_by_test_id("facts")).to_contain_text("demo.counter.set@1")
    expect(shown.get_by_test_id("facts")).to_contain_text("0 → 1")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("look")).to_have_count(0)
    expect(page.get_by_role("link", name="Execution 1", exact=True)).to_be_focused()
    page.get_by_role("tab", name="Work").click()
    expect(page.get_by_test_id("plan-card")).to_be_visible()


def test_a_refusal_shows_every_reason_and_an_approved_one_its_deciders(page):
    """Sentences, names, and the way to the request that it is about."""
    open_execution(page, 2)
    shown = page.get_by_test_id("execution")
    expect(shown.get_by_test_id("reasons")).to_have_text(re.compile("The first.*And two."))
    page.get_by_test_id("after").click()
    expect(shown).to_have_attribute("data-seq", "3")
    expect(shown).to_contain_text("Answered by")
    page.get_by_test_id("after").click()
    expect(shown.get_by_test_id("facts")).to_contain_text("approver")
    expect(shown.get_by_test_id("facts")).to_contain_text("Per day 1")
    shown.get_by_role("link", name="execution 3").click()
    expect(shown.get_by_test_id("status")).to_have_text("pending approval")


def test_the_chain_around_it_is_a_picture_and_a_way_through(page):
    """Before and after by link and keyboard; each link says whether it holds."""
    open_execution(page, 1)
    shown = page.get_by_test_id("execution")
    expect(page.get_by_test_id("link-before")).to_have_attribute("data-holds", "yes")
    expect(page.get_by_test_id("before")).to_have_count(0)
    page.get_by_test_id("after").press("Enter")
    expect(shown).to_have_attribute("data-seq", "2")
    expect(shown.get_by_role("heading").first).to_be_focused()
    page.get_by_test_id("before").press("Enter")
    expect(shown).to_have_attribute("data-seq", "1")
    page.get_by_role("button", name="Close").press("Enter")
    open_execution(page, 4)
    expect(page.get_by_test_id("link-after")).to_have_attribute("data-holds", "unknown")


def test_the_proof_is_computed_copied_and_downloaded(page, demo):
    """The hash of what is downloaded is the hash that stands there."""
    hash = chained(demo)[0]["hash"]
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_execution(page, 1)
    expect(page.get_by_test_id("recomputed")).to_have_attribute("data-tone", "good")
    expect(page.get_by_test_id("hash")).to_have_text(hash)
    expect(page.get_by_test_id("prev_hash")).to_have_text("0" * 64)
    press(page, "Copy the record hash")
    expect(page.locator("[data-copied-to]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == hash
    page.get_by_text("The record, exactly as it was hashed").click()
    text = page.get_by_test_id("record").inner_text()
    assert hashlib.sha256(text.encode()).hexdigest() == hash
    with page.expect_download() as download:
        page.get_by_test_id("download").click()
    assert download.value.suggested_filename == "record-1.json"
    assert hashlib.sha256(download.value.path().read_bytes()).hexdigest() == hash


def test_without_a_clipboard_the_hash_is_selected(page):
    """The person copies it themselves."""
    open_execution(page, 1)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')) }")
    press(page, "Copy the payload hash")
    assert page.evaluate("String(getSelection())") == "a" * 64


@pytest.mark.parametrize(("name", "tone"), [("ada", "wait"), ("root", "bad")])
def test_a_record_without_its_hash_alarms_whoever_sees_all_of_it(
    chromium, space_url, demo, name, tone
):
    """Others may be shown less than was hashed; for them it is no alarm."""
    demo.executions[1]["spoilt"] = " "
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, name=name)
        open_execution(page, 2)
        expect(page.get_by_test_id("recomputed")).to_have_attribute("data-tone", tone)
        expect(page.get_by_test_id("download")).to_have_count(0)


def test_what_is_erased_or_withheld_says_so(page, demo):
    """And the record of an erased payload still has its hash."""
    demo.executions[0]["erased"] = True
    demo.executions[1]["redacted"] = True
    open_execution(page, 1)
    expect(page.get_by_test_id("withheld")).to_contain_text("were erased")
    expect(page.get_by_test_id("recomputed")).to_have_attribute("data-tone", "good")
    page.get_by_test_id("after").click()
    expect(page.get_by_test_id("withheld")).to_contain_text("not for you to see")


def test_it_has_an_address_of_its_own(page, space_url):
    """With the same content, without script on the page's part, and with a way back."""
    page.goto(f"{space_url}/executions/2?project=demo")
    expect(page.get_by_test_id("execution")).to_contain_text("And two.")
    page.get_by_test_id("before").click()
    expect(page).to_have_url(re.compile("/executions/1"))
    expect(page.get_by_test_id("look")).to_have_count(0)
    page.get_by_test_id("back").click()
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")


def test_one_that_is_not_there_is_told(page, space_url, demo):
    """On its page as above the log."""
    page.goto(f"{space_url}/executions/9?project=demo")
    expect(page.get_by_role("alert")).to_have_text("This project has no execution 9.")
    page.get_by_role("link", name="To the Space").click()
    page.goto(f"{space_url}/?project=demo")
    expect(page.get_by_test_id("greeting")).to_be_visible()
    page.get_by_role("tab", name="Activity").click()
    link = page.get_by_role("link", name="Execution 4", exact=True)
    expect(link).to_be_visible()
    demo.executions.pop()
    link.click()
    expect(page.get_by_test_id("look")).to_contain_text("This project has no execution 4.")


def test_a_session_that_ends_is_asked_for_above_the_execution(page, fake):
    """Then it opens."""
    page.get_by_role("tab", name="Activity").click()
    expect(page.get_by_test_id("activity-row")).to_have_count(4)
    fake.tokens.clear()
    page.get_by_role("link", name="Execution 2", exact=True).click()
    dialog = page.get_by_test_id("session-ended")
    dialog.get_by_label("Username").fill("ada")
    dialog.get_by_label("Password").fill("correct horse")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("execution")).to_have_attribute("data-seq", "2")


def test_hostile_values_stay_text_and_nothing_is_wider_than_a_phone(chromium, space_url, demo):
    """Markup in inputs, reasons and names; long texts without a space."""
    long = "x" * 3000
    demo.record(
        HOSTILE, "ada", explanations=[HOSTILE, long], inputs={HOSTILE: long, "long": HOSTILE},
        request_id=long, approval={"id": HOSTILE, "deciders": [HOSTILE]},
        diff=[{"op": "add", "path": f"/memory/{long}", "value": HOSTILE}],
    )  # fmt: skip
    with watched(chromium, space_url, PHONE) as phone:
        sign_in(phone, space_url)
        phone.goto(f"{space_url}/executions/5?project=demo")
        expect(phone.get_by_test_id("execution")).to_contain_text("{{constructor}}${window.hit=1}")
        phone.get_by_text("All members").click()
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        phone.goto(f"{space_url}/?project=demo")
        expect(phone.get_by_test_id("greeting")).to_be_visible()
        open_execution(phone, 5)
        assert phone.evaluate("document.querySelector('.cs-look').scrollWidth") <= PHONE["width"]
        assert phone.evaluate("window.hit") is None


@pytest.mark.usefixtures("demo")
def test_without_a_session_there_is_the_door_or_a_refusal(space_url):
    """Browsers are led to sign in and back; scripts get a 401; nothing is cached."""
    asked = httpx.get(f"{space_url}/executions/2?project=demo", headers={"accept": "text/html"})
    door = "/login?next=%2Fexecutions%2F2%3Fproject%3Ddemo"
    assert (asked.status_code, asked.headers["location"]) == (303, door)
    for path in ("/executions/2", "/executions/2/record", "/audit", "/audit/verify"):
        assert httpx.get(f"{space_url}{path}?project=demo").status_code == 401
    part = httpx.get(f"{space_url}/executions/2?project=demo", headers=BEARER)
    assert "<html" not in part.text
    assert part.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in part.headers["content-security-policy"]
