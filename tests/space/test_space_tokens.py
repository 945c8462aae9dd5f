"""API tokens in a real browser: made, shown once, listed, and revoked."""

import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.space.browsing import PHONE, press, sign_in, watched
from tests.space.fake_tokens import issue

pytestmark = pytest.mark.browser

HTML = {"accept": "text/html"}
KEPT = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, name])"
NAMELESS = """
[...document.querySelectorAll(':is(input:not([type=hidden]), select, textarea)')]
  .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.outerHTML)
"""


def open_tokens(page: Page) -> None:
    """Open the page of tokens from the account's menu."""
    page.get_by_test_id("who").click()
    page.get_by_role("link", name="API tokens").click()
    expect(page.get_by_test_id("tokens")).to_be_visible()


@pytest.fixture
def page(chromium: Browser, space_url: str) -> Iterator[Page]:
    """Ada's page of tokens."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        open_tokens(page)
        yield page


def make(page: Page, name: str) -> None:
    """Fill in the name and make the token."""
    page.get_by_label("Name").fill(name)
    press(page, "Make token")


def test_without_a_token_the_page_says_what_one_is_for(page):
    """And where to make one; back leads to the project one came from."""
    expect(page.get_by_test_id("no-tokens")).to_contain_text("make one below")
    page.get_by_test_id("back").click()
    expect(page.get_by_test_id("project-title")).to_have_text("Demo")


def test_a_token_is_made_as_chosen_and_listed_by_name(page, fake):
    """Scopes have plain words; projects are named; the days are asked for as typed."""
    page.get_by_role("checkbox", name=re.compile("^Execute")).uncheck()
    page.get_by_role("checkbox", name=re.compile("^Approve Decide about what others")).check()
    page.get_by_label("Only some").check()
    page.get_by_role("checkbox", name="Harbor").check()
    page.get_by_label("Days until it ends").fill("7")
    make(page, "nightly <b>report</b>")
    asked = {"name": "nightly <b>report</b>", "scopes": ["read", "approve"], "days": 7}
    [sent] = [body for body in fake.bodies("/tokens") if body]
    assert sent == asked | {"projects": ["id-harbor"]}
    row = page.get_by_test_id("token")
    expect(row).to_contain_text("nightly <b>report</b>")
    expect(row).to_contain_text("read, approve · Harbor")
    expect(row).to_contain_text("never used · ends")


def test_the_text_is_shown_once_with_copy_and_an_example(page, fake):
    """What is copied is the text; the sentence says that it won't be shown again."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    make(page, "deploy")
    made, text = page.get_by_test_id("new-token"), fake.issued[0]["text"]
    expect(made).to_be_focused()
    expect(made).to_contain_text("it won’t be shown again")
    expect(made.get_by_test_id("token-text")).to_have_text(text)
    press(page, "Copy")
    expect(made).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == text
    expect(made).to_contain_text(f'curl -H "Authorization: Bearer $CHAT_AGENT_TOKEN" {fake.url}')
    expect(made).to_contain_text('api_name="/get_registry"')


def test_without_a_clipboard_the_text_is_selected(page, fake):
    """Ctrl-C then copies it."""
    make(page, "deploy")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')) }")
    press(page, "Copy")
    expect(page.get_by_test_id("new-token")).to_contain_text("It is selected")
    assert page.evaluate("String(getSelection())").strip() == fake.issued[0]["text"]


