"""The Approvals tab: what waits for the caller in all projects, and how requests here ended."""

import asyncio
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import render
from chat_space.client import ApiError, Caller
from chat_space.views.desk import Space, field, guarded, read_desk
from chat_space.views.votes import Told, cards_of, cast, ended

Json = dict[str, Any]

# What an event answers: the header, the project's state, the requests, and the tab's label.
Answer = tuple[Any, Any, Any, Any]

GONE = "This request isn't waiting any more."


@dataclass(frozen=True)
class Approvals:
    """The tab's events. Each reads the inbox anew; the browser only names a request."""

    space: Space

    @guarded
    async def count(self, request: gr.Request) -> Any:
        """The tab's label, with how many requests wait. A timer asks: it fails in silence."""
        try:
            return label(len((await self.space.caller(request).approvals())["items"]))
        except ApiError as error:
            self.space.is_over(request, error)
            return gr.skip()

    @guarded
    async def open(self, project: str, request: gr.Request) -> Answer:
        """Show what waits and what was decided."""
        try:
            return await self._shown(self.space.caller(request), project)
        except ApiError as error:
            return self._failed(request, error)

    @guarded
    async def decide(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Approve, reject or withdraw the event's request, as the API lists it now."""
        try:
            caller = self.space.caller(request)
            waiting = (await caller.approvals())["items"]
            named = (item for item in waiting if item["id"] == field(event, "card"))
            if (item := next(named, None)) is None:
                return await self._shown(caller, project, remark=GONE)
            told = await cast(caller, item, field(event, "verb"), field(event, "comment"))
            return await self._shown(caller, project, told)
        except ApiError as error:
            return self._failed(request, error)

    async def _shown(
        self, caller: Caller, project: str, told: Told | None = None, remark: str = ""
    ) -> Answer:
        """What was just decided comes first, then what waits, then how others ended."""
        desk, inbox, past = await asyncio.gather(
            read_desk(caller, project), caller.approvals(), ended(caller, project)
        )
        items = inbox["items"]
        cards = await cards_of(caller, items)
        if told:
            cards = told.before(cards)
            past = [item for item in past if item["id"] != told.card["id"]]
        html = render.approvals(cards, past, len(items), remark)
        top = (desk.header(self.space.root), desk.cards()) if desk else (gr.skip(), gr.skip())
        return *top, html, label(len(items))

    def _failed(self, request: gr.Request, error: ApiError) -> Answer:
        if self.space.is_over(request, error):
            return render.ended(), gr.skip(), gr.skip(), gr.skip()
        return gr.skip(), gr.skip(), render.nothing(error.detail), gr.skip()


def label(waiting: int) -> Any:
    """The tab with its label: "Approvals (2)"."""
    return gr.Tab(label=f"Approvals ({waiting})" if waiting else "Approvals")
