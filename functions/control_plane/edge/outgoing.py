"""An answer on its way out: problems, and the headers that every one of them carries."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from control_plane.edge.incoming import Event, header, method, request_id
from control_plane.errors import ControlPlaneError, problem
from control_plane.settings import settings

PROBLEM_JSON = "application/problem+json"
LONGEST_TEXT = 1_000_000
"""Characters of a body that is answered as text: Lambda writes it into JSON, six bytes for one at
the most, and takes 6 MiB. A longer one goes in Base64, which holds 4 MiB whatever they are of."""

_ALWAYS = {
    # What one caller may see is nobody else's: no cache keeps it, unless the answer says how.
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
}
_EXPOSED = "ETag, Next-Cursor, Retry-After, X-Request-Id"
_ACCEPTED = "Authorization, Content-Type, Idempotency-Key, If-None-Match, traceparent"
_PREFLIGHT_HOLDS = "600"  # seconds


def dressed(event: Event, answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with what browsers and caches must know of it, and the request's id.

    To HEAD it is the same without its body. The gateway undoes Base64, whatever the media type.
    """
    own = answer.get("headers") or {}
    always = {**_ALWAYS, "X-Request-Id": request_id(event)}
    headers = {**always, **_cors(event, own), **own}
    body = "" if method(event) == "HEAD" else answer.get("body") or ""
    return {**answer, "headers": headers, **_carried(body)}


def _carried(body: str) -> dict[str, Any]:
    """A body as Lambda's result carries it, with room to spare."""
    if len(body) <= LONGEST_TEXT:
        return {"body": body, "isBase64Encoded": False}
    return {"body": b64encode(body.encode()).decode(), "isBase64Encoded": True}


def problem_answer(error: ControlPlaneError) -> dict[str, Any]:
    """An error as API Gateway takes it."""
    return {
        "statusCode": error.status.value,
        "headers": {"Content-Type": PROBLEM_JSON, **error.headers},
        "body": orjson.dumps(problem(error)).decode(),
        "isBase64Encoded": False,
    }


def options_answer(allowed: Sequence[str]) -> dict[str, Any]:
    """What may be sent to an address; whether a browser may, `dressed` adds."""
    return {"statusCode": 204, "headers": {"Allow": ", ".join(allowed)}, "body": ""}


def _cors(event: Event, own: Mapping[str, str]) -> dict[str, str]:
    """What a browser needs to let a listed origin's page read this; nothing for any other.

    Pages send their token themselves, so that credentials are never allowed.
    """
    origin = header(event, "origin")
    if origin not in settings().allowed_origins:
        return {}
    cors = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}
    if method(event) == "OPTIONS" and "Allow" in own:
        cors["Access-Control-Allow-Methods"] = own["Allow"]
        cors["Access-Control-Allow-Headers"] = _ACCEPTED
        cors["Access-Control-Max-Age"] = _PREFLIGHT_HOLDS
    return cors
