"""The api function, called in process with v2 events against a real database."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from control_plane import settings
from control_plane.api import shared
from control_plane.store import Store
from handlers import api

from infra.local import bootstrap
from infra.local.events import read_result
from tests.conftest import ADMIN_PASSWORD, Database
from tests.handlers import described
from tests.handlers.events import Context, event
from tests.handlers.gateway import InProcess
from tests.handlers.people import PASSWORDS, People


@dataclass
class Answer:
    """What the function answered."""

    status: int
    headers: dict[str, str]
    body: Any


type Call = Callable[..., Answer]


@pytest.fixture
def call(database: Database, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the api function: `call("GET", "/v1/me", token=...)`.

    Whatever a test is about, its answers must be such as the API's description tells of.
    """
    monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", database.app)
    for cached in (settings.settings, shared.store, shared.archived):
        cached.cache_clear()
    bootstrap.seed(Store(database.app), ADMIN_PASSWORD)

    def invoke(method: str, url: str, *more: Any, seconds: float = 28.0, **named: Any) -> Answer:
        answered = api.handler(event(method, url, *more, **named), Context(seconds))
        body = read_result(answered).body.decode() or None
        if body and "json" in answered["headers"]["Content-Type"].partition("x-ndjson")[0]:
            body = json.loads(body)
        answer = Answer(answered["statusCode"], answered["headers"], body)
        described.check(method, urlsplit(url).path, answer.status, answer.headers, body)
        return answer

    return invoke


@pytest.fixture
def token(call: Call) -> str:
    """The token of a signed-in admin."""
    answer = call("POST", "/v1/auth/login", {"username": "admin", "password": ADMIN_PASSWORD})
    return str(answer.body["token"])


@pytest.fixture
def client(token: str) -> httpx.Client:
    """An HTTP client of all functions behind their routes, signed in as an admin."""
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(transport=InProcess(), base_url="http://gateway", headers=headers)


@pytest.fixture
def people(call: Call, database: Database) -> People:
    """Project Harbor with its people and its policy."""
    store = Store(database.app)
    org = bootstrap.seed(store, ADMIN_PASSWORD)
    names = {"slug": "harbor", "title": "Harbor", "template": "harbor"}
    bootstrap._project(store, org, names)
    bootstrap.govern_harbor(store, org, PASSWORDS)
    store.disconnect()
    return People(call)
