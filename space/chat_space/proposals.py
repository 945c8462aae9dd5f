"""Proposals as cards: what a preview says, in words, with what Confirm needs to ask. Pure.

A card is plain data because the browser carries it. What comes back is not believed: Confirm sends
its steps and digest to the API, which decides again and refuses whatever no longer holds.
"""

import uuid
from typing import Any

from chat_space.labels import (
    humanize,
    property_label,
    property_schema,
    readable_path,
    resolve,
    show,
)

Json = dict[str, Any]

MOST_ROWS = 50  # of a step's changes or inputs; the rest is counted

RESULTS = {  # an execution's status: the badge's words and tone
    "success": ("Done", "good"),
    "rejected": ("Refused", "bad"),
    "failed": ("Failed", "bad"),
    "pending_approval": ("Waiting for approval", "wait"),
}


def propose(project: str, steps: list[Json], preview: Json, registry: Json, state: Json) -> Json:
    """A new card for a preview of `steps`; its request id makes a second Confirm harmless.

    `state` holds the components by id, to name list items in paths.
    """
    shown = [_step(step, registry, state) for step in preview["steps"]]
    asked = [_unreached(step, registry) for step in steps[len(shown) :]]
    return {
        "kind": "card",
        "id": str(uuid.uuid4()),
        "project": project,
        "ask": steps,
        "digest": preview["digest"],
        "title": _title(shown + asked),
        "steps": shown + asked,
        "cost": preview.get("cost"),
        "status": "open",
        "outcome": "",
        **_outlook(preview["status"]),
    }


def settle(card: Json, executions: list[Json]) -> Json:
    """The card after its execution or plan: the result's badge, and which executions they are."""
    last = executions[-1]
    badge, tone = RESULTS.get(last["status"], (humanize(last["status"]), "wait"))
    done = last["status"] == "success"
    sentences = [text for item in executions for text in item.get("explanations", [])]
    steps = [
        {**step, "explanations": item.get("explanations", [])} if not done else step
        for step, item in zip(card["steps"], executions, strict=False)
    ]
    return {
        **card,
        "status": last["status"],
        "badge": badge,
        "tone": tone,
        "confirmable": False,
        "steps": steps + card["steps"][len(steps) :],
        "outcome": _outcome(executions, sentences),
    }


def discard(card: Json) -> Json:
    """The card after Discard: nothing was ever stored, so nothing is undone."""
    return {
        **card,
        "status": "discarded",
        "badge": "Discarded",
        "tone": "quiet",
        "confirmable": False,
        "outcome": "Nothing was changed.",
    }


def overtake(card: Json) -> Json:
    """The card after a 409: what it promised no longer holds."""
    return {
        **card,
        "status": "stale",
        "badge": "The world moved",
        "tone": "wait",
        "confirmable": False,
        "outcome": "Something changed since you saw this. Nothing was done. "
        "Below is what would happen now.",
    }


def unanswered(card: Json, detail: str) -> Json:
    """The card when the API's answer didn't arrive: it stays open, under the same request id."""
    return {**card, "outcome": f"{detail} You can confirm again: it can't run twice."}


def refuse(card: Json, detail: str) -> Json:
    """The card when the API refused the request itself: nothing was decided, nothing changed."""
    return {
        **card,
        "status": "refused",
        "badge": "Refused",
        "tone": "bad",
        "confirmable": False,
        "outcome": detail,
    }


def touched(executions: list[Json]) -> frozenset[str]:
    """The ids of the components that the successful executions changed."""
    paths = [
        operation["path"]
        for item in executions
        if item["status"] == "success"
        for operation in item.get("diff") or []
    ]
    return frozenset(path.split("/")[1].replace("~1", "/").replace("~0", "~") for path in paths)


def changes(diff: list[Json], registry: Json, state: Json) -> list[Json]:
    """The diff's operations as `{"label", "before", "after"}`, None for a side that isn't there."""
    return [
        {
            "label": readable_path(operation["path"], registry, state),
            "before": show(operation["before"]) if "before" in operation else None,
            "after": show(operation["value"]) if operation["op"] != "remove" else None,
        }
        for operation in diff
    ]


def action_title(action: str, registry: Json) -> str:
    """The action's declared title, else its id (an action this caller may not see)."""
    titles = {item["id"]: item.get("title") for item in registry.get("actions", [])}
    return titles.get(action) or action


def _step(step: Json, registry: Json, state: Json) -> Json:
    return {
        "title": step.get("title") or action_title(step["action"], registry),
        "risk": step.get("risk"),
        "changes": changes((step.get("diff") or [])[:MOST_ROWS], registry, state),
        "more": max(0, len(step.get("diff") or step.get("inputs") or []) - MOST_ROWS),
        "explanations": step.get("explanations", []) if step["status"] != "success" else [],
        "inputs": _inputs(step, registry) if not step.get("diff") else [],
        "reached": True,
    }


def _unreached(step: Json, registry: Json) -> Json:
    return {
        "title": action_title(step["action"], registry),
        "risk": None,
        "changes": [],
        "explanations": [],
        "more": max(0, len(step.get("inputs") or []) - MOST_ROWS),
        "inputs": _inputs(step, registry),
        "reached": False,
    }


def _inputs(step: Json, registry: Json) -> list[Json]:
    actions = {item["id"]: item for item in registry.get("actions", [])}
    root = actions.get(step["action"], {}).get("inputs") or {}
    schema = resolve(root, root)
    return [
        {
            "label": property_label(schema, key, property_schema(schema, key, root)),
            "value": show(value),
        }
        for key, value in list((step.get("inputs") or {}).items())[:MOST_ROWS]
    ]


def _title(steps: list[Json]) -> str:
    return steps[0]["title"] if len(steps) == 1 else f"{len(steps)} steps, committed together"


def _outlook(status: str) -> Json:
    if status == "success":
        return {"badge": "Ready to confirm", "tone": "good", "confirmable": True}
    if status == "pending_approval":
        return {"badge": "Needs approval", "tone": "wait", "confirmable": True}
    return {"badge": "Would be refused", "tone": "bad", "confirmable": False}


def _outcome(executions: list[Json], sentences: list[str]) -> str:
    numbers = " and ".join(str(item["seq"]) for item in executions)
    noun = "execution" if len(executions) == 1 else "executions"
    status = executions[-1]["status"]
    if status == "success":
        return f"Committed as {noun} {numbers}."
    if status == "pending_approval":
        return "Somebody has been asked. It runs only with exactly these values."
    return f"Recorded as {noun} {numbers}." if sentences else "It was refused."
