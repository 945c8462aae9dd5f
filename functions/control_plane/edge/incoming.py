"""A request before anything reads it: its id, its method, its texts, its body's size and type."""

import binascii
import re
from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any

from control_plane.errors import (
    BodyTooLarge,
    Malformed,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from control_plane.ids import uuid7

type Event = Mapping[str, Any]
"""An API Gateway HTTP API event (payload format 2.0)."""

JSON = "application/json"

# PostgreSQL can't even be asked for these.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_TAG = re.compile('"[!#-~\x80-\xff]*"')
_SOUND_ID = re.compile("[!-~]{1,128}")


def identified(event: Event) -> dict[str, Any]:
    """The event with the gateway's request id, or one of ours where that can't be kept as text."""
    context = event["requestContext"]
    given = context.get("requestId")
    sound = isinstance(given, str) and _SOUND_ID.fullmatch(given)
    return {**event, "requestContext": {**context, "requestId": given if sound else uuid7()}}


def request_id(event: Event) -> str:
    """The id of a request that has been `identified`: in its answer, in logs and in records."""
    id: str = event["requestContext"]["requestId"]
    return id


def method(event: Event) -> str:
    """The request's method."""
    name: str = event["requestContext"]["http"]["method"]
    return name.upper()


def as_get(event: Event) -> dict[str, Any]:
    """The same request, sent as GET."""
    context = event["requestContext"]
    http = {**context["http"], "method": "GET"}
    return {**event, "requestContext": {**context, "http": http}}


def header(event: Event, name: str, default: str = "") -> str:
    """A header's value; `name` in lower case, as the gateway writes it."""
    value: str = (event.get("headers") or {}).get(name, default)
    return value


def knows(event: Event, tag: str) -> bool:
    """Whether If-None-Match names this entity tag or any (RFC 9110: compared weakly)."""
    named = header(event, "if-none-match").strip()
    return named == "*" or tag in _TAG.findall(named)


def check_text(event: Event) -> None:
    """Refuse addresses and headers that can't be stored or that nobody sends on purpose."""
    values = (event.get("queryStringParameters") or {}).values()
    texts = [event["rawPath"], *values, *(event.get("headers") or {}).values()]
    if _CONTROL.search(event["rawPath"]) or any(_UNSTORABLE.search(text) for text in texts):
        raise Malformed("The address or a header holds a character that can't be stored.")


def check_method(event: Event, served: Collection[str]) -> list[str]:
    """The methods that may be sent to an address which serves these.

    Raises `NotFound` where it serves none, `MethodNotAllowed` where another was sent.
    """
    if not served:
        raise NotFound()
    allowed = sorted({*served, "OPTIONS", *(["HEAD"] if "GET" in served else [])})
    if method(event) not in allowed:
        raise MethodNotAllowed(allow=allowed)
    return allowed


def body(event: Event, largest: int, *media: str) -> bytes:
    """The body's bytes, at most so many and of one of these media types.

    Without a content type it is taken for the first. An empty body is of any type.
    """
    sent = (event.get("body") or "").encode(errors="surrogatepass")
    if event.get("isBase64Encoded"):
        sent = _decoded(sent)
    if len(sent) > largest:
        raise BodyTooLarge(f"The body is too large. Send at most {_readable(largest)}.")
    if sent and media_type(event, media[0]) not in media:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(media)}.")
    if sent and header(event, "content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without a Content-Encoding.")
    return sent


def media_type(event: Event, default: str = JSON) -> str:
    """The body's media type in lower case, without parameters."""
    return header(event, "content-type", default).partition(";")[0].strip().lower()


def _readable(size: int) -> str:
    kib, mib = size // 1024, size // 1024**2
    return f"{mib} MiB" if mib else f"{kib} KiB"


def _decoded(text: bytes) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise Malformed("The body is said to be Base64 and is not.") from error
