"""Where approvals and administration stand on the page, and which event calls what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from chat_space import render
from chat_space.views.admin import Admin
from chat_space.views.approvals import Approvals
from chat_space.views.desk import QUIET, Space
from chat_space.views.people import People
from chat_space.views.projects import Projects
from chat_space.views.purging import Purging

# What each HTML component runs once; static/govern.js has the functions.
APPROVALS = (
    "govern.approvals(element, (data) => trigger('vote', data), () => trigger('reread', {}));"
    "watch('value', () => govern.decided(element));"
)
FORMS = (
    "govern.forms(element, (data) => trigger('act', data));"
    "watch('value', () => govern.filled(element));"
)
LIFECYCLE = (
    "govern.forms(element, (data) => data.verb === 'purge' ? trigger('purge', data)"
    " : trigger('act', data));"
    "watch('value', () => govern.filled(element));"
)
COUNTED = "() => govern.counted()"

COUNT_EVERY = 20.0  # seconds between two looks at how many requests wait

Html = Callable[[str, str, str], gr.HTML]  # makes a component of a name, a value and a listener


@dataclass(frozen=True)
class Page:
    """The parts of the rest of the page that approvals and administration need."""

    project: gr.Textbox
    header: gr.HTML
    state: gr.HTML
    conversation: gr.HTML
    thread: gr.Textbox
    named: str  # what puts the project into the page's address


@dataclass(frozen=True)
class Governing:
    """The components of the two tabs."""

    approvals_tab: gr.Tab
    approvals: gr.HTML
    admin_tab: gr.Tab
    lifecycle: gr.HTML
    members: gr.HTML
    policy: gr.HTML
    projects: gr.HTML
    people: gr.HTML
    timer: gr.Timer


def place(html: Html) -> Governing:
    """Create the tabs, inside the page's."""
    with gr.Tab("Approvals") as approvals_tab:
        approvals = html("approvals", render.bones(), APPROVALS)
    with gr.Tab("Admin", visible=False) as admin_tab, gr.Column(elem_id="cs-admin"):
        lifecycle = html("admin-project", "", LIFECYCLE)
        names = ("members", "policy", "projects", "people")
        members, policy, projects, people = (html(f"admin-{name}", "", FORMS) for name in names)
    return Governing(
        approvals_tab, approvals, admin_tab, lifecycle, members, policy, projects, people,
        gr.Timer(COUNT_EVERY),
    )  # fmt: skip


def wire(parts: Governing, space: Space, page: Page, opened: Any, decided: Any) -> None:
    """The two tabs' events. `opened` and `decided` are events of the Work tab to go on from."""
    approvals = Approvals(space)
    _wire_approvals(parts, approvals, page)
    _wire_admin(parts, space, page)
    opened.then(Admin(space).offer, page.project, parts.admin_tab, **QUIET)
    for event in (opened, decided):
        event.then(approvals.count, None, parts.approvals_tab, **QUIET)


def _wire_approvals(parts: Governing, view: Approvals, page: Page) -> None:
    shown = [page.header, page.state, parts.approvals, parts.approvals_tab]
    parts.approvals_tab.select(view.open, page.project, shown, **QUIET)
    parts.approvals.reread(view.open, page.project, shown, **QUIET)
    parts.approvals.vote(view.decide, page.project, shown, **QUIET)
    counted = parts.timer.tick(view.count, None, parts.approvals_tab, queue=False, **QUIET)
    counted.then(None, None, None, js=COUNTED, **QUIET)


def _wire_admin(parts: Governing, space: Space, page: Page) -> None:
    admin, projects, people = Admin(space), Projects(space), People(space)
    shown = [page.header, parts.lifecycle, parts.members, parts.policy]
    parts.admin_tab.select(admin.open, page.project, shown, **QUIET)
    parts.admin_tab.select(projects.open, None, [page.header, parts.projects], **QUIET)
    parts.admin_tab.select(people.open, None, [page.header, parts.people], **QUIET)
    for form, event in (
        (parts.lifecycle, admin.steer),
        (parts.members, admin.enrol),
        (parts.policy, admin.rule),
        (parts.projects, projects.make),
        (parts.people, people.act),
    ):
        form.act(event, page.project, [page.header, form], **QUIET)
    anew = [page.state, page.conversation, page.project, page.thread]
    purged = parts.lifecycle.purge(Purging(space).purge, page.project, [*shown, *anew], **QUIET)
    purged.then(None, page.project, None, js=page.named, **QUIET)
    purged.then(projects.open, None, [page.header, parts.projects], **QUIET)
