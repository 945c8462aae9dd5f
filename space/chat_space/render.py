"""API data to escaped HTML: pure functions over the templates, every value autoescaped."""

import hashlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chat_space.cards import Card
from chat_space.labels import clip, is_invisible

Json = dict[str, Any]

HERE = Path(__file__).parent
STATIC = HERE / "static"
EMBLEMS = {"success": "plain", "rejected": "bad", "failed": "bad", "pending_approval": "wait"}


def _when(at: str) -> str:
    """An ISO 8601 time as "22 Nov 09:57" (UTC)."""
    return datetime.fromisoformat(at).strftime("%d %b %H:%M").removeprefix("0")


def _day(at: str) -> str:
    """An ISO 8601 time as "22 Nov 2026" (UTC)."""
    return datetime.fromisoformat(at).strftime("%d %b %Y").removeprefix("0")


def _moment(at: str) -> str:
    """An ISO 8601 time to the second, as "22 Nov 2026 09:57:03" (UTC)."""
    return datetime.fromisoformat(at).strftime("%d %b %Y %H:%M:%S").removeprefix("0")


def _thousands(number: float) -> str:
    """A number with thin spaces between its thousands: 1 250 000."""
    return clip(f"{number:,}".replace(",", "\u2009"))


def _isolated(text: Any) -> Markup:
    """Somebody's text: its direction is its own, and what would be invisible has a mark."""
    return Markup("<bdi>{}</bdi>").format(Markup("").join(map(_sign, str(text))))


def _coded(text: str) -> Markup:
    """A sentence of the API's; what stands between backticks is code."""
    parts = [_isolated(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


def _sign(character: str) -> str:
    """The character, or a mark that names it where it directs, hides or joins others."""
    if not is_invisible(character):
        return escape(character)
    return Markup('<small class="cs-sign">U+{:04X}</small>').format(ord(character))


def _nonce() -> str:
    """What makes two renderings differ: the page's script is told of values that changed."""
    return secrets.token_hex(4)


def _version() -> str:
    """A short hash of the static files, so that browsers may keep them until they change."""
    files = sorted(path for path in STATIC.iterdir() if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters |= {
    "when": _when, "day": _day, "moment": _moment, "thousands": _thousands,
    "isolated": _isolated, "coded": _coded, "clip": clip,
}  # fmt: skip
environment.globals |= {"emblems": EMBLEMS, "assets": _version(), "nonce": _nonce}


def page(name: str, **data: Any) -> str:
    """One of the Space's own pages (sign in, password, unavailable)."""
    given = {
        "error": "",
        "note": "",
        "username": "",
        "organization": "",
        "next": "/",
        "due": False,
        **data,
    }
    return environment.get_template(name).render(given)


def head(root: str) -> str:
    """What Gradio's page gets in its `<head>`: the stylesheet and the script."""
    return environment.get_template("head.html").render(root=root)


def header(me: Json, project: Json, projects: list[Json], root: str) -> str:
    """The line on top: project, version, who is signed in, the theme toggle, the way out."""
    return environment.get_template("header.html").render(
        me=me, project=project, projects=projects, root=root, stopped=_stopped(me, project)
    )


def _stopped(me: Json, project: Json) -> str:
    """Why nothing can be changed in the project now, or an empty text."""
    if project.get("status") == "archived":
        return "This project is archived: it can only be read."
    if me["organization"].get("paused"):
        return "Everything is paused. An admin of the organization can resume it."
    if project.get("paused"):
        return "This project is paused: only reading and administration go on until it is resumed."
    return ""


def ended() -> str:
    """The header of a session that is over; the page's script sees it and asks to sign in."""
    return environment.get_template("ended.html").render()


def waiting() -> str:
    """What stands in the header's place until the first answer."""
    return environment.get_template("waiting.html").render()


def bones() -> str:
    """What stands in the state's place until the first answer."""
    return environment.get_template("bones.html").render()


def state(cards: list[Card], forecast: Json | None = None) -> str:
    """The project's components as cards; above them today's budget, where it has a limit."""
    limited = forecast if forecast and forecast.get("limit") is not None else None
    return environment.get_template("state.html").render(cards=cards, forecast=limited)


def conversation(turns: list[Json]) -> str:
    """The conversation: greeting, what was said, and the proposals' cards."""
    return environment.get_template("conversation.html").render(turns=turns)


def composer() -> str:
    """The message box."""
    return environment.get_template("composer.html").render()


def activity(told: Json, root: str) -> str:
    """The executions, newest first, below their filters; `more` in `told` offers older ones."""
    return environment.get_template("activity.html").render(**told, root=root)


def history(told: Json) -> str:
    """The project at one version, below what chooses another; `said` is why it can't be shown."""
    return environment.get_template("history.html").render(**told, forecast=None)


def approvals(cards: list[Json], past: list[Json], waiting: int, remark: str = "") -> str:
    """The requests for approval: those that wait, and below them how others ended.

    `waiting` is how many wait, `remark` a sentence about what could not be done.
    """
    return environment.get_template("approvals.html").render(
        cards=cards, past=past, waiting=waiting, remark=remark
    )


def admin(part: str, told: Json, note: Json | None = None) -> str:
    """One part of the Admin tab: `project`, `members`, `policy` or `people`.

    `note` is what became of what was asked there: `{"tone", "text", "lines"}`.
    """
    return environment.get_template(f"admin_{part}.html").render(**told, note=note)


def nothing(sentence: str) -> str:
    """One sentence in an otherwise empty place."""
    return environment.get_template("nothing.html").render(sentence=sentence)
