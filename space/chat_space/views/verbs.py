"""What a card's buttons ask of the API. The card comes from the browser: all of it is re-asked."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from chat_space import edits, proposals
from chat_space.client import ApiError, Caller

Json = dict[str, Any]

# The steps and preview of a new card, and the waiting request that it would take the place of.
New = tuple[list[Json], Json, str]
# The card afterwards, the new cards, and the executions that came of it.
Done = tuple[Json, list[New], list[Json]]
Verb = Callable[[Caller, Json, str], Awaitable[Done]]


async def confirm(caller: Caller, card: Json, _: str) -> Done:
    """Ask the API for exactly what the card promised; the card's id is the request id."""
    where, promise = (card["project"], card["id"]), (card["digest"], card["replaces"] or None)
    if len(card["ask"]) == 1:
        step = {"action": card["ask"][0]["action"], "inputs": card["ask"][0]["inputs"]}
        answer = await caller.execute(*where, step, *promise)
    else:
        answer = await caller.execute_plan(*where, card["ask"], *promise)
    executions = answer.get("executions") or [answer]
    waits = answer["status"] == proposals.WAITING
    settled = proposals.settle(card, executions, answer.get("approval") if waits else None)
    return settled, [], executions


async def withdraw(caller: Caller, card: Json, _: str) -> Done:
    """Take back the request for approval that the card has become."""
    answer = await caller.withdraw(card["project"], card["request"])
    status = (answer.get("approval") or {}).get("status")
    if status:
        return proposals.follow(card, {"status": status}), [], []
    return proposals.remark(card, " ".join(answer.get("explanations") or [])), [], []


async def use(caller: Caller, card: Json, number: str) -> Done:
    """Preview the plan that the card offers as a way out; its steps become a card of their own."""
    plans = [unlock["steps"] for unlock in card["unlocks"]]
    if not number.isdecimal() or int(number) >= len(plans) or not plans[int(number)]:
        return card, [], []
    steps = plans[int(number)]
    return card, [(steps, await caller.preview(card["project"], steps), card["replaces"])], []


async def revise(caller: Caller, card: Json, typed: str) -> Done:
    """Preview the card's steps with other inputs; they become a card of their own.

    A request that waits goes on waiting until the new one is asked for and takes its place.
    """
    try:
        given = json.loads(typed)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return card, [], []
    try:
        steps = edits.revised(card["ask"], card["forms"], given)
    except edits.Twice as twice:
        return proposals.remark(card, str(twice)), [], []
    preview = await caller.preview(card["project"], steps)
    replaces = card["request"] or card["replaces"]
    return proposals.edited(card), [(steps, preview, replaces)], []


VERBS: dict[str, Verb] = {
    "confirm": confirm, "withdraw": withdraw, "use": use, "revise": revise,
}  # fmt: skip


async def followed(caller: Caller, project: str, turns: list[Json]) -> list[Json]:
    """The turns, their requests as the API has them by now; unchanged where it can't tell.

    A card that waits is closed once its request is. An open one that would take a request's place
    takes that of the request which waits in it now, or of none.
    """
    if not any(turn.get("request") or turn.get("replaces") for turn in turns):
        return turns
    try:
        items = (await caller.approvals(project))["items"]
    except ApiError:
        return turns
    known = {item["id"]: item for item in items}
    followers = {item["replaces"]: item for item in items if item.get("replaces")}
    return [_as_of_now(turn, known, followers) for turn in turns]


def _as_of_now(turn: Json, known: dict[str, Json], followers: dict[str, Json]) -> Json:
    if item := known.get(turn.get("request", "")):
        return proposals.follow(turn, item, followers.get(item["id"]))
    if turn.get("status") == "open" and (item := known.get(turn["replaces"])):
        return {**turn, "replaces": _waiting(item, followers)}
    return turn


def _waiting(item: Json, followers: dict[str, Json]) -> str:
    """The id of the request that waits, this one or what took its place; empty where none does."""
    while item["status"] != "pending" and item["id"] in followers:
        item = followers[item["id"]]
    return str(item["id"]) if item["status"] == "pending" and item["mine"] else ""
