"""What a page stands on: who asks, which project, its registry and its state, freshly read."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from starlette.requests import HTTPConnection

from chat_space import render
from chat_space.auth import Door
from chat_space.cards import cards
from chat_space.client import ApiError, Caller

Json = dict[str, Any]

FIRST_CHOICE = ("harbor", "demo")  # the project to open where the address names none

# Scripts use the endpoints; the page's events are hidden, which protects nothing: the API decides.
# `multiple`, since an event that met the session's end is sent again before Gradio calls it done.
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """One reading of a project, as one caller sees it."""

    me: Json
    projects: list[Json]
    project: Json
    registry: Json
    state: Json
    forecast: Json | None = None

    @property
    def slug(self) -> str:
        """The project's slug."""
        return str(self.project["slug"])

    @property
    def governs(self) -> bool:
        """Whether the caller is shown the Admin tab. What they may do there the API decides."""
        return self.project.get("role") == "admin" or bool(self.me.get("admin"))

    def header(self, root: str) -> str:
        """The line on top, as HTML."""
        project = {**self.project, "version": self.state["version"]}
        return render.header(self.me, project, self.projects, root)

    def cards(self, changed: frozenset[str] = frozenset()) -> str:
        """The state, as HTML; the components in `changed` stand out."""
        shown = cards(self.registry, self.state["components"], changed)
        return render.state(shown, self.forecast)


async def read_desk(caller: Caller, wanted: str | None) -> Desk | None:
    """The wanted project's desk, the first choice's where none is wanted; None where it isn't."""
    me, projects = await asyncio.gather(caller.me(), projects_of(caller))
    project = choose(projects, wanted)
    if project is None:
        return None
    slug = project["slug"]
    registry, state, forecast = await asyncio.gather(
        caller.registry(slug), caller.state(slug), _forecast(caller, slug)
    )
    return Desk(me, projects, project, registry, state, forecast)


async def projects_of(caller: Caller) -> list[Json]:
    """All projects of the caller but the organization's own."""
    return [item for item in (await caller.projects())["items"] if item["slug"] != "system"]


async def _forecast(caller: Caller, project: str) -> Json | None:
    """Today's budget; None where it can't be told, for the page is whole without it."""
    try:
        return await caller.forecast(project)
    except ApiError:
        return None


def choose(projects: list[Json], wanted: str | None) -> Json | None:
    """The wanted project by slug or id, never another; where none is wanted, the first choice."""
    for name in (wanted,) if wanted else FIRST_CHOICE:
        for project in projects:
            if name in (project["slug"], project["id"]):
                return project
    return projects[0] if projects and not wanted else None


@dataclass(frozen=True)
class Space:
    """What every view needs: the door that knows callers, and the path prefix."""

    door: Door
    root: str

    def caller(self, request: gr.Request) -> Caller:
        """The API as whoever sent this event. Raises ApiError 401."""
        return self.door.caller(_connection(request))

    def is_over(self, request: gr.Request, error: ApiError) -> bool:
        """Whether `error` means that the session ended; then the next look asks the API again."""
        token = self.door.token_of(_connection(request))
        if token and error.status == 401:
            self.door.forget(token)
        return error.status == 401


def field(event: gr.EventData, name: str) -> str:
    """A text that the page's script sent along, or an empty one. It comes from the browser."""
    value = getattr(event, name, "")
    return value if isinstance(value, str) else ""


def _connection(request: gr.Request) -> HTTPConnection:
    """The HTTP request behind an event. Raises ApiError 401 for one that came without."""
    if request.request is None:
        raise ApiError(401, "unauthenticated", "Sign in first.")
    return request.request


def guarded[**P, T](event: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """An event handler whose unforeseen errors are logged, and shown as one plain sentence.

    Gradio would send a bare exception's text, whatever it holds, to the browser.
    """

    @functools.wraps(event)
    async def handle(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await event(*args, **kwargs)
        except Exception as error:
            log.exception("%s failed", event.__name__)
            sentence = "Something went wrong here. Reload the page; nothing confirmed is lost."
            raise gr.Error(sentence, print_exception=False) from error

    return handle
