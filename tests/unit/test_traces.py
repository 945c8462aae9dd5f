"""Trace context: taken over where it is well formed, passed on, and ignored otherwise."""

import re

import pytest
from control_plane.observing.traces import continued

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("traceparent", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"01-{TRACE}-{SPAN}-03", "03"),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", "01"),
    ],
)
def test_a_well_formed_context_is_continued(traceparent: str, flags: str) -> None:
    """The trace stays, the caller's span is the parent, and this request is a span of its own."""
    trace = continued(traceparent)
    assert (trace.trace_id, trace.parent_id) == (TRACE, SPAN)
    assert trace.traceparent == f"00-{TRACE}-{trace.span_id}-{flags}"
    assert re.fullmatch(r"[0-9a-f]{16}", trace.span_id)
    assert trace.span_id != SPAN


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0\N{ARABIC-INDIC DIGIT THREE}",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
    ],
)
def test_a_malformed_context_is_ignored(traceparent: str | None) -> None:
    """A new trace begins, and nothing of what was sent is kept."""
    trace = continued(traceparent)
    assert trace.parent_id is None
    assert trace.trace_id != TRACE
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.traceparent)
