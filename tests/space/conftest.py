"""A fake API on the wire and a whole Space in front of it, both real HTTP servers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from chat_space.main import create_app
from chat_space.settings import Settings
from playwright.sync_api import Browser, Page

from tests.space.browsing import administer, open_history, sign_in, watched
from tests.space.fake_api import FakeApi, fake_app
from tests.space.fake_world import Project
from tests.space.serving import Server

SECRET = "a key for tests, shared by all replicas"


@contextmanager
def replica(api_url: str, secret: str = SECRET) -> Iterator[str]:
    """One running copy of the Space; yields its address."""
    server = Server(create_app(Settings(api_url, secret))).start()
    try:
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="module")
def api_server() -> Iterator[tuple[FakeApi, str]]:
    fake = FakeApi()
    server = Server(fake_app(fake)).start()
    yield fake, server.url
    server.stop()


@pytest.fixture(scope="module")
def space_server(api_server: tuple[FakeApi, str]) -> Iterator[str]:
    with replica(api_server[1]) as url:
        yield url


@pytest.fixture
def fake(api_server: tuple[FakeApi, str]) -> FakeApi:
    """The fake API's state, fresh for each test."""
    api = api_server[0]
    api.__init__()  # type: ignore[misc]
    return api


@pytest.fixture
def space_url(space_server: str, fake: FakeApi) -> str:  # noqa: ARG001 - a fresh API behind it
    """A running Space; one a module is enough, for it keeps nothing between requests."""
    return space_server


@pytest.fixture
def harbor_page(chromium: Browser, space_url: str) -> Iterator[Page]:
    """An operator's browser on project Harbor."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, "harbor")
        yield page


@pytest.fixture
def demo_page(chromium: Browser, space_url: str) -> Iterator[Page]:
    """Ada's browser on project Demo; no script's error and no outside request is forgiven."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url)
        yield page


@pytest.fixture
def grown_demo(fake: FakeApi) -> Project:
    """The counter at 5, 15, 25 … 65, and a policy that was set; versions 1 to 8."""
    project = fake.projects["demo"]
    project.commit("r0", [{"action": "demo.counter.set", "inputs": {"value": 5}}], None)
    for number in range(1, 7):
        step = {"action": "demo.counter.increment", "inputs": {"amount": 10}}
        project.commit(f"r{number}", [step], None)
    project.record("project.policy.set", "root")
    return project


@pytest.fixture
def history_page(chromium: Browser, space_url: str, grown_demo) -> Iterator[Page]:  # noqa: ARG001 - its versions
    """An admin's browser on project Demo, looking at its history."""
    with watched(chromium, space_url) as page:
        sign_in(page, space_url, name="approver")
        open_history(page)
        yield page


@pytest.fixture
def admin(chromium: Browser, space_url: str) -> Iterator[Page]:
    """The Admin tab of an admin of the project."""
    with watched(chromium, space_url) as page:
        administer(page, space_url, "approver")
        yield page


@pytest.fixture
def root(chromium: Browser, space_url: str) -> Iterator[Page]:
    """The Admin tab of an admin of the organization."""
    with watched(chromium, space_url) as page:
        administer(page, space_url, "root")
        yield page
