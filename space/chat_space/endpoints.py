"""The endpoints for scripts (gradio_client). They act as the caller, never as a default user.

Every result is `{"code", "message", "data"}`. `code` is `success` for a reading, else the status of
what was asked (`success`, `rejected`, `failed`, `pending_approval`) or the chat's kind of answer.
An error arrives as an AppError that reads "code: sentence".
"""

import functools
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import searching
from chat_space.arguments import need_mode, need_text, snapshot_of, step_of, steps_of
from chat_space.client import ApiError, Caller
from chat_space.labels import humanize
from chat_space.pointers import pointers
from chat_space.views.desk import Space

Json = dict[str, Any]
Endpoint = Callable[..., Awaitable[Json]]

MOST_PAGES = 20  # of executions, to find one by its id
MOST_PLACES = 10  # of an error, told to a script

log = logging.getLogger(__name__)


def result(code: str, message: str, data: Any) -> Json:
    """What every endpoint answers. Everything a script receives passes here."""
    return {"code": code, "message": message, "data": pointers(data)}


def sentence_of(error: ApiError) -> str:
    """The error as "code: sentence", with the places in the body that the API complains of."""
    errors = error.members.get("errors")
    found = errors if isinstance(errors, list) else []
    places = [_place(item) for item in found[:MOST_PLACES] if isinstance(item, dict)]
    named = "; ".join(place for place in places if place)
    return f"{error} ({named})" if named else str(error)


def _place(item: Json) -> str:
    """One of the API's `errors` (`{"at", "error"}`) as "body.inputs: what is wrong"."""
    told = (item.get("at"), item.get("error"))
    return ": ".join(text for text in told if isinstance(text, str) and text)


def readable[**P](endpoint: Callable[P, Awaitable[Json]]) -> Callable[P, Awaitable[Json]]:
    """An endpoint whose errors reach the script as "code: sentence", and nothing else of them."""

    @functools.wraps(endpoint)
    async def call(*args: P.args, **kwargs: P.kwargs) -> Json:
        try:
            return await endpoint(*args, **kwargs)
        except ApiError as error:
            raise gr.Error(sentence_of(error), print_exception=False) from error
        except Exception as error:
            log.exception("%s failed", endpoint.__name__)
            message = "internal: The Space failed; its log says why."
            raise gr.Error(message, print_exception=False) from error

    return call


