"""How forms of administration are answered: asked as the caller, then shown with a note."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import notes, render
from chat_space.client import ApiError, Caller
from chat_space.views.desk import Space, read_desk

Json = dict[str, Any]
Ask = Callable[[Caller], Awaitable[Json]]  # answers a note, as in notes.py
Part = Callable[[Caller, Json | None], Awaitable[str]]  # one part of the page, with its note

Answer = tuple[Any, Any]  # the header, and the part


@dataclass(frozen=True)
class Forms:
    """Answers forms on the page of one project."""

    space: Space

    async def answer(self, request: gr.Request, project: str, ask: Ask, part: Part) -> Answer:
        """Ask what the form asks for, and show the header and the form's part again."""
        try:
            caller = self.space.caller(request)
            note = await _noted(caller, ask)
            desk = await read_desk(caller, project)
            header = desk.header(self.space.root) if desk else gr.skip()
            return header, await part(caller, note)
        except ApiError as error:
            return self._failed(request, error)

    async def show(self, request: gr.Request, *parts: Part) -> tuple[Any, ...]:
        """The header as it is, and each part without a note."""
        try:
            caller = self.space.caller(request)
            return gr.skip(), *[await part(caller, None) for part in parts]
        except ApiError as error:
            return *self._failed(request, error), *[gr.skip() for _ in parts[1:]]

    def _failed(self, request: gr.Request, error: ApiError) -> Answer:
        if self.space.is_over(request, error):
            return render.ended(), gr.skip()
        return gr.skip(), render.nothing(error.detail)


async def _noted(caller: Caller, ask: Ask) -> Json:
    """What came of asking. Raises ApiError 401 only: everything else is told by the note."""
    try:
        return await ask(caller)
    except ApiError as error:
        if error.status == 401:
            raise
        return notes.of_error(error)
