"""The page of API tokens. It is no part of Gradio's: a token's text is in one answer, and nowhere.

Gradio keeps what its components show for as long as a page is open. This page is a form and its
answer, which no cache may keep; a reload asks for the list.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from chat_space import notes, render, tokens
from chat_space.auth import Door
from chat_space.browsers import NO_STORE, origin_of, refuse_foreign, text
from chat_space.client import ApiError, Caller, Json
from chat_space.doorway import shut

TOKENS = "/tokens"
REPEATED = "This token was made before, and its text was shown then. Revoke it if you have lost it."


@dataclass(frozen=True)
class View:
    """What is looked at: one's own tokens or everybody's, from where, and the way back."""

    everybody: bool = False
    cursor: str | None = None
    project: str = ""

    @classmethod
    def of(cls, given: Any) -> "View":
        """The view that an address or a form names."""
        name = given.get("project") or ""
        return cls(bool(given.get("everybody")), given.get("cursor") or None, str(name))


@dataclass(frozen=True)
class Outcome:
    """What came of a form: a note, what the form still holds, and a new token's text."""

    note: Json | None = None
    draft: tokens.Draft = field(default_factory=tokens.Draft)
    made: Json | None = None
    status: int = 200


@dataclass(frozen=True)
class TokenPage:
    """The route's handlers. Each asks the API as the caller, who must have signed in."""

    door: Door
    root: str
    api_url: str

    def router(self) -> APIRouter:
        """The routes, to be declared before Gradio is mounted."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(TOKENS, self.show, methods=["GET"])
        router.add_api_route(TOKENS, self.act, methods=["POST"])
        return router

    async def show(self, request: Request) -> Response:
        """The list, and a form to make one."""
        return await self._answer(request, View.of(request.query_params), Outcome())

    async def act(self, request: Request) -> Response:
        """Make or revoke a token, and show the page with what came of it."""
        form = await request.form()
        draft = draft_of(form)
        try:
            refuse_foreign(request)
            outcome = await _done(self.door.caller(request), form, draft)
        except ApiError as error:
            if error.status == 401:
                return shut(request, self.root, error, TOKENS)
            outcome = Outcome(notes.of_error(error), draft, status=error.status)
        return await self._answer(request, View.of(form), outcome)

    async def _answer(self, request: Request, view: View, outcome: Outcome) -> Response:
        try:
            told = await _read(self.door.caller(request), view)
        except ApiError as error:
            return shut(request, self.root, error, TOKENS)
        places = {"root": self.root, "api": self.api_url, "space": origin_of(request) + self.root}
        page = render.page("tokens.html", view=view, outcome=outcome, **places, **told)
        return HTMLResponse(page, outcome.status, headers=NO_STORE)


def draft_of(form: FormData) -> tokens.Draft:
    """The new token that a form describes."""
    return tokens.Draft(
        name=text(form, "name").strip(),
        scopes=tuple(scope for scope in tokens.SCOPES if scope in form.getlist("scope")),
        where=text(form, "where"),
        projects=tuple(str(item) for item in form.getlist("in")),
        days=text(form, "days").strip(),
    )


async def _done(caller: Caller, form: FormData, draft: tokens.Draft) -> Outcome:
    """What came of the form. Raises ApiError."""
    if text(form, "verb") == "revoke":
        done = await caller.revoke_token(text(form, "token"))
        said = f"“{text(form, 'name')}” is revoked: whatever uses it is refused from now on."
        return Outcome(notes.of_execution(done, said))
    made = await caller.create_token(draft.asked(), text(form, "key") or secrets.token_hex(16))
    if made["status"] != "success" or made["token"] is None:
        done = notes.of_execution(made, REPEATED)
        return Outcome(done, draft if made["status"] != "success" else tokens.Draft())
    return Outcome(made={"name": draft.name, "text": made["token"], "days": draft.days})


async def _read(caller: Caller, view: View) -> Json:
    """What the page shows. Raises ApiError."""
    me, listed, page = await asyncio.gather(
        caller.me(), caller.projects(), caller.tokens(view.everybody, view.cursor)
    )
    projects = [item for item in listed["items"] if item["slug"] != "system"]
    told = [tokens.told(item, projects) for item in page["items"]]
    return {
        "me": me, "projects": projects, "older": page["next_cursor"], "scopes": tokens.SCOPES,
        "active": [item for item in told if item["status"] == "active"],
        "over": [item for item in told if item["status"] != "active"],
        "key": secrets.token_hex(16), "most_days": tokens.MOST_DAYS,
    }  # fmt: skip
