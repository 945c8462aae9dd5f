"""The History tab: the project at any version or moment, and the way back to it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import past, proposals, render, searching, thread
from chat_space.client import ApiError, Caller
from chat_space.views.desk import Space, field, guarded

Json = dict[str, Any]

WORK = "work"  # the tab's id
MOST_PAGES = 10  # of the audit log that are looked through for one execution

LONGEST = 16  # digits of a version
NO_MOMENT = "There is no such moment. Choose a date and a time, UTC, of the years 1 to 9999."

Answer = tuple[Any, Any]  # the header, and the version that is shown
Proposed = tuple[Any, Any, Any, Any]  # header, conversation, carried thread, the tab to go to


@dataclass(frozen=True)
class History:
    """The tab's events. Each reads the API as the caller; none remembers anything."""

    space: Space

    @guarded
    async def open(self, project: str, request: gr.Request) -> Answer:
        """Show the version in force."""
        return await self._show(project, {}, request)

    @guarded
    async def look(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Show the version, or the moment, that was chosen."""
        version, at = _version(event), field(event, "at")
        wanted: Json = {"at": past.end_of(at)} if at else {}
        if version is not None:
            wanted = {"version": version}
        return await self._show(project, wanted, request)

    @guarded
    async def back(
        self, event: gr.EventData, project: str, carried: str, request: gr.Request
    ) -> Proposed:
        """Propose to go back to a version, in the conversation: it is confirmed like all else."""
        version = _version(event)
        if version is None:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()
        turns = [*thread.read(carried), thread.you(f"go back to version {version}")]
        try:
            turns.append(await _proposal(self.space.caller(request), project, version))
        except ApiError as error:
            if self.space.is_over(request, error):
                return render.ended(), gr.skip(), gr.skip(), gr.skip()
            turns.append(thread.agent(error.detail))
        shown, carried = render.conversation(turns), thread.write(turns)
        return gr.skip(), shown, carried, gr.Tabs(selected=WORK)

    async def _show(self, project: str, wanted: Json, request: gr.Request) -> Answer:
        if not project:
            return gr.skip(), render.nothing("You have no project yet.")
        try:
            caller = self.space.caller(request)
            now, registry, me = await asyncio.gather(
                caller.project(project), caller.registry(project), caller.me()
            )
            now["paused"] = now["paused"] or bool(me["organization"].get("paused"))
            return gr.skip(), await self._told(caller, now, registry, wanted)
        except ApiError as error:
            if self.space.is_over(request, error):
                return render.ended(), gr.skip()
            return gr.skip(), render.nothing(error.detail)

    async def _told(self, caller: Caller, now: Json, registry: Json, wanted: Json) -> str:
        """The version as HTML; where it can't be read, the sentence in its place."""
        slug, latest = now["slug"], now["version"]
        version = min(wanted.get("version", latest), latest)
        asked = wanted if "at" in wanted else {"version": version}
        view = {"root": self.space.root, "project": slug, "said": "", "found": True}
        try:
            state = await caller.state(slug, **asked)
            moment = past.Moment(state, await _maker_of(caller, slug, state))
        except ApiError as error:
            if error.status not in (404, 410, 422):
                raise
            nothing = past.Moment({"version": version, "at": None, "components": {}}, None)
            shown = {**past.told(nothing, now, registry), "may_go_back": False}
            said = NO_MOMENT if error.status == 422 else error.detail
            return render.history({**shown, **view, "said": said, "found": "at" not in wanted})
        return render.history({**past.told(moment, now, registry), **view})


def _version(event: gr.EventData) -> int | None:
    """The version that the page's script sent along; None where it sent none."""
    version = field(event, "version")
    return int(version) if version.isdecimal() and len(version) <= LONGEST else None


async def _proposal(caller: Caller, project: str, version: int) -> Json:
    """The card that goes back to a version."""
    steps = past.going_back(version)
    preview, registry, state = await asyncio.gather(
        caller.preview(project, steps), caller.registry(project), caller.state(project)
    )
    return proposals.propose(project, steps, preview, registry, state["components"])


async def _maker_of(caller: Caller, project: str, state: Json) -> Json | None:
    """The execution that made a version; a plan's steps, at one moment, made one each."""
    if not state["at"]:
        return None

    def made(item: Json) -> bool:
        return bool(item.get("version") == state["version"])

    span = past.span_of(state["at"])
    return await searching.success(caller, project, made, MOST_PAGES, 50, **span)
