"""W3C trace context: which trace a request belongs to, and what is sent on with its own calls.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
import secrets
from dataclasses import dataclass, field

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_FORBIDDEN_VERSION = "ff"


def _new_id(size: int) -> str:
    return secrets.token_hex(size)


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, this request's span in it, and its caller's span where the caller named one."""

    trace_id: str = field(default_factory=lambda: _new_id(16))
    parent_id: str | None = None
    flags: str = "00"
    span_id: str = field(default_factory=lambda: _new_id(8))

    @property
    def traceparent(self) -> str:
        """The header for what this request asks of others: the same trace, this span as parent."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    @property
    def members(self) -> dict[str, str]:
        """The trace as a log line names it."""
        named = {"trace_id": self.trace_id, "span_id": self.span_id}
        return {**named, "parent_id": self.parent_id} if self.parent_id else named


def continued(traceparent: str | None) -> Trace:
    """The trace that a header names; a new one where there is none, or it is malformed."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return Trace()
    version, trace_id, parent_id, flags, more = found.groups()
    known_form = more is None if version == "00" else version != _FORBIDDEN_VERSION
    if not known_form or not int(trace_id, 16) or not int(parent_id, 16):
        return Trace()
    return Trace(trace_id, parent_id, flags)
