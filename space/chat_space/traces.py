"""W3C trace context: the API's log lines of one thing that somebody did here carry one trace id.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import secrets


def new_trace() -> str:
    """The id of a new trace."""
    return secrets.token_hex(16)


def traceparent(trace_id: str) -> str:
    """The header of one request of a trace."""
    return f"00-{trace_id}-{secrets.token_hex(8)}-00"
