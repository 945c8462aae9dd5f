"""The admin of a stack in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from tests.stack import Stack


@contextmanager
def admins_page(stack: Stack, chromium: Browser, project: str) -> Iterator[Page]:
    """A page of the admin's own, signed in and on a project."""
    page = chromium.new_page()
    page.goto(f"{stack.space}/?project={project}")
    username, password = stack.login
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("greeting")).to_be_visible(timeout=15_000)
    yield page
    page.close()
