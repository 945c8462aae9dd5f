"""How tests browse the Space: as somebody, in a page where nothing may go wrong."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1360, "height": 860}


@contextmanager
def watched(chromium: Browser, url: str, viewport: ViewportSize = DESKTOP) -> Iterator[Page]:
    """A page of its own; no script's error and no outside request is forgiven at the end."""
    context = chromium.new_context(viewport=viewport, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda sent: (
            None if sent.url.startswith((url, "data:", "blob:")) else wrong.append(sent.url)
        ),
    )
    yield page
    context.close()
    assert wrong == []


def sign_in(page: Page, url: str, project: str = "demo", name: str = "ada") -> None:
    """Open the project through the sign-in page."""
    page.goto(f"{url}/?project={project}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("greeting")).to_be_visible(timeout=15_000)


def sign_in_again(page: Page, name: str = "ada") -> None:
    """Go on by the dialog that tells of the session's end."""
    dialog = page.get_by_test_id("session-ended")
    dialog.get_by_label("Username").fill(name)
    dialog.get_by_label("Password").fill("correct horse")
    dialog.get_by_role("button", name="Sign in").click()


def say(page: Page, text: str) -> None:
    """Type a message and send it."""
    page.get_by_test_id("message-box").fill(text)
    page.get_by_test_id("send").click()


def press(page: Page, name: str) -> None:
    """Press the page's last visible button of this name."""
    page.get_by_role("button", name=name, exact=True).last.click()


def fields(page: Page) -> Locator:
    """The fields of the latest form of inputs."""
    return page.get_by_test_id("edit-form").last.locator(".cs-field")


def badges(page: Page) -> list[str]:
    """All cards' badges."""
    return page.get_by_test_id("plan-badge").all_inner_texts()


def administer(page: Page, url: str, name: str) -> None:
    """Sign in and open the Admin tab."""
    sign_in(page, url, "harbor", name)
    page.get_by_role("tab", name="Admin").click()
    expect(page.get_by_test_id("admin-policy")).to_be_visible()


def open_history(page: Page) -> None:
    """Show the newest version."""
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_test_id("made")).to_be_visible()


def choose(page: Page, version: int | str) -> None:
    """Type a version's number."""
    page.get_by_test_id("version-number").fill(str(version))


def expect_no_way_back(page: Page) -> None:
    """Version 3 is shown, and going back to it isn't offered."""
    open_history(page)
    choose(page, 3)
    expect_counter(page, 25)
    expect(page.get_by_test_id("go-back")).to_have_count(0)


def expect_counter(page: Page, value: int) -> None:
    """The counter as the version shows it."""
    card = page.get_by_test_id("history").get_by_test_id("state-card").first
    expect(card).to_contain_text(re.compile(rf"\b{value}\b"))


def top(part: Locator) -> float:
    """Where a part of the page begins, in pixels below the window's upper edge."""
    return float(part.evaluate("part => part.getBoundingClientRect().top"))


def bottom(part: Locator) -> float:
    """Where it ends."""
    return float(part.evaluate("part => part.getBoundingClientRect().bottom"))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; ten seconds at most."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
