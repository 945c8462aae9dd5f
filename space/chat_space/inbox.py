"""Requests for approval as cards: who asked for what, who said what, what may be done. Pure."""

from typing import Any

from chat_space import moved, previews
from chat_space.labels import clip, humanize

Json = dict[str, Any]

MOST_COMMENT = 1000  # characters of a comment that are shown
MOST_CHANGES = 3  # of a request that waits no more
OUTCOMES = {  # a request's status: the badge's words and tone, and what it means
    "pending": ("Waiting", "wait", ""),
    "done": ("Approved", "good", "It was carried out."),
    "rejected": ("Rejected", "bad", "Nothing was changed."),
    "withdrawn": ("Withdrawn", "quiet", "Nothing was changed."),
    "expired": ("Expired", "quiet", "Its time ran out. Nothing was changed."),
    "superseded": (
        "Superseded",
        "wait",
        "It would have done something else by then. Nothing was changed.",
    ),
}
UNREADABLE: Json = {"status": "pending_approval", "steps": []}  # its template isn't installed
VOTES = {"approve": "approved", "reject": "rejected"}


def card(item: Json, registry: Json, state: Json) -> Json:
    """One request as a card, as the API lists it to the caller.

    `registry` and `state` are its project's, empty where the caller can't read them.
    """
    preview = item.get("preview") or UNREADABLE
    badge, tone, _ = outcome_of(item)
    waiting = item["status"] == "pending"
    return {
        "id": item["id"],
        "status": item["status"],
        "badge": badge,
        "tone": tone,
        "who": _who(item["requester"]),
        "at": item["requested_at"],
        "project": item["project"]["title"],
        "expires_at": item.get("expires_at"),
        "edited": bool(item.get("replaces")),
        "votes": [_vote(vote) for vote in item.get("decisions") or []],
        "progress": _progress(item) if waiting else "",
        "may_decide": waiting and bool(item["may_decide"]),
        "may_withdraw": waiting and bool(item["mine"]),
        "outcome": "",
        "moved": [],
        **previews.told([], preview, registry, state),
        "price": previews.price(preview) | {"limit": None},  # what is left has moved since
        "approval": _needs(item),
    }


def _who(requester: Json) -> str:
    """The requester's name; a command’s request is the system’s."""
    unnamed = "the system" if requester.get("id") == "system" else "somebody"
    return requester.get("username") or unnamed


def past(card: Json, item: Json) -> Json:
    """A request that waits no more, as one line: its first changes, and how it ended."""
    changes = [change for step in card["steps"] for change in step["changes"]]
    return {**card, "changes": changes[:MOST_CHANGES], "outcome": outcome_of(item)[2]}


def decided(card: Json, answer: Json) -> Json:
    """The card after the API took a vote or a withdrawal: `answer` is the execution or outcome."""
    executions = answer.get("executions") or [answer]
    why = " ".join(text for done in executions for text in done.get("explanations") or [])
    approval = answer.get("approval") or {}
    status = approval.get("status")
    if status == "done":
        return _closed(card, status, f"Committed as {previews.numbers(executions)}.")
    if status == "pending":
        votes = f"{approval.get('approved')} of {approval.get('count')}"
        return _closed(card, "pending", f"Your vote counts: {votes} so far.")
    if status in OUTCOMES:
        return _closed(card, status, why or OUTCOMES[status][2])
    return _closed(card, card["status"], why or "That was refused.")


def supersede(card: Json, now: Json) -> Json:
    """The card after a 409: what was approved against what the new request `now` would do."""
    told = moved.compare("Superseded. You approved", card["steps"], now["steps"])
    return {**_closed(card, "superseded", told["outcome"]), **told}


def remark(card: Json, sentence: str) -> Json:
    """The card as it is, with a sentence about what was tried."""
    return {**card, "outcome": sentence}


def outcome_of(item: Json) -> tuple[str, str, str]:
    """A request's badge, tone and a sentence on how it ended, with the deciding comments."""
    plain = (humanize(item["status"]), "quiet", "")
    badge, tone, meaning = OUTCOMES.get(item["status"], plain)
    votes = " ".join(_told(_vote(vote)) for vote in item.get("decisions") or [])
    return badge, tone, f"{votes} {meaning}".strip()


def _closed(card: Json, status: str, outcome: str) -> Json:
    """The card with nothing left to press."""
    badge, tone, _ = outcome_of({"status": status})
    said = {"status": status, "badge": badge, "tone": tone, "outcome": outcome, "approval": ""}
    return {**card, **said, "may_decide": False, "may_withdraw": False, "progress": ""}


def _vote(vote: Json) -> Json:
    return {
        "who": vote.get("username") or "somebody",
        "what": VOTES.get(vote["decision"], vote["decision"]),
        "comment": clip(vote.get("comment") or "", MOST_COMMENT),
        "at": vote["at"],
    }


def _told(vote: Json) -> str:
    comment = f": “{vote['comment']}”" if vote["comment"] else "."
    return f"{vote['who']} {vote['what']} it{comment}"


def _needs(item: Json) -> str:
    asked = (item.get("preview") or {}).get("approval") or {}
    because = asked.get("because") or []
    return previews.approval_sentence(
        {"role": item["role"], "count": item["count"], "because": because}
    )


def _progress(item: Json) -> str:
    if item["count"] < 2:
        return ""
    given = sum(vote["decision"] == "approve" for vote in item.get("decisions") or [])
    return f"{given} of {item['count']} so far."
