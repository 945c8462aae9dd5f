"""An execution's record out of what the API answers, and whether it has the hash it says. Pure.

The API answers record and payload members side by side; `facts` holds both's. Records are canonical
JSON (RFC 8785), and their numbers are integers. Others than admins may be shown less than all.
"""

import hashlib
import json
from typing import Any

Json = dict[str, Any]

PAYLOAD = ("inputs", "diff", "message", "origin")
ADDED = ("hash", "explanations", "username", "erased", "redacted")
PERSONAL_FACTS = ("username", "email", "attributes")  # these stand in the payload
GENESIS = "0" * 64  # what the first record of a chain has for a hash before


def record_text(execution: Json) -> str:
    """The record's exact text, as far as its members are shown."""
    left_out = (*PAYLOAD, *ADDED, "facts")
    record = {name: value for name, value in execution.items() if name not in left_out}
    facts = execution.get("facts") or {}
    own = {name: fact for name, fact in facts.items() if name not in PERSONAL_FACTS}
    return canonical({**record, **({"facts": own} if own else {})})


def holds(execution: Json) -> bool:
    """Whether the record as it is shown has the hash that is shown."""
    text = record_text(execution).encode("utf-8")
    return hashlib.sha256(text).hexdigest() == execution.get("hash")


def canonical(value: Any) -> str:
    """RFC 8785's text of JSON without fractions: keys in UTF-16's order, nothing to spare."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"))


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if not isinstance(value, dict):
        return value
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return {key: _sorted(value[key]) for key in keys}
