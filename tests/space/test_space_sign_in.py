"""Signing in: what people are told, what the browser is given, and what it never sees."""

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from chat_space.auth import COOKIE
from chat_space.main import create_app
from chat_space.settings import Settings
from chat_space.wire import in_words
from playwright.sync_api import expect

from tests.space.browsing import say, sign_in, sign_in_again, watched
from tests.space.conftest import SECRET, replica
from tests.space.serving import Server

HTML = {"accept": "text/html"}
ADA = {"username": "ada", "password": "correct horse"}
KEPT = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, name])"


@pytest.fixture
def browser(space_url) -> Iterator[httpx.Client]:
    """What a browser's navigation sends; follows no redirect."""
    with httpx.Client(base_url=space_url, headers=HTML) as client:
        yield client


def test_a_disabled_account_is_told_whom_to_ask(fake, browser):
    """In the words of a wrong password, so that no stranger learns which accounts there are."""
    fake.disabled.add("ada")
    disabled = browser.post("/login", data=ADA)
    wrong = browser.post("/login", data=ADA | {"password": "no"})
    assert (disabled.status_code, disabled.text) == (401, wrong.text)
    assert "may be disabled: ask an admin" in disabled.text


@pytest.mark.parametrize("page", ["/login", "/password"])
def test_a_back_off_says_how_long_to_wait(fake, browser, page):
    """In words for people, as Retry-After for programs."""
    browser.post("/login", data=ADA)
    fake.throttled = 32
    form = ADA | {"current_password": "no", "new_password": "n3w", "again": "n3w"}
    answer = browser.post(page, data=form)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "32")
    assert "Too many attempts. Try again in 32 seconds." in answer.text


def test_waits_are_told_as_people_say_them():
    """Rounded up, for a wait that is told too short is a second refusal."""
    told = [in_words(seconds) for seconds in (1, 60, 90, 121)]
    assert told == ["1 second", "60 seconds", "2 minutes", "3 minutes"]


def test_a_forced_password_change_says_why_and_lets_nobody_past(fake, browser):
    """The page tells that nothing else opens; not even a link inside leads elsewhere."""
    fake.due.add("ada")
    browser.post("/login", data=ADA)
    page = browser.get("/password").text
    assert "Choose your own to go on; everything else stays shut until then." in page
    assert "at least 12 characters" in page
    assert '">Back</a>' not in page
    assert browser.get("/?project=demo").headers["location"] == "/password"


def test_a_session_that_ended_leads_to_the_door_which_says_so(fake, browser, api_server):
    """Once: the dead cookie is taken, so the next visit is a plain one. A form meets the same."""
    browser.post("/login", data=ADA)
    fake.tokens.clear()
    form = {"current_password": "x", "new_password": "y", "again": "y"}
    assert browser.post("/password", data=form).headers["location"] == "/login?next=%2Fpassword"
    kept: dict[str, Any] = {"headers": HTML, "cookies": dict(browser.cookies)}
    with replica(api_server[1]) as url:  # one that doesn't remember the session
        assert httpx.get(url, **kept).headers["location"] == "/login"
        door = httpx.get(f"{url}/login", **kept)
        assert "Your session has ended. Sign in again" in door.text
        assert f'{COOKIE}=""' in door.headers["set-cookie"]
    assert "Your session has ended" not in httpx.get(f"{browser.base_url}/login").text


@pytest.fixture
def behind_proxy(api_server, fake):  # noqa: ARG001 - a fresh API behind it
    """Makes a Space that trusts these proxies; each is stopped at the end."""
    servers = []

    def made(trusted: str) -> str:
        servers.append(
            Server(create_app(Settings(api_server[1], SECRET, trusted_proxies=trusted))).start()
        )
        return servers[-1].url

    yield made
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("trusted", "sent", "secure"),
    [
        ("127.0.0.0/8", "https", True),
        ("127.0.0.0/8", "https, http", True),
        ("*", "https", True),
        ("127.0.0.0/8", "http", False),
        ("192.0.2.1", "https", False),
    ],
)
def test_behind_tls_the_cookie_is_secure_if_a_trusted_proxy_says_so(
    behind_proxy, trusted, sent, secure
):
    """With it comes the header that keeps browsers on TLS; anybody else's word counts nothing."""
    url = behind_proxy(trusted)
    answer = httpx.post(f"{url}/login", data=ADA, headers=HTML | {"x-forwarded-proto": sent})
    cookie = answer.headers["set-cookie"].lower()
    assert ("; secure" in cookie) is secure
    assert ("strict-transport-security" in answer.headers) is secure
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.browser
def test_the_sessions_token_never_reaches_the_browser_or_a_log(chromium, space_url, fake, caplog):
    """Neither what the page keeps, nor its text, nor any answer, nor the log holds it."""
    caplog.set_level(logging.DEBUG)
    with watched(chromium, space_url) as page:
        answers: list[str] = []
        page.on(
            "response", lambda answer: answers.append(str(answer.headers) + str(answer.request.url))
        )
        sign_in(page, space_url)
        say(page, "add 3")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("plan-badge")).to_have_text("Done")
        [token] = [token for token, name in fake.tokens.items() if token != "script-token"]
        [cookie] = page.context.cookies()
        bodies = [page.request.get(space_url + path).text() for path in ("/", "/config", "/tokens")]
        seen = [page.evaluate(KEPT), page.content(), str(cookie), *answers, *bodies, caplog.text]
        assert [text for text in seen if token in text] == []
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Lax")
        assert COOKIE not in page.evaluate("document.cookie")


@pytest.mark.browser
def test_a_session_revoked_under_an_open_page_asks_to_sign_in_after_a_reload(
    chromium, space_url, fake
):
    """A dialog on top of the page, no error; who signs in goes on where they were."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        fake.tokens.clear()
        page.reload()
        sign_in_again(page)
        expect(page.get_by_test_id("project-title")).to_have_text("Demo")
