"""A project at one of its versions, as people read it: who made it, what there was. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chat_space.cards import cards
from chat_space.previews import MOST_ROWS, REVERT, action_title, changes
from chat_space.proposals import touched

Json = dict[str, Any]


@dataclass(frozen=True)
class Moment:
    """A state as the API told it, and the execution that made it, where that was found."""

    state: Json
    maker: Json | None


def told(moment: Moment, project: Json, registry: Json) -> Json:
    """Everything that is shown of one version.

    `project` is as it is now; what isn't declared any more is shown as it is stored.
    """
    state, maker = moment.state, moment.maker
    diff = (maker or {}).get("diff") or []
    changed = touched([maker]) if maker else frozenset()
    return {
        "version": state["version"],
        "latest": project["version"],
        "at": state["at"],
        "maker": _maker(maker, registry) if maker else None,
        "changes": changes(diff[:MOST_ROWS], registry, state["components"]),
        "more": max(0, len(diff) - MOST_ROWS),
        "cards": cards(registry, state["components"], changed),
        "may_go_back": _may_go_back(state["version"], project),
    }


def span_of(at: str) -> dict[str, str]:
    """The microsecond of an execution, to ask the audit log for it."""
    until = datetime.fromisoformat(at) + timedelta(microseconds=1)
    return {"since": at, "until": f"{until.replace(tzinfo=None).isoformat('T', 'microseconds')}Z"}


def end_of(at: str) -> str:
    """A chosen moment, UTC, as the end of its second: executions carry fractions of one.

    Browsers leave out seconds that are 0.
    """
    whole = f"{at}:00" if at.count(":") == 1 else at
    return f"{whole}Z" if "." in whole else f"{whole}.999999Z"


def going_back(version: int) -> list[Json]:
    """The step that brings an earlier version back."""
    return [{"action": REVERT, "inputs": {"version": version}}]


def _maker(execution: Json, registry: Json) -> Json:
    return {
        "seq": execution["seq"],
        "who": execution.get("username") or execution["principal"]["kind"],
        "what": action_title(execution["action"], registry),
        "erased": bool(execution.get("erased")),
        "redacted": bool(execution.get("redacted")),
    }


def _may_go_back(version: int, project: Json) -> bool:
    """Whether the button is offered; whether it may be pressed the API decides."""
    goes_on = project["status"] == "active" and not project["paused"]
    return goes_on and project["role"] == "admin" and 0 < version < project["version"]
