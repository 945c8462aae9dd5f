"""The Admin tab: the project's title and whether it goes on, its members, and its policy."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
import yaml

from chat_space import notes, render
from chat_space.client import ApiError, Caller
from chat_space.views.desk import Space, field, guarded, read_desk
from chat_space.views.forms import Answer, Forms

Json = dict[str, Any]

RULE_KEYS = ("id", "description", "condition", "effect", "message", "mode")


@dataclass(frozen=True)
class Admin:
    """The tab's events. The API decides what each caller may do here, and refuses the rest."""

    space: Space

    @guarded
    async def offer(self, project: str, request: gr.Request) -> Any:
        """Show the tab to those it is of use to; without any project, to who may make one."""
        try:
            caller = self.space.caller(request)
            desk = await read_desk(caller, project)
            governs = desk.governs if desk else bool((await caller.me()).get("admin"))
        except ApiError:
            return gr.skip()
        return gr.Tab(visible=governs)

    @guarded
    async def open(self, project: str, request: gr.Request) -> tuple[Any, ...]:
        """Show the three parts."""
        parts = [partial(part, project) for part in (lifecycle, members, policy)]
        return await Forms(self.space).show(request, *parts)

    @guarded
    async def steer(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Pause, archive, resume or rename the project."""
        title = field(event, "title").strip()

        async def ask(caller: Caller) -> Json:
            match field(event, "verb"):
                case "pause":
                    return notes.of_execution(await caller.pause(project), "Paused.")
                case "archive":
                    done = await caller.archive(project)
                    return notes.of_execution(done, "Archived: it can only be read.")
                case "rename":
                    done = await caller.rename(project, title)
                    return notes.of_execution(done, f"It is called {title} now.")
                case _:
                    return notes.of_execution(await caller.resume(project), "It goes on.")

        return await Forms(self.space).answer(request, project, ask, partial(lifecycle, project))

    @guarded
    async def enrol(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Give somebody a role, or take it away."""
        name, role = field(event, "username").strip(), field(event, "role")

        async def ask(caller: Caller) -> Json:
            if field(event, "verb") == "remove":
                done = await caller.remove_member(project, name)
                return notes.of_execution(done, f"{name} is no longer a member.")
            done = await caller.set_member(project, name, role)
            return notes.of_execution(done, f"{name} has the role {role}.")

        return await Forms(self.space).answer(request, project, ask, partial(members, project))

    @guarded
    async def rule(self, event: gr.EventData, project: str, request: gr.Request) -> Answer:
        """Set the policy; what could not be set stays in the box, below what is wrong about it."""
        text = field(event, "document")

        async def ask(caller: Caller) -> Json:
            return notes.of_execution(await caller.set_policy(project, text), "Saved.")

        part = partial(policy, project, text=text)
        return await Forms(self.space).answer(request, project, ask, part)


async def lifecycle(project: str, caller: Caller, note: Json | None) -> str:
    """The project's title and whether it goes on, with what may be done about both."""
    if not project:
        return render.admin("none", {}, note)
    return render.admin("project", {"project": await caller.project(project)}, note)


async def members(project: str, caller: Caller, note: Json | None) -> str:
    """The project's members with their roles, and a form to add one."""
    if not project:
        return ""
    return render.admin("members", {"members": (await caller.members(project))["items"]}, note)


async def policy(project: str, caller: Caller, note: Json | None, text: str | None = None) -> str:
    """The policy in a box, and the versions before it; `text` is what could not be set."""
    if not project:
        return ""
    now = await caller.policy(project)
    items = (await caller.policy_versions(project))["items"]
    versions = [item | {"text": _yaml(item["document"])} for item in items]
    failed = note is not None and note["tone"] == "bad" and text is not None
    told = {"version": now["version"], "text": text if failed else _yaml(now["document"])}
    return render.admin("policy", told | {"versions": versions}, note)


def _yaml(document: Json) -> str:
    """A document as people write it."""
    if not document:
        return ""
    return yaml.safe_dump(_ordered(document), sort_keys=False, allow_unicode=True)


def _ordered(value: Any) -> Any:
    """The value with each rule's keys in the order in which people read them."""
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = [key for key in RULE_KEYS if key in value]
    return {key: _ordered(value[key]) for key in dict.fromkeys((*keys, *value))}
