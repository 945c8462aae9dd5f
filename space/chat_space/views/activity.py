"""The Activity tab: the executions, newest first, a page at a time."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import render
from chat_space.client import ApiError
from chat_space.previews import action_title
from chat_space.views.desk import Space, guarded

Json = dict[str, Any]

PAGE = 25  # executions
MOST_ROWS = 1000  # that one page carries; `get_audit_log` and the API go on from there

COLUMNS = ("seq", "at", "who", "what", "why", "status", "cost")

Answer = tuple[Any, Any, Any]  # the header, the table, and the carried rows


@dataclass(frozen=True)
class Activity:
    """The tab's events."""

    space: Space

    @guarded
    async def open(self, project: str, request: gr.Request) -> Answer:
        """Show the newest executions."""
        return await self._show(project, [], None, request)

    @guarded
    async def older(self, project: str, carried: str, request: gr.Request) -> Answer:
        """Show one more page below those already there."""
        rows, cursor = read_rows(carried)
        return await self._show(project, rows, cursor, request)

    async def _show(
        self, project: str, rows: list[Json], cursor: str | None, request: gr.Request
    ) -> Answer:
        if not project:
            return gr.skip(), render.nothing("You have no project yet."), ""
        try:
            caller = self.space.caller(request)
            page = await caller.executions(project, PAGE, cursor)
            registry = await caller.registry(project)
        except ApiError as error:
            if self.space.is_over(request, error):
                return render.ended(), gr.skip(), gr.skip()
            return gr.skip(), render.nothing(error.detail), gr.skip()
        rows = [*rows, *(row_of(item, registry) for item in page["items"])]
        cursor = page["next_cursor"] if len(rows) < MOST_ROWS else None
        carried = json.dumps({"rows": rows, "cursor": cursor}, ensure_ascii=False)
        return gr.skip(), render.activity(rows, more=cursor is not None), carried


def row_of(execution: Json, registry: Json) -> Json:
    """One line of the table: `{"seq", "at", "who", "what", "why", "status", "cost"}`."""
    principal = execution.get("principal", {})
    return {
        "seq": execution["seq"],
        "at": execution["at"],
        "who": execution.get("username") or principal.get("kind") or "unknown",
        "what": action_title(execution["action"], registry),
        "why": " ".join(execution.get("explanations") or []),
        "status": execution["status"],
        "cost": execution.get("cost"),
    }


def read_rows(carried: str | None) -> tuple[list[Json], str | None]:
    """The rows and the cursor the browser carried; what can't be read is as good as nothing."""
    try:
        kept = json.loads(carried or "{}")
        rows = [{key: row[key] for key in COLUMNS} for row in kept["rows"]]
    except (ValueError, KeyError, TypeError):
        return [], None
    cursor = kept.get("cursor")
    return rows, cursor if isinstance(cursor, str) else None
