"""Requests for approval, read from the API and decided there: each as a card."""

import asyncio
from dataclasses import dataclass
from typing import Any

from chat_space import inbox, previews
from chat_space.client import ApiError, Caller

Json = dict[str, Any]
Reading = tuple[Json, Json]  # a project's registry, and its components by id

VOTES = ("approve", "reject")
LONGEST = 2_000  # characters of a comment
MOST_PAST = 20  # ended requests that are listed


@dataclass(frozen=True)
class Told:
    """A request that was just decided, and the id of the one that took its place, if any did."""

    card: Json
    follower: str = ""

    def before(self, cards: list[Json]) -> list[Json]:
        """This card, its follower, then the others."""
        others = [card for card in cards if card["id"] != self.card["id"]]
        return [self.card, *sorted(others, key=lambda card: card["id"] != self.follower)]


async def cast(caller: Caller, item: Json, verb: str, comment: str) -> Told:
    """Vote on a request, or withdraw it. Raises ApiError 401; other errors are told on the card."""
    project = item["project"]["slug"]
    reading = await _read(caller, project)
    card = inbox.card(item, *reading)
    try:
        if verb in VOTES:
            answer = await caller.decide(project, item["id"], verb, comment.strip()[:LONGEST])
        elif verb == "withdraw":
            answer = await caller.withdraw(project, item["id"])
        else:
            return Told(card)
    except ApiError as error:
        if error.status == 401:
            raise
        return _not_cast(error, card, reading)
    return Told(inbox.decided(card, answer))


def _not_cast(error: ApiError, card: Json, reading: Reading) -> Told:
    if error.code != "approval_superseded" or "preview" not in error.members:
        return Told(inbox.remark(card, error.detail))
    now = previews.told([], error.members["preview"], *reading)
    follower = error.members.get("approval") or {}
    return Told(inbox.supersede(card, now), str(follower.get("id", "")))


async def cards_of(caller: Caller, items: list[Json]) -> list[Json]:
    """The requests as cards, in the words of their projects."""
    slugs = list(dict.fromkeys(item["project"]["slug"] for item in items))
    readings = await asyncio.gather(*(_read(caller, slug) for slug in slugs))
    known = dict(zip(slugs, readings, strict=True))
    return [inbox.card(item, *known[item["project"]["slug"]]) for item in items]


async def ended(caller: Caller, project: str) -> list[Json]:
    """The project's newest requests that wait no more; none where the API can't tell."""
    if not project:
        return []
    try:
        items = (await caller.approvals(project))["items"]
    except ApiError:
        return []
    over = [item for item in items if item["status"] != "pending"][:MOST_PAST]
    cards = await cards_of(caller, over)
    return [inbox.past(card, item) for card, item in zip(cards, over, strict=True)]


async def _read(caller: Caller, project: str) -> Reading:
    """What names a project's parts; empty where it can't be read, then ids stand for titles."""
    try:
        registry, state = await asyncio.gather(caller.registry(project), caller.state(project))
    except ApiError:
        return {}, {}
    return registry, state["components"]