@dataclass(frozen=True)
class Endpoints:
    """One method per endpoint; the method's name is the `api_name`.

    Gradio fills in `request` by its place and doesn't show it to scripts.
    """

    space: Space

    def all(self) -> list[Endpoint]:
        """The endpoints to declare, each under its own name."""
        return [
            self.execute_action, self.simulate_action, self.execute_plan, self.simulate_plan,
            self.revert_snapshot, self.get_registry, self.get_audit_log, self.budget_forecast,
            self.api_org_rollup, self.chat,
        ]  # fmt: skip

    @readable
    async def execute_action(
        self,
        request: gr.Request,
        project_id: str,
        action_id: str,
        inputs: dict[str, Any] | None = None,
        mode: str = "assisted",
        confirmed: bool = False,
    ) -> dict[str, Any]:
        """Ask for one action. `confirmed` previews it and confirms exactly that preview."""
        need_text(project_id, "project_id")
        need_mode(mode, 1)
        if not isinstance(confirmed, bool):
            raise ApiError(422, "invalid_body", "confirmed must be true or false.")
        caller, step = self.space.caller(request), step_of(action_id, inputs)
        digest = (await caller.preview(project_id, [step]))["digest"] if confirmed else None
        execution = await caller.execute(project_id, str(uuid.uuid4()), step, digest)
        return result(execution["status"], _told(execution, "Committed."), execution)

    @readable
    async def simulate_action(
        self,
        request: gr.Request,
        project_id: str,
        action_id: str,
        inputs: dict[str, Any] | None = None,
        mode: str = "assisted",
    ) -> dict[str, Any]:
        """What one action would do now; nothing is stored."""
        need_text(project_id, "project_id")
        need_mode(mode, 1)
        caller = self.space.caller(request)
        return _previewed(await caller.preview(project_id, [step_of(action_id, inputs)]))

    @readable
    async def execute_plan(
        self, request: gr.Request, project_id: str, plan: dict[str, Any], mode: str = "assisted"
    ) -> dict[str, Any]:
        """Preview a plan and execute exactly that preview, all steps in one transaction.

        A plan can't carry a confirmation: one with a step that needs it is not executed.
        """
        need_text(project_id, "project_id")
        caller, steps = self.space.caller(request), steps_of(plan, mode)
        preview = await caller.preview(project_id, steps)
        if title := _needs_confirmation(preview):
            message = f"{title} needs a confirmation of its own: use execute_action, confirmed."
            return result("rejected", message, preview)
        done = await caller.execute_plan(project_id, str(uuid.uuid4()), steps, preview["digest"])
        return result(done["status"], _told(done["executions"][-1], "Committed."), done)

    @readable
    async def simulate_plan(
        self, request: gr.Request, project_id: str, plan: dict[str, Any], mode: str = "assisted"
    ) -> dict[str, Any]:
        """What a plan would do now; nothing is stored."""
        need_text(project_id, "project_id")
        caller = self.space.caller(request)
        return _previewed(await caller.preview(project_id, steps_of(plan, mode)))

    @readable
    async def revert_snapshot(
        self, request: gr.Request, project_id: str, snapshot_id: str
    ) -> dict[str, Any]:
        """Go back to a version, given by its number or by the id of the execution that made it."""
        need_text(project_id, "project_id")
        caller, snapshot = self.space.caller(request), snapshot_of(snapshot_id)
        if isinstance(snapshot, str):
            snapshot = await _version_made_by(caller, project_id, snapshot)
        asked = step_of("project.revert", {"version": snapshot})
        execution = await caller.execute(project_id, str(uuid.uuid4()), asked, None)
        return result(execution["status"], _told(execution, "Committed."), execution)

    @readable
    async def get_registry(self, request: gr.Request, project_id: str) -> dict[str, Any]:
        """The components and actions that the caller may see, with JSON Schemas."""
        need_text(project_id, "project_id")
        registry = await self.space.caller(request).registry(project_id)
        return result("success", f"{len(registry['actions'])} actions.", registry)

    @readable
    async def get_audit_log(
        self, request: gr.Request, project_id: str, limit: int = 50
    ) -> dict[str, Any]:
        """The newest executions, at most `limit` (1–200): `{"items", "next_cursor"}`."""
        need_text(project_id, "project_id")
        page = await self.space.caller(request).executions(project_id, limit)
        return result("success", f"{len(page['items'])} executions.", page)

    @readable
    async def budget_forecast(self, request: gr.Request, project_id: str) -> dict[str, Any]:
        """What is left of the project's daily budget, and when it would be used up."""
        need_text(project_id, "project_id")
        forecast = await self.space.caller(request).forecast(project_id)
        if forecast.get("limit") is None:
            return result("success", "The project has no daily budget.", forecast)
        told = f"{forecast['used']} of {forecast['limit']} used today."
        return result("success", told, forecast)

    @readable
    async def api_org_rollup(self, request: gr.Request) -> dict[str, Any]:
        """All of the caller's projects at a glance."""
        rollup = await self.space.caller(request).rollup()
        return result("success", f"{len(rollup['items'])} projects.", rollup)

    @readable
    async def chat(
        self, request: gr.Request, project_id: str, message: str, mode: str = "assisted"
    ) -> dict[str, Any]:
        """What the agent makes of a message; it can only propose."""
        need_text(project_id, "project_id")
        need_text(message, "message")
        need_mode(mode, 1)
        answer = await self.space.caller(request).chat(project_id, message, mode)
        return result(answer["kind"], answer.get("message") or "", answer)


async def _version_made_by(caller: Caller, project: str, id: str) -> int:
    """The version that an execution led to; only the newest are looked through."""
    made = await searching.success(
        caller, project, lambda item: item["execution_id"] == id, MOST_PAGES, 200
    )
    if made is None:
        raise ApiError(404, "not_found", "No such execution was found. Name the version instead.")
    return int(made["version"])


def _needs_confirmation(preview: Json) -> str | None:
    """The title of the first step that has to be confirmed by itself, or None."""
    found = (step for step in preview["steps"] if step.get("confirmation"))
    step = next(found, None)
    return (step.get("title") or step["action"]) if step else None


def _previewed(preview: Json) -> Json:
    return result(preview["status"], _told(preview["steps"][-1], "It would succeed."), preview)


def _told(outcome: Json, success: str) -> str:
    """The sentences that explain an execution or a previewed step; `success` where it is one."""
    told = " ".join(outcome.get("explanations") or [])
    plain = success if outcome["status"] == "success" else humanize(outcome["status"])
    return told or plain
