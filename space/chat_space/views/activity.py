"""The Activity tab: the executions, newest first, filtered, a page at a time."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from chat_space import filters, render
from chat_space.client import ApiError, Caller
from chat_space.filters import Filters
from chat_space.previews import action_title, brief
from chat_space.views.desk import Space, guarded

Json = dict[str, Any]

PAGE = 25  # executions
MOST_ROWS = 1000  # that one page carries; `get_audit_log` and the API go on from there
LOOK_FOR = 5.0  # seconds in which further pages are asked for until one is full

COLUMNS = ("seq", "at", "who", "owner", "what", "action", "more", "status", "cost")

Answer = tuple[Any, Any, Any]  # the header, the table, and what the browser carries


@dataclass(frozen=True)
class Seen:
    """What the browser carries: the rows so far, where they go on, and the filters."""

    rows: tuple[Json, ...] = ()
    cursor: str | None = None
    wanted: Filters = field(default_factory=Filters)

    @classmethod
    def read(cls, carried: str | None) -> "Seen":
        """What was carried; what can't be read is as good as nothing."""
        try:
            kept = json.loads(carried or "{}")
            rows = tuple({key: row[key] for key in COLUMNS} for row in kept["rows"])
        except (ValueError, KeyError, TypeError):
            return cls()
        cursor = kept.get("cursor")
        wanted = Filters.read(kept.get("wanted"))
        return cls(rows, cursor if isinstance(cursor, str) else None, wanted)

    def text(self) -> str:
        """As the browser carries it."""
        kept = {"rows": self.rows, "cursor": self.cursor, "wanted": self.wanted.carried()}
        return json.dumps(kept, ensure_ascii=False)


@dataclass(frozen=True)
class Activity:
    """The tab's events."""

    space: Space

    @guarded
    async def open(self, project: str, carried: str, request: gr.Request) -> Answer:
        """Show the newest executions, filtered as before."""
        return await self._show(project, Seen(wanted=Seen.read(carried).wanted), request)

    @guarded
    async def filter(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Show the newest executions that fit what was chosen."""
        return await self._show(project, Seen(wanted=Filters.of(event)), request)

    @guarded
    async def older(self, project: str, carried: str, request: gr.Request) -> Answer:
        """Show one more page below those already there."""
        return await self._show(project, Seen.read(carried), request)

    async def _show(self, project: str, seen: Seen, request: gr.Request) -> Answer:
        if not project:
            return gr.skip(), render.nothing("You have no project yet."), ""
        try:
            caller = self.space.caller(request)
            registry, members = await asyncio.gather(
                caller.registry(project), caller.members(project)
            )
            seen, said = await _read_on(caller, project, seen, registry)
        except ApiError as error:
            if self.space.is_over(request, error):
                return render.ended(), gr.skip(), gr.skip()
            return gr.skip(), render.nothing(error.detail), gr.skip()
        told = {**_offered(seen, registry, members), "said": said, "project": project}
        return gr.skip(), render.activity(told, self.space.root), seen.text()


async def _read_on(caller: Caller, project: str, seen: Seen, registry: Json) -> tuple[Seen, str]:
    """The rows with a page more, and the sentence where what was chosen can't be asked for."""
    try:
        items, cursor = await page_of(caller, project, seen)
    except ApiError as error:
        if error.status != 422:
            raise
        return Seen(wanted=seen.wanted), error.detail
    rows = (*seen.rows, *(row_of(item, registry) for item in items))
    return Seen(rows, cursor if len(rows) < MOST_ROWS else None, seen.wanted), ""


async def page_of(caller: Caller, project: str, seen: Seen) -> tuple[list[Json], str | None]:
    """The next executions, a page of them where there are so many, and where they go on.

    The API looks at so much of the archive for each answer, whether that fits or not. So it is
    asked again while the page isn't full and a few seconds haven't gone by.
    """
    items: list[Json] = []
    cursor, asked, began = seen.cursor, seen.wanted.asked(), time.monotonic()
    while True:
        page = await caller.executions(project, PAGE - len(items), cursor, **asked)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None or len(items) >= PAGE or time.monotonic() - began > LOOK_FOR:
            return items, cursor


def _offered(seen: Seen, registry: Json, members: Json) -> Json:
    """What the template shows: the rows, and the filters with what there is to choose from."""
    wanted = seen.wanted
    return {
        "rows": seen.rows,
        "more": seen.cursor is not None,
        "wanted": wanted,
        "statuses": list(filters.STATUSES.items()),
        "actions": filters.actions(registry, seen.rows, wanted.action),
        "people": filters.people(members["items"], seen.rows, wanted.person),
    }


def row_of(execution: Json, registry: Json) -> Json:
    """One line of the table, with the ids of its action and of the person behind it."""
    principal = execution.get("principal", {})
    return {
        "seq": execution["seq"],
        "at": execution["at"],
        "who": execution.get("username") or principal.get("kind") or "unknown",
        "owner": principal.get("owner") or "",
        "what": action_title(execution["action"], registry),
        "action": execution["action"],
        "more": _more(execution, registry),
        "status": execution["status"],
        "cost": execution.get("cost"),
    }


def _more(execution: Json, registry: Json) -> str:
    """What it changed, or why it changed nothing."""
    if execution["status"] == "success":
        return brief(execution.get("diff") or [], registry)
    return " ".join(execution.get("explanations") or [])
