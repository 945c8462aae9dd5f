"""The Admin tab's projects of the organization: all of them, and a form to make one."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import notes, render
from chat_space.client import Caller
from chat_space.views.desk import Space, field, guarded, projects_of
from chat_space.views.forms import Answer, Forms

Json = dict[str, Any]

TEMPLATES = ("demo", "harbor")  # those that come with the product; the API knows all


@dataclass(frozen=True)
class Projects:
    """The part's events. Somebody who is no admin of the organization sees nothing of it."""

    space: Space

    @guarded
    async def open(self, request: gr.Request) -> tuple[Any, ...]:
        """Show the projects."""
        return await Forms(self.space).show(request, projects)

    @guarded
    async def make(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Make a project from a template."""
        slug, title, template = (
            field(event, name).strip() for name in ("slug", "title", "template")
        )

        async def ask(caller: Caller) -> Json:
            done = await caller.create_project(slug, title, template)
            return notes.of_execution(done, f"{title or slug} is made: open it, and add members.")

        return await Forms(self.space).answer(request, project, ask, projects)


async def projects(caller: Caller, note: Json | None) -> str:
    """All projects and the form; an empty text for those who may not make any."""
    if not (await caller.me()).get("admin"):
        return ""
    items = await projects_of(caller)
    known = sorted({*TEMPLATES, *(item["template"] for item in items)})
    return render.admin("projects", {"projects": items, "templates": known}, note)
