"""The page on a project's chain as a whole: its verification, step by step, and its archives."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from chat_space import archives, render, verification
from chat_space.auth import Door
from chat_space.browsers import NO_STORE, wants_page
from chat_space.client import ApiError, Caller, Json
from chat_space.doorway import shut
from chat_space.verification import Seen

AUDIT = "/audit"


@dataclass(frozen=True)
class AuditPage:
    """The routes' handlers. Each asks the API as the caller."""

    door: Door
    root: str

    def router(self) -> APIRouter:
        """The routes, to be declared before Gradio is mounted."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(AUDIT, self.show, methods=["GET"])
        router.add_api_route(f"{AUDIT}/verify", self.verify, methods=["GET"])
        return router

    async def show(self, request: Request, project: str = "", cursor: str = "") -> Response:
        """The page; for the page's script its part alone."""
        try:
            told = await _read(self.door.caller(request), project, cursor or None)
        except ApiError as error:
            return shut(request, self.root, error, _back(project))
        name = "audit.html" if wants_page(request) else "audit_part.html"
        page = render.page(name, root=self.root, view={"project": project}, **told)
        return HTMLResponse(page, headers=NO_STORE)

    async def verify(self, request: Request, project: str = "", seen: str = "") -> Response:
        """One step more: `{"seen", "html", "more", "tone", "verdict"}`.

        `seen` is what the step before answered, and empty at the beginning.
        """
        try:
            before = Seen.read(seen)
            caller = self.door.caller(request)
            answer = await caller.verify(project, (before and before.next) or 1)
        except ApiError as error:
            return shut(request, self.root, error, _back(project))
        now = verification.advance(before, answer)
        told = verification.told(now)
        html = render.page("verdict.html", root=self.root, project=project, **told)
        step = {"seen": now.text(), "html": html, "more": now.next is not None}
        shown = {"tone": told["tone"], "verdict": told["verdict"]}
        return JSONResponse(step | shown, headers=NO_STORE)


def _back(project: str) -> str:
    return f"{AUDIT}?project={quote(project, safe='')}"


async def _read(caller: Caller, project: str, cursor: str | None) -> Json:
    """What the page shows. Raises ApiError."""
    me, item, listed = await asyncio.gather(
        caller.me(), caller.project(project), _archives(caller, project, cursor)
    )
    items = listed["items"] if listed else []
    return {
        "me": me,
        "project": project,
        "item": item,
        "archived": listed is not None,
        "days": archives.days(items),
        "total": archives.total(items),
        "older": listed and listed["next_cursor"],
        "first_page": cursor is None,
    }


async def _archives(caller: Caller, project: str, cursor: str | None) -> Json | None:
    """A page of the archive's objects; None for whom, or where, the API tells of none."""
    try:
        return await caller.archives(project, cursor)
    except ApiError as error:
        if error.status in (403, 404):
            return None
        raise
