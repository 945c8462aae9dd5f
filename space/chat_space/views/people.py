"""The Admin tab's part for admins of the organization: its people, and stopping all of it."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import notes, render
from chat_space.client import Caller
from chat_space.views.desk import Space, field, guarded
from chat_space.views.forms import Answer, Forms

Json = dict[str, Any]


@dataclass(frozen=True)
class People:
    """The part's events. Somebody who is no admin of the organization sees nothing of it."""

    space: Space

    @guarded
    async def open(self, request: gr.Request) -> tuple[Any, ...]:
        """Show the people."""
        return await Forms(self.space).show(request, people)

    @guarded
    async def act(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Create, disable or enable somebody, give a password, pause or resume everything."""

        async def ask(caller: Caller) -> Json:
            return await _done(caller, event)

        return await Forms(self.space).answer(request, project, ask, people)


async def _done(caller: Caller, event: gr.EventData) -> Json:
    name, password = field(event, "username").strip(), field(event, "password")
    match field(event, "verb"):
        case "create":
            admin = field(event, "admin") == "yes"
            done = await caller.create_user(name, password, admin=admin)
            return notes.of_execution(done, f"{name} can sign in, and must change the password.")
        case "password":
            done = await caller.set_password(name, password)
            return notes.of_execution(done, f"{name} must change this password.")
        case "disable":
            done = await caller.disable_user(name, disabled=True)
            return notes.of_execution(done, f"{name} is signed out, and stays out.")
        case "enable":
            done = await caller.disable_user(name, disabled=False)
            return notes.of_execution(done, f"{name} can sign in again.")
        case "pause":
            return notes.of_execution(await caller.pause(), "Everything is paused.")
        case _:
            return notes.of_execution(await caller.resume(), "Everything goes on.")


async def people(caller: Caller, note: Json | None) -> str:
    """Everybody in the organization; an empty text for those who may not see them."""
    if not (await caller.me()).get("admin"):
        return ""
    return render.admin("people", {"people": (await caller.users())["items"]}, note)
