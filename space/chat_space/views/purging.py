"""Purging a project, after which the page goes on with another one."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from chat_space import notes, render
from chat_space.client import ApiError, Caller
from chat_space.views.admin import lifecycle, members, policy
from chat_space.views.desk import Space, field, guarded, read_desk
from chat_space.views.forms import Forms
from chat_space.views.work import Work

Json = dict[str, Any]

# Header, the Admin tab's three parts, then the Work tab: state, conversation, project and thread.
Answer = tuple[Any, ...]


@dataclass(frozen=True)
class Purging:
    """The event, which changes the whole page where it succeeds, and one card where it doesn't."""

    space: Space

    @guarded
    async def purge(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Purge the project if its slug was typed, and go on with the first choice of the rest."""
        typed = field(event, "slug").strip()
        outcome: list[Json] = []

        async def ask(caller: Caller) -> Json:
            done = await caller.purge(project, typed)
            outcome.append(done)
            return notes.of_execution(done, f"{project} is purged.")

        part = partial(self._part, project, outcome)
        header, shown = await Forms(self.space).answer(request, project, ask, part)
        if not _is_gone(outcome):
            return header, shown, *[gr.skip() for _ in range(6)]
        header, *rest = await Work(self.space).open("", request)
        return header, shown, *await self._others(request), *rest

    async def _part(
        self, project: str, outcome: list[Json], caller: Caller, note: Json | None
    ) -> str:
        """The card of the project, or of the one that the page goes on with."""
        if not _is_gone(outcome):
            return await lifecycle(project, caller, note)
        desk = await read_desk(caller, "")
        if desk and note:
            note["text"] += f" You are in {desk.project['title']} now."
        return await lifecycle(desk.slug if desk and desk.governs else "", caller, note)

    async def _others(self, request: gr.Request) -> tuple[str, str]:
        """Members and policy of the project to go on with; nothing where the caller may not."""
        try:
            caller = self.space.caller(request)
            desk = await read_desk(caller, "")
            if desk is None or not desk.governs:
                return "", ""
            return await members(desk.slug, caller, None), await policy(desk.slug, caller, None)
        except ApiError as error:
            return render.nothing(error.detail), ""


def _is_gone(outcome: list[Json]) -> bool:
    return bool(outcome) and outcome[0]["status"] == "success"
