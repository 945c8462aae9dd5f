"""The application: own routes, middleware, and the Gradio page mounted behind them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Before Gradio is imported: it reads these once. Nothing is reported anywhere.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from starlette.staticfiles import StaticFiles

from chat_space.audit_page import AuditPage
from chat_space.auth import Door, Seal
from chat_space.client import Api, ApiError
from chat_space.doors import Pages
from chat_space.execution_page import ExecutionPage
from chat_space.middleware import NoFiles, SecurityHeaders, ShowTheDoor
from chat_space.proxies import TrustedProxies
from chat_space.render import STATIC
from chat_space.settings import Settings
from chat_space.theme import theme
from chat_space.token_page import TokenPage
from chat_space.views.desk import Space
from chat_space.views.layout import build

UNCHECKED = "unchecked"
KEEP_ALIVE = 75  # seconds that a connection may rest: longer than any client or proxy keeps one


def create_app(settings: Settings) -> FastAPI:
    """The whole Space as one ASGI application; any number of copies may serve one address."""
    api, seal = Api(settings.api_url), Seal(settings.secret_key)
    door = Door(api, seal)
    pages = Pages(api, door, seal, settings.root_path)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await api.close()

    async def caller_name(request: Request) -> str | None:
        """Gradio's `auth_dependency`: None is 401.

        While the API can't say, whoever brings a token gets the empty page, where every event
        asks the API again and tells its outage; a 503 here would make Gradio reload the page.
        """
        try:
            return await door.username(request)
        except ApiError:
            return UNCHECKED

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(pages.router())
    app.include_router(TokenPage(door, settings.root_path, settings.api_url).router())
    app.include_router(AuditPage(door, settings.root_path).router())
    app.include_router(ExecutionPage(door, settings.root_path).router())
    app.mount("/space-static", StaticFiles(directory=STATIC), name="space-static")
    app.add_middleware(NoFiles)
    app.add_middleware(
        ShowTheDoor, door=door, root_path=settings.root_path, unavailable=pages.unavailable
    )
    app.add_middleware(SecurityHeaders, framed_by=settings.framed_by)
    app.add_middleware(TrustedProxies, trusted=settings.trusted_proxies)
    blocks = build(Space(door, settings.root_path))
    # Until it has launched, which mounting doesn't tell, Gradio takes every file for its own.
    blocks.has_launched = True
    return gr.mount_gradio_app(
        app, blocks, path="/", auth_dependency=caller_name,
        root_path=settings.root_path or None, theme=theme(), head=None, footer_links=[],
        run_history=False, ssr_mode=False, pwa=False, mcp_server=False, show_error=True,
        enable_monitoring=False, max_file_size=0,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )  # fmt: skip


def serve() -> None:
    """Serve until SIGTERM or Ctrl-C; open event streams are cut after five seconds.

    Where a setting is missing it says so in one sentence, and ends.
    """
    try:
        settings = Settings.from_env()
    except ValueError as error:
        raise SystemExit(str(error)) from error
    uvicorn.run(
        create_app(settings), host=settings.host, port=settings.port, proxy_headers=False,
        log_level="info", access_log=False, timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE,
    )  # fmt: skip
