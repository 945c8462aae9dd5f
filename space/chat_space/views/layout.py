"""Where everything stands on the page, and which event calls what."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import api as declare_api

from chat_space import render
from chat_space.endpoints import Endpoints
from chat_space.views.activity import Activity
from chat_space.views.desk import QUIET, Space
from chat_space.views.governing import Governing, Page, place, wire
from chat_space.views.history import WORK, History
from chat_space.views.work import Work

# What each HTML component runs once; static/space.js has the functions. The quoted names are the
# custom events that the component can trigger.
HEADER = "space.started(element)"
STATE = "space.state(() => trigger('refresh', {}))"
CONVERSATION = (
    "space.conversation(element, (data) => trigger('decide', data));"
    "watch('value', () => space.answered(element));"
)
COMPOSER = "space.composer(element, (data) => trigger('send', data))"
ACTIVITY = (
    "trail.activity(element, () => trigger('show', {}), () => trigger('older', {}),"
    "(data) => trigger('filter', data));"
    "watch('value', () => trail.filtered(element));"
)
HISTORY = (
    "past.history(element, () => trigger('show', {}), (data) => trigger('look', data),"
    "(data) => trigger('back', data));"
    "watch('value', () => past.looked(element));"
)

# The project that the page's address names, and the address that names the project.
WANTED = "() => new URLSearchParams(location.search).get('project') || ''"
NAMED = "(project) => space.name(project)"
FAILED = "() => space.failed()"

# Opening one of these tabs is a look at it, in turn with all others that are asked for there.
OPENED = "() => looks.open('%s')"


@dataclass(frozen=True)
class Parts:
    """The page's components: six of HTML, tabs to listen to, and three carried texts."""

    tabs: gr.Tabs
    header: gr.HTML
    conversation: gr.HTML
    composer: gr.HTML
    state: gr.HTML
    history_tab: gr.Tab
    history: gr.HTML
    activity_tab: gr.Tab
    activity: gr.HTML
    governing: Governing
    project: gr.Textbox
    thread: gr.Textbox
    rows: gr.Textbox


def build(space: Space) -> gr.Blocks:
    """The whole page with its events, and the endpoints for scripts."""
    with gr.Blocks(title="gradio-chat-agent", analytics_enabled=False) as blocks:
        parts = _place(render.head(space.root))
        opened, decided = _wire_work(blocks, parts, Work(space))
        _wire_history(parts, History(space))
        _wire_activity(parts, Activity(space))
        page = Page(
            parts.project, parts.header, parts.state, parts.conversation, parts.thread, NAMED
        )
        wire(parts.governing, space, page, opened, decided)
        for endpoint in Endpoints(space).all():
            declare_api(endpoint, api_name=endpoint.__name__)
    return blocks.queue(default_concurrency_limit=40)


def _place(head: str) -> Parts:
    """Create the components where they stand."""

    def html(name: str, value: str, listener: str) -> gr.HTML:
        return gr.HTML(value, elem_id=f"cs-{name}", js_on_load=listener, head=head)

    carried = [gr.Textbox(visible="hidden", show_label=False) for _ in range(3)]
    header = html("header", render.waiting(), HEADER)
    with gr.Tabs(elem_id="cs-tabs") as tabs:
        with gr.Tab("Work", id=WORK), gr.Row(elem_id="cs-desk"):
            with gr.Column(elem_id="cs-talk", scale=7):
                conversation = html("conversation", render.conversation([]), CONVERSATION)
                composer = html("composer", render.composer(), COMPOSER)
            with gr.Column(elem_id="cs-side", scale=4):
                state = html("state", render.bones(), STATE)
        with gr.Tab("History") as then:
            history = html("history", render.bones(), HISTORY)
        with gr.Tab("Activity") as tab:
            activity = html("activity", "", ACTIVITY)
        governing = place(html)
    return Parts(
        tabs, header, conversation, composer, state, then, history, tab, activity, governing,
        *carried,
    )  # fmt: skip


def _wire_work(blocks: gr.Blocks, parts: Parts, work: Work) -> tuple[Any, Any]:
    """The Work tab's events; answers that of opening the page, and that of a card's buttons."""
    given = [parts.project, parts.thread]
    shown = [parts.header, parts.state, parts.conversation, *given]
    opened = blocks.load(work.open, parts.project, shown, js=WANTED, **QUIET)
    opened.then(None, parts.project, None, js=NAMED, **QUIET)
    parts.state.refresh(work.refresh, parts.project, [parts.header, parts.state], **QUIET)
    sent = parts.composer.send(work.say, given, shown, **QUIET)
    decided = parts.conversation.decide(work.decide, given, shown, **QUIET)
    for asked in (sent, decided):
        asked.failure(None, None, None, js=FAILED, **QUIET)
    return opened, decided


def _wire_history(parts: Parts, history: History) -> None:
    shown = [parts.header, parts.history]
    parts.history_tab.select(None, None, None, js=OPENED % "history", **QUIET)
    parts.history.show(history.open, parts.project, shown, **QUIET)
    parts.history.look(history.look, parts.project, shown, **QUIET)
    proposed = [parts.header, parts.conversation, parts.thread, parts.tabs]
    parts.history.back(history.back, [parts.project, parts.thread], proposed, **QUIET)


def _wire_activity(parts: Parts, activity: Activity) -> None:
    shown = [parts.header, parts.activity, parts.rows]
    given = [parts.project, parts.rows]
    parts.activity_tab.select(None, None, None, js=OPENED % "activity", **QUIET)
    parts.activity.show(activity.open, given, shown, **QUIET)
    parts.activity.filter(activity.filter, parts.project, shown, **QUIET)
    parts.activity.older(activity.older, given, shown, **QUIET)
