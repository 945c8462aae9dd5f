"""A chain that is verified step by step: what was seen so far, and the verdict in words. Pure."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from chat_space.client import ApiError

Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """What the steps so far have shown. The browser carries it from one to the next.

    `first` and `last` are None while nothing was looked at, `next` where there is nothing left to.
    """

    head: int = 0
    archived: int = 0
    first: int | None = None
    last: int | None = None
    next: int | None = 1
    finding: Json | None = None
    not_checked: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> "Seen | None":
        """What was carried; None at the beginning. Raises ApiError 422 for anything else."""
        if not text:
            return None
        try:
            seen = cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise _unreadable() from error
        if not isinstance(seen.next, int) or seen.next < 1:
            raise _unreadable()
        return seen

    def text(self) -> str:
        """As the browser carries it."""
        return json.dumps(asdict(self))


def _unreadable() -> ApiError:
    return ApiError(422, "invalid_body", "Begin anew: what was seen before can’t be read.")


def advance(seen: Seen | None, answer: Json) -> Seen:
    """What was seen with one more answer of the API.

    What it left out before and after its own step is the other steps' business.
    """
    first, last = answer["first_seq"], answer["last_seq"]
    return Seen(
        head=answer["head"]["seq"],
        archived=answer["archived"]["seq"],
        first=first if seen is None or seen.first is None else seen.first,
        last=seen.last if last is None and seen is not None else last,
        next=answer["next_from_seq"],
        finding=answer["finding"],
        not_checked=[text for text in answer["not_checked"] if "from_seq" not in text],
    )


def told(seen: Seen) -> Json:
    """What the page shows: a tone, sentences, and how much of the chain is what, in percent."""
    tone, verdict = _verdict(seen)
    bad = (seen.finding or {}).get("seq")
    return {
        "tone": tone,
        "verdict": verdict,
        "problem": (seen.finding or {}).get("problem", ""),
        "bad": bad,
        "checked": _checked(seen),
        "not_checked": [*_after(seen), *seen.not_checked] if seen.next is None else [],
        "head": seen.head,
        "reached": seen.last or seen.archived,
        "archived": _percent(seen.archived, seen.head),
        "covered": _percent((seen.last or seen.archived) - seen.archived, seen.head),
        "archived_to": seen.archived,
    }


def _after(seen: Seen) -> list[str]:
    """What stands behind a fault, as a sentence; nothing where there is none."""
    bad = (seen.finding or {}).get("seq") or seen.head
    after = f"Executions {bad + 1} to {seen.head}, which stand after the fault."
    return [after] if bad < seen.head else []


def _verdict(seen: Seen) -> tuple[str, str]:
    if seen.finding is not None:
        at = seen.finding.get("seq")
        return "bad", f"The chain is broken at execution {at}." if at else "The chain is broken."
    if seen.next is not None:
        return "busy", f"Verifying: up to execution {seen.last or seen.archived} of {seen.head} …"
    if seen.last is None:
        return "wait", "There is nothing in the database to verify."
    return "good", "Everything that was looked at is in order."


def _checked(seen: Seen) -> str:
    if seen.first is None or seen.last is None:
        return ""
    onto = f", the one to execution {seen.first - 1} included" if seen.first > 1 else ""
    looked = "record and payload by their hashes, and each link"
    return f"Executions {seen.first} to {seen.last}: {looked}{onto}."


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0
