"""Proposals as cards: a preview with what Confirm needs to ask, and what became of it. Pure.

A card is plain data because the browser carries it. What comes back is not believed: Confirm sends
its steps and digest to the API, which decides again and refuses whatever no longer holds.
"""

import uuid
from typing import Any

from chat_space import edits, moved, previews
from chat_space.inbox import outcome_of
from chat_space.labels import humanize

Json = dict[str, Any]

RESULTS = {  # an execution's status: the badge's words and tone
    "success": ("Done", "good"),
    "rejected": ("Refused", "bad"),
    "failed": ("Failed", "bad"),
    "pending_approval": ("Waiting for approval", "wait"),
}
OUTLOOKS = {  # a preview's status: the badge's words and tone, and what the button says
    "success": ("Ready to confirm", "good", "Confirm"),
    "pending_approval": ("Needs approval", "wait", "Ask for approval"),
}
WAITING = "pending_approval"
UNANSWERED = "unanswered"  # a card that was confirmed, and nobody knows what became of it


def propose(
    project: str,
    steps: list[Json],
    preview: Json,
    registry: Json,
    state: Json,
    replaces: str = "",
) -> Json:
    """A new card for a preview of `steps`; its request id makes a second Confirm harmless.

    `state` holds the components by id, to name list items in paths; `replaces` is the waiting
    request that this one would take the place of.
    """
    badge, tone, confirm = OUTLOOKS.get(preview["status"], ("Would be refused", "bad", ""))
    return {
        "kind": "card",
        "id": str(uuid.uuid4()),
        "project": project,
        "ask": steps,
        "digest": preview["digest"],
        "status": "open",
        "badge": badge,
        "tone": tone,
        "confirm": confirm,
        "outcome": "",
        "moved": [],
        "request": "",
        "replaces": replaces,
        "forms": edits.forms(steps, registry),
        **previews.told(steps, preview, registry, state),
    }


def settle(card: Json, executions: list[Json], approval: Json | None = None) -> Json:
    """The card after its execution or plan: the result's badge, and which executions they are.

    `approval` is the request that now waits, with its `id`, `role` and `count`.
    """
    last = executions[-1]
    status = WAITING if approval else last["status"]
    badge, tone = RESULTS.get(status, (humanize(status), "wait"))
    outcome = _asked(approval) if approval else _outcome(executions)
    steps = card["steps"] if status in previews.PROMISES else _explained(card["steps"], executions)
    return {
        **_closed(card, status, badge, tone, outcome),
        "steps": steps,
        "request": str(approval["id"]) if approval else "",
    }


def discard(card: Json) -> Json:
    """The card after Discard: nothing was ever stored, so nothing is undone."""
    return _closed(card, "discarded", "Discarded", "quiet", "Nothing was changed.")


def edited(card: Json) -> Json:
    """The card whose inputs were edited: another one asks instead, unless this one waits."""
    if card["request"]:
        return card
    return _closed(card, "discarded", "Edited", "quiet", "")


def overtake(card: Json, now: Json) -> Json:
    """The card after a 409: what it promised, and what the new card `now` would do."""
    told = moved.compare("You confirmed", card["steps"], now["steps"])
    outcome = f"{told['outcome']} Below is what would happen now."
    closed = _closed(card, "stale", "The world moved", "wait", outcome)
    return {**closed, "moved": told["moved"]}


def unanswered(card: Json, detail: str) -> Json:
    """The card when the API's answer didn't arrive: Confirm is all it has, under the same id.

    It may have run. Edited, it would be asked for twice; and discarding it would undo nothing.
    """
    outcome = f"{detail} You can confirm again: it can't run twice."
    return {**card, "status": UNANSWERED, "outcome": outcome}


def refuse(card: Json, detail: str) -> Json:
    """The card when the API refused the request itself: nothing was decided, nothing changed."""
    return _closed(card, "refused", "Refused", "bad", detail)


def remark(card: Json, sentence: str) -> Json:
    """The card as it is, with a sentence about what was tried."""
    return {**card, "outcome": sentence}


def loosened(card: Json) -> Json:
    """The card when the request whose place it was to take was closed meanwhile; it stays open."""
    return remark(card, "The request whose place it was to take isn't waiting any more. "
                        "Nothing was changed: you can ask again.")  # fmt: skip


def follow(card: Json, item: Json, follower: Json | None = None) -> Json:
    """The card of a request for approval as the API lists the request by now.

    `follower` is the request that took its place, where it was superseded.
    """
    if item["status"] == "pending":
        return card
    badge, tone, outcome = outcome_of(item)
    if follower:
        outcome += f" A new request took its place: {outcome_of(follower)[0].lower()}."
    return {**_closed(card, item["status"], badge, tone, outcome), "request": ""}


def touched(executions: list[Json]) -> frozenset[str]:
    """The ids of the components that the successful executions changed."""
    paths = [
        operation["path"]
        for item in executions
        if item["status"] == "success"
        for operation in item.get("diff") or []
    ]
    return frozenset(path.split("/")[1].replace("~1", "/").replace("~0", "~") for path in paths)


def _closed(card: Json, status: str, badge: str, tone: str, outcome: str) -> Json:
    """The card with nothing left to press."""
    said = {"status": status, "badge": badge, "tone": tone, "outcome": outcome}
    return {**card, **said, "confirm": "", "unlocks": []}


def _explained(steps: list[Json], executions: list[Json]) -> list[Json]:
    told = [
        {**step, "explanations": item.get("explanations", [])}
        for step, item in zip(steps, executions, strict=False)
    ]
    return told + steps[len(told) :]


def _asked(approval: Json) -> str:
    one = f"{'A' if approval['role'] == 'viewer' else 'An'} {approval['role']} has"
    asked = one if approval["count"] == 1 else f"{previews.people(approval)} have"
    return f"{asked} been asked. It runs only with exactly these values."


def _outcome(executions: list[Json]) -> str:
    numbers = previews.numbers(executions)
    if executions[-1]["status"] == "success":
        return f"Committed as {numbers}."
    explained = any(item.get("explanations") for item in executions)
    return f"Recorded as {numbers}." if explained else "It was refused."
