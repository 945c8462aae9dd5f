"""The Space's own pages: sign in, sign out, change the password, and the health check."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from chat_space import render
from chat_space.auth import COOKIE, Door, Seal, give_cookie, take_cookie
from chat_space.browsers import NO_STORE, inside, refuse_foreign, text, wants_page
from chat_space.client import Api, ApiError, Caller, Json

ENDED = "Your session has ended. Sign in again to go on."
USED = "This sign-in link has been used, or never was one. Sign in with your password instead."
UNKNOWN = "Still no way in? The account may be disabled: ask an admin of your organization."
CHANGED = "Your password was changed. Sign in with the new one."


@dataclass(frozen=True)
class Pages:
    """The routes' handlers. A browser gets pages and redirects, anything else gets JSON."""

    api: Api
    door: Door
    seal: Seal
    root_path: str

    def router(self) -> APIRouter:
        """The routes, to be declared before Gradio is mounted so that they stand before its own."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/livez", self.livez, methods=["GET"])
        router.add_api_route("/login", self.login_page, methods=["GET"])
        router.add_api_route("/login", self.login, methods=["POST"])
        router.add_api_route("/link/{link}", self.link, methods=["GET"])
        router.add_api_route("/logout", self.logout, methods=["GET", "POST"])
        router.add_api_route("/password", self.password_page, methods=["GET"])
        router.add_api_route("/password", self.password, methods=["POST"])
        return router

    async def livez(self) -> Response:
        """Alive: asks nobody, so that an outage of the API restarts no replica."""
        return JSONResponse({"status": "ok"})

    async def login_page(self, request: Request) -> Response:
        """The sign-in page; it tells why somebody stands here again."""
        ended = await self._has_ended(request)
        note = CHANGED if "changed" in request.query_params else ENDED if ended else ""
        page = self._page("login.html", next=inside(request.query_params.get("next")), note=note)
        if ended:
            take_cookie(page, request)
        return page

    async def _has_ended(self, request: Request) -> bool:
        """Whether the browser brought a session that is over; no, where that can't be told."""
        if COOKIE not in request.cookies:
            return False
        try:
            return (await self.door.look(request)).standing == "out"
        except ApiError:
            return False

    async def login(self, request: Request) -> Response:
        """Sign in. gradio_client posts its `auth=` here, follows no redirect, and needs a 200."""
        form = await request.form()
        back = inside(text(form, "next"))
        try:
            refuse_foreign(request)
            session = await self.api.login(
                text(form, "username"), text(form, "password"), text(form, "organization")
            )
        except ApiError as error:
            return self._refused(request, "login.html", _login_error(error), form, next=back)
        whose = {} if wants_page(request) else await self._whose(session)
        return self._let_in(request, session, back, whose)

    async def link(self, request: Request, link: str) -> Response:
        """Sign in by a link that works once, as `up` prints them."""
        try:
            session = await self.api.login_by_link(link)
        except ApiError as error:
            return self._refused(request, "login.html", _link_error(error), FormData())
        return self._let_in(request, session, "/")

    async def _whose(self, session: Json) -> Json:
        """User and organization of a new session, for the page's script; `{}` if not told."""
        try:
            me = await self.api.caller(session["token"]).me()
        except ApiError:
            return {}
        return {"user": me["user"], "organization": me["organization"]}

    async def logout(self, request: Request) -> Response:
        """End the session, at the API too; a session that is over already is no error."""
        if token := self.door.token_of(request):
            self.door.forget(token)
            try:
                await self.api.caller(token).logout()
            except ApiError as error:
                if error.status not in (401, 403):
                    return await self.unavailable(request, error)
        response = RedirectResponse(f"{self.root_path}/login", 303)
        take_cookie(response, request)
        return response

    async def password_page(self, request: Request) -> Response:
        """The page to change the password; forced while a change is due."""
        if self.door.token_of(request) is None:
            return RedirectResponse(f"{self.root_path}/login?next=%2Fpassword", 303)
        try:
            known = await self.door.look(request)
        except ApiError as error:
            return await self.unavailable(request, error)
        return self._page("password.html", due=known.standing == "password_due")

    async def password(self, request: Request) -> Response:
        """Change the password, which ends every session of this user, and begin a new one."""
        form = await request.form()
        try:
            refuse_foreign(request)
            caller = self.door.caller(request)
            _same(text(form, "new_password"), text(form, "again"))
            me = await _who(caller)
            await caller.change_password(text(form, "current_password"), text(form, "new_password"))
        except ApiError as error:
            if error.status == 401 and wants_page(request):
                return RedirectResponse(f"{self.root_path}/login?next=%2Fpassword", 303)
            return self._refused(request, "password.html", error, form, due=bool(form.get("due")))
        self.door.forget(caller.token)
        return await self._begin_again(request, me, text(form, "new_password"))

    async def _begin_again(self, request: Request, me: Json | None, password: str) -> Response:
        """Sign in with the new password; where that can't be done, lead to the sign-in page."""
        try:
            if me is None:
                raise ApiError(401, "unauthenticated", CHANGED)
            session = await self.api.login(
                me["user"]["username"], password, me["organization"]["slug"]
            )
        except ApiError:
            return self._changed(request)
        return self._let_in(request, session, "/")

    def _changed(self, request: Request) -> Response:
        """The answer to a changed password where no new session could be begun."""
        if wants_page(request):
            response: Response = RedirectResponse(f"{self.root_path}/login?changed=1", 303)
        else:
            response = JSONResponse({"success": True, "message": CHANGED}, headers=NO_STORE)
        take_cookie(response, request)
        return response

    async def unavailable(self, request: HTTPConnection, error: ApiError) -> Response:
        """The page (or JSON) that says the API can't answer now."""
        if wants_page(request):
            return self._page("unavailable.html", status=503, error=error.detail)
        return JSONResponse({"error": str(error), "code": error.code}, 503, headers=NO_STORE)

    def _let_in(
        self, request: Request, session: Json, back: str, whose: Json | None = None
    ) -> Response:
        due = bool(session["must_change_password"])
        if wants_page(request):
            response: Response = RedirectResponse(
                self.root_path + ("/password" if due else back), 303
            )
        elif due:
            code, detail = "password_change_required", "Change the password in a browser first."
            answer = {"error": f"{code}: {detail}", "code": code, "detail": detail}
            response = JSONResponse(answer, 403, headers=NO_STORE)
        else:
            response = JSONResponse({"success": True, **(whose or {})}, headers=NO_STORE)
        give_cookie(response, request, self.seal, session["token"], session["expires_at"])
        return response

    def _refused(
        self, request: Request, page: str, error: ApiError, form: FormData, **data: Any
    ) -> Response:
        headers = {"retry-after": str(error.retry_after)} if error.retry_after else {}
        if wants_page(request):
            return self._page(
                page, error.status, headers, error=error.detail,
                username=text(form, "username"), organization=text(form, "organization"), **data,
            )  # fmt: skip
        body = {"error": str(error), "code": error.code, "detail": error.detail}
        return JSONResponse(body, error.status, headers=NO_STORE | headers)

    def _page(
        self, name: str, status: int = 200, headers: dict[str, str] | None = None, **data: Any
    ) -> HTMLResponse:
        html = render.page(name, root=self.root_path, **data)
        return HTMLResponse(html, status, headers=NO_STORE | (headers or {}))


async def _who(caller: Caller) -> Json | None:
    """The caller, or None where the API tells it only after the password is changed."""
    try:
        return await caller.me()
    except ApiError as error:
        if error.code == "password_change_required":
            return None
        raise


def _login_error(error: ApiError) -> ApiError:
    """The error; a wrong name or password with what else may be the reason."""
    if error.status != 401:
        return error
    return ApiError(error.status, error.code, f"{error.detail} {UNKNOWN}")


def _link_error(error: ApiError) -> ApiError:
    """The error in words that fit a link; an outage or a back-off is told as it is."""
    if error.status == 429 or error.status >= 500:
        return error
    return ApiError(error.status, error.code, USED)


def _same(new: str, again: str) -> None:
    if new != again:
        raise ApiError(422, "invalid_body", "The new password and its repetition differ.")