@pytest.mark.parametrize("leave", ["reload", "back and forth", "other page"])
def test_the_text_is_gone_afterwards(page, fake, space_url, leave, caplog):
    """From the page, the browser's storage, the log, and the Space's other pages; made once."""
    caplog.set_level(logging.DEBUG)
    make(page, "deploy")
    expect(page.get_by_test_id("token-text")).to_be_visible()
    text = fake.issued[0]["text"]
    if leave == "reload":
        page.reload()
    elif leave == "back and forth":
        page.goto(f"{space_url}/password")
        page.go_back()
    else:
        page.get_by_test_id("back").click()
        expect(page.get_by_test_id("greeting")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(text)
    seen = [page.evaluate(KEPT), page.content(), str(page.context.cookies()), caplog.text]
    assert [kept for kept in seen if text in kept] == []
    assert len(fake.issued) == 1


def test_a_form_that_is_sent_twice_makes_one_token(space_url, fake):
    """The second answer says that it was made before, and doesn't show the text again."""
    with httpx.Client(base_url=space_url, headers=HTML) as browser:
        browser.post("/login", data={"username": "ada", "password": "correct horse"})
        form = {"verb": "create", "key": "k", "name": "a", "scope": "read", "days": "9"}
        first, again = (browser.post("/tokens", data=form) for _ in range(2))
    assert fake.issued[0]["text"] in first.text
    assert "made before" in again.text
    assert fake.issued[0]["text"] not in again.text
    assert len(fake.issued) == 1
    assert first.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in first.headers["content-security-policy"]


def test_what_is_lacking_is_said_and_the_form_stays_filled(page, fake):
    """No project of some, no scope, and what the API refuses, each in a sentence."""
    note = page.get_by_test_id("note-told")
    page.get_by_label("Only some").check()
    make(page, "deploy")
    expect(note).to_have_text("Choose at least one project, or all of them.")
    expect(page.get_by_label("Name")).to_have_value("deploy")
    expect(page.get_by_label("Only some")).to_be_checked()
    page.get_by_label("All my projects").check()
    for scope in ("Read", "Execute"):
        page.get_by_role("checkbox", name=re.compile(f"^{scope}")).uncheck()
    press(page, "Make token")
    expect(note).to_have_text("Choose at least one thing that the token may do.")
    page.get_by_role("checkbox", name=re.compile("^Admin")).check()
    make(page, "too much")
    expect(note).to_have_text("You may not do this. Ask an admin.")
    assert fake.issued == []


def test_a_token_is_revoked_after_a_second_look(page, fake):
    """One press opens the question, the second revokes; what ended is listed apart."""
    issue(fake, "ada", last_used_at="2026-11-23T10:00:00Z", projects=["id-demo", "id-gone"])
    issue(fake, "ada", name="old one", days=-1)
    page.reload()
    row = page.get_by_test_id("token").first
    expect(row).to_contain_text("Demo, 1 that is gone")
    expect(row).to_contain_text("last used 23 Nov 10:00")
    page.get_by_label("Revoke nightly report", exact=True).press("Enter")
    expect(row).to_contain_text("stops working at once")
    assert fake.issued[0]["revoked_at"] is None
    page.get_by_label("Revoke nightly report for good").press("Enter")
    expect(page.get_by_test_id("note-told")).to_contain_text("“nightly report” is revoked")
    assert fake.issued[0]["revoked_at"]
    page.get_by_text("2 that ended").click()
    expect(page.get_by_test_id("over")).to_contain_text("expired")
    expect(page.get_by_test_id("over")).to_contain_text("revoked")


def test_admins_see_and_revoke_everybodys(chromium, space_url, fake, page):
    """With their owners; others are offered no such view."""
    issue(fake, "ada")
    expect(page.get_by_role("link", name="Everybody’s")).to_have_count(0)
    with watched(chromium, space_url) as root:
        sign_in(root, space_url, name="root")
        open_tokens(root)
        expect(root.get_by_test_id("token")).to_have_count(0)
        root.get_by_role("link", name="Everybody’s").click()
        expect(root.get_by_test_id("token")).to_contain_text("ada")
        root.get_by_label("Revoke nightly report", exact=True).click()
        root.get_by_label("Revoke nightly report for good").click()
        expect(root.get_by_test_id("note-told")).to_contain_text("is revoked")
        expect(root.get_by_test_id("no-tokens")).to_contain_text("Nobody here")
    assert fake.issued[0]["revoked_at"]


def test_more_than_a_page_of_tokens_leads_on(page, fake):
    """Fifty at a time, newest first."""
    for number in range(51):
        issue(fake, "ada", name=f"token {number}")
    page.reload()
    expect(page.get_by_test_id("token")).to_have_count(50)
    page.get_by_test_id("older").click()
    expect(page.get_by_test_id("token")).to_contain_text("token 0")


def test_the_menu_is_reached_and_left_by_keyboard(page):
    """Enter opens it, Escape closes it and gives the focus back."""
    page.get_by_test_id("back").click()
    who = page.get_by_test_id("who")
    expect(page.get_by_test_id("greeting")).to_be_visible()
    who.press("Enter")
    expect(page.get_by_role("link", name="Change password")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Change password")).not_to_be_visible()
    expect(who).to_be_focused()


def test_every_field_has_a_name_and_a_phone_shows_it_all(chromium, space_url, page, fake):
    """Labels for whoever listens; no line is wider than the screen."""
    assert page.evaluate(NAMELESS) == []
    with watched(chromium, space_url, PHONE) as phone:
        fake.users["l" * 128] = "correct horse"
        sign_in(phone, space_url, name="l" * 128)
        open_tokens(phone)
        make(phone, "a-name-without-any-space-" * 4)
        expect(phone.get_by_test_id("token-text")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        phone.get_by_test_id("back").click()
        expect(phone.get_by_test_id("greeting")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        expect(phone.get_by_test_id("sign-out")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_a_session_the_page_leads_to_the_door_and_back(space_url, fake, method):
    """Nobody who hasn't signed in, nor whose password is due, comes to see it."""
    with httpx.Client(base_url=space_url, headers=HTML) as browser:
        asked = browser.request(method, "/tokens")
        assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2Ftokens")
        fake.due.add("ada")
        browser.post("/login", data={"username": "ada", "password": "correct horse"})
        assert browser.request(method, "/tokens").headers["location"] == "/password"


def test_another_sites_form_makes_no_token(space_url, fake):
    """A foreign Origin is refused before the API is asked."""
    headers = HTML | {"authorization": "Bearer script-token", "origin": "https://evil.test"}
    form = {"verb": "create", "name": "a", "scope": "read", "days": "9"}
    answer = httpx.post(f"{space_url}/tokens", data=form, headers=headers)
    assert (answer.status_code, fake.issued) == (403, [])
