"""The page of one execution, whole and with its proof. It has an address of its own to pass on.

The Activity tab shows the same above the log: then only the part between header and end is asked.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from chat_space import proof, render, trail
from chat_space.auth import Door
from chat_space.browsers import NO_STORE, wants_page
from chat_space.client import ApiError, Caller, Json
from chat_space.doorway import shut

EXECUTION = "/executions/{seq}"
Seq = Annotated[int, Path(ge=1, le=2**53 - 1)]


@dataclass(frozen=True)
class ExecutionPage:
    """The routes' handlers. Each asks the API as the caller, who sees what the API gives them."""

    door: Door
    root: str

    def router(self) -> APIRouter:
        """The routes, to be declared before Gradio is mounted."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(EXECUTION, self.show, methods=["GET"])
        router.add_api_route(f"{EXECUTION}/record", self.record, methods=["GET"])
        return router

    async def show(self, request: Request, seq: Seq, project: str = "") -> Response:
        """The page; for the page's script its part alone."""
        try:
            told = await _read(self.door.caller(request), project, seq)
        except ApiError as error:
            return shut(request, self.root, error, _back(seq, project))
        name = "execution.html" if wants_page(request) else "execution_part.html"
        view = {"project": project}
        return HTMLResponse(render.page(name, root=self.root, view=view, **told), headers=NO_STORE)

    async def record(self, request: Request, seq: Seq, project: str = "") -> Response:
        """The record's exact text, to hash it oneself; only where it is whole."""
        try:
            execution = await self.door.caller(request).execution(project, seq)
            if not proof.holds(execution):
                raise ApiError(404, "not_found", "You are not shown the whole record.")
        except ApiError as error:
            return shut(request, self.root, error, _back(seq, project))
        named = {"content-disposition": f'attachment; filename="record-{seq}.json"'}
        return PlainTextResponse(proof.record_text(execution), headers=NO_STORE | named)


def _back(seq: int, project: str) -> str:
    return f"/executions/{seq}?project={quote(project, safe='')}"


async def _read(caller: Caller, project: str, seq: int) -> Json:
    """What the page shows. Raises ApiError."""
    (execution, before, after), (me, item, registry, members) = await asyncio.gather(
        _three(caller, project, seq),
        asyncio.gather(
            caller.me(), caller.project(project), caller.registry(project), caller.members(project)
        ),
    )
    around = trail.Around(
        before, after, registry, await _state(caller, project, execution),
        {member["id"]: member["username"] for member in members["items"]},
        admin=bool(me.get("admin")) or item.get("role") == "admin",
    )  # fmt: skip
    return {"me": me, "told": trail.told(execution, around), "project": project}


async def _three(caller: Caller, project: str, seq: int) -> tuple[Json, Json | None, Json | None]:
    """The execution, and those before and after it."""
    return await asyncio.gather(
        caller.execution(project, seq),
        _maybe(caller, project, seq - 1),
        _maybe(caller, project, seq + 1),
    )


async def _maybe(caller: Caller, project: str, seq: int) -> Json | None:
    """A neighbour; None where there is none. Raises ApiError for anything else."""
    if seq < 1:
        return None
    try:
        return await caller.execution(project, seq)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


async def _state(caller: Caller, project: str, execution: Json) -> Json:
    """The state that an execution left, to name list items in it; nothing where it was erased."""
    if not execution.get("diff") or "version" not in execution:
        return {}
    try:
        return (await caller.state(project, execution["version"]))["components"]
    except ApiError as error:
        if error.status in (404, 410):
            return {}
        raise
