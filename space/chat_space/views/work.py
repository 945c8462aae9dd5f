"""The Work tab: state on one side, the conversation on the other."""

import asyncio
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import proposals, render, thread
from chat_space.client import ApiError, Caller
from chat_space.suggestions import suggest
from chat_space.views.desk import Desk, Space, field, guarded, projects_of, read_desk
from chat_space.views.verbs import VERBS, followed

Json = dict[str, Any]

# What an event answers: header, state, conversation, and the carried project and thread.
Answer = tuple[Any, Any, Any, Any, Any]

NO_PROJECT: Json = {"title": "No project", "slug": "", "version": None, "role": None}
NOT_A_MEMBER = "You have no project yet. An admin can make you a member of one."
FIRST_PROJECT = "There is no project yet. Make one under Admin."
NOT_HERE = "There is no such project, or you may not see it. Choose another one at the top."

LONGEST = 4000  # characters of a message
TOO_LONG = f"That is too long: write at most {LONGEST:,} characters."


@dataclass(frozen=True)
class Work:
    """The tab's events. Each reads the API as the caller; none remembers anything."""

    space: Space

    @guarded
    async def open(self, project: str, request: gr.Request) -> Answer:
        """Show the project that the address names; the first choice where it names none."""
        try:
            caller = self.space.caller(request)
            desk = await read_desk(caller, project)
            if desk is None:
                return await self._nowhere(caller, project)
        except ApiError as error:
            return self._failed(request, error, [])
        return self._answer(desk, [thread.hello(suggest(desk.registry))])

    async def _nowhere(self, caller: Caller, wanted: str) -> Answer:
        """Why no project is open, and a choice of those there are. Raises ApiError."""
        me, projects = await asyncio.gather(caller.me(), projects_of(caller))
        header = render.header(me, NO_PROJECT, projects, self.space.root)
        none_yet = FIRST_PROJECT if me["admin"] else NOT_A_MEMBER
        shown = render.nothing(NOT_HERE if projects else none_yet), render.nothing("")
        return header, *shown, wanted if projects else "", "[]"

    @guarded
    async def refresh(self, project: str, request: gr.Request) -> tuple[Any, Any]:
        """Read the state again, when somebody comes back to the page."""
        try:
            desk = await read_desk(self.space.caller(request), project)
        except ApiError as error:
            over = self.space.is_over(request, error)
            return (render.ended() if over else gr.skip()), gr.skip()
        return (desk.header(self.space.root), desk.cards()) if desk else (gr.skip(), gr.skip())

    @guarded
    async def say(
        self, event: gr.EventData, project: str, carried: str, request: gr.Request
    ) -> Answer:
        """Pass a message on to the agent and show what it proposes."""
        text = str(event.text).strip()
        turns = [*thread.read(carried), thread.you(text)]
        if len(text) > LONGEST:
            return _shown([*turns, thread.agent(TOO_LONG)])
        try:
            caller = self.space.caller(request)
            answer = await caller.chat(project, text)
            desk = await _desk_of(caller, project)
            turns = await followed(caller, project, turns)
        except ApiError as error:
            return self._failed(request, error, turns)
        return self._answer(desk, [*turns, *heard(answer, turns, desk)])

    @guarded
    async def decide(
        self, event: gr.EventData, project: str, carried: str, request: gr.Request
    ) -> Answer:
        """Confirm, discard or withdraw the event's card, or use a plan that it offers."""
        turns, verb = thread.read(carried), field(event, "verb")
        card = thread.find_card(turns, field(event, "card"))
        if card is None or not _allows(card, verb):
            return _shown(turns)
        if verb not in VERBS:
            return _shown(thread.replace_card(turns, proposals.discard(card)))
        try:
            caller = self.space.caller(request)
            after, new, executions = await VERBS[verb](caller, card, field(event, "given"))
            desk = await _desk_of(caller, project)
            turns = [*thread.replace_card(turns, after), *(_card(*each, desk) for each in new)]
            turns = await followed(caller, project, turns)
        except ApiError as error:
            return await self._not_done(request, error, card, turns, verb)
        return self._answer(desk, turns, proposals.touched(executions))

    async def _not_done(
        self, request: gr.Request, error: ApiError, card: Json, turns: list[Json], verb: str
    ) -> Answer:
        if error.status == 401:
            return self._failed(request, error, turns)
        caller = self.space.caller(request)
        if error.code == "confirmation_stale" and "preview" in error.members:
            desk = await _desk_of(caller, card["project"])
            now = _card(card["ask"], error.members["preview"], card["replaces"], desk)
            turns = [*thread.replace_card(turns, proposals.overtake(card, now)), now]
            return self._answer(desk, await followed(caller, card["project"], turns))
        conflict = verb == "confirm" and error.status == 409
        if conflict:  # an answer: whatever was tried before, it did not run
            turns = thread.replace_card(turns, {**card, "status": "open"})
        turns = await followed(caller, card["project"], turns)
        current = thread.find_card(turns, card["id"]) or card
        loose = conflict and current["replaces"] != card["replaces"]
        after = proposals.loosened(current) if loose else _after(error, current, verb)
        return _shown(thread.replace_card(turns, after))

    def _answer(
        self, desk: Desk, turns: list[Json], changed: frozenset[str] = frozenset()
    ) -> Answer:
        shown, carried = render.conversation(turns), thread.write(turns)
        return desk.header(self.space.root), desk.cards(changed), shown, desk.slug, carried

    def _failed(self, request: gr.Request, error: ApiError, turns: list[Json]) -> Answer:
        if self.space.is_over(request, error):
            return render.ended(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
        return _shown([*turns, thread.agent(error.detail)])


def heard(answer: Json, turns: list[Json], desk: Desk) -> list[Json]:
    """The turns that the agent's answer adds: a card or a sentence, and how it was read."""
    if answer["kind"] == "proposal":
        new = [_card(answer["steps"], answer["preview"], "", desk)]
    else:
        new = [thread.agent(answer["message"], answer.get("suggestions"))]
    remark = (answer.get("interpreter") or {}).get("note")
    if remark and not thread.said(turns, remark):
        new.append(thread.note(remark))
    return new


def _allows(card: Json, verb: str) -> bool:
    """Whether the card still has the button; a second click finds that it has not."""
    waits, is_open = bool(card["request"]), card["status"] == "open"
    asked = card["status"] == proposals.UNANSWERED
    buttons = {"withdraw": waits, "revise": waits or is_open, "confirm": is_open or asked}
    return buttons.get(verb, is_open)


def _after(error: ApiError, card: Json, verb: str) -> Json:
    """The card after an error: what was confirmed may be asked again later, or is refused."""
    if verb != "confirm" or error.status == 429:  # which is answered before anything is looked at
        return proposals.remark(card, error.detail)
    unknown = error.status >= 500
    return (proposals.unanswered if unknown else proposals.refuse)(card, error.detail)


def _card(steps: list[Json], preview: Json, replaces: str, desk: Desk) -> Json:
    components = desk.state["components"]
    return proposals.propose(desk.slug, steps, preview, desk.registry, components, replaces)


def _shown(turns: list[Json]) -> Answer:
    """Only the conversation changes."""
    return gr.skip(), gr.skip(), render.conversation(turns), gr.skip(), thread.write(turns)


async def _desk_of(caller: Caller, project: str) -> Desk:
    desk = await read_desk(caller, project)
    if desk is None:
        raise ApiError(404, "not_found", "This project is no longer open to you.")
    return desk
