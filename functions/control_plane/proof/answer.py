"""Record and payload out of what the API answers, to hash them oneself.

Only an admin's answer is whole; others' may be `redacted` or lack facts. The salt is no part of an
answer: `payload_hash` can be checked against the archived line, or the database's row.
"""

from collections.abc import Mapping

from control_plane.canonical import canonical
from control_plane.engine.rules import PERSONAL_FACTS
from control_plane.models import Json

PAYLOAD = ("inputs", "diff", "message", "origin")
"""Members that are the payload's; `facts` is in both."""
ADDED = ("hash", "explanations", "username", "erased", "redacted", "facts")
"""Members that the API adds to record and payload, and `facts`."""


def record_text(answer: Mapping[str, Json]) -> str:
    """The record's canonical text, whose SHA-256 is the answer's `hash`."""
    record = {name: value for name, value in answer.items() if name not in (*PAYLOAD, *ADDED)}
    return canonical(record | _facts(answer, personal=False))


def payload_text(answer: Mapping[str, Json]) -> str | None:
    """The payload's canonical text; None where it was erased."""
    if answer.get("erased"):
        return None
    payload = {name: answer[name] for name in PAYLOAD if name in answer}
    return canonical(payload | _facts(answer, personal=True))


def _facts(answer: Mapping[str, Json], *, personal: bool) -> dict[str, Json]:
    """What a decision read beside state and inputs; what is personal stands in the payload."""
    facts = answer.get("facts", {})
    chosen = {name: fact for name, fact in facts.items() if (name in PERSONAL_FACTS) == personal}
    return {"facts": chosen} if chosen else {}
