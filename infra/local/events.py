"""HTTP requests as API Gateway's events (payload format 2.0), and results as HTTP answers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from infra.local.invoke import ACCOUNT

# Bodies of these types come as text, all others in Base64.
TEXT = re.compile(r"text/|application/(json|javascript|xml|[\w.-]+\+(json|xml))\b", re.IGNORECASE)


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came: `target` is the encoded path, `query` what follows the `?`."""

    method: str
    target: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"

    @property
    def path(self) -> str:
        """The decoded path: HTTP APIs match and hand over that one."""
        return unquote(self.target)


@dataclass(frozen=True)
class HttpResponse:
    """An answer: status, header lines in order, bytes."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class MalformedResultError(ValueError):
    """The function's result is no answer that API Gateway understands."""


def build_event(request: HttpRequest, route_key: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Return the version 2.0 event of `request`; as on AWS, absent parts are left out."""
    headers, cookies = _headers(request)
    text, encoded = _body(request.body, headers.get("content-type", ""))
    query = _joined(parse_qsl(request.query, keep_blank_values=True))
    optional = {
        "cookies": cookies,
        "queryStringParameters": query,
        "pathParameters": parameters,
        "body": text,
    }
    return {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _context(request, route_key, headers),
        "isBase64Encoded": encoded,
        **{name: value for name, value in optional.items() if value},
    }


def read_result(result: object) -> HttpResponse:
    """Return the HTTP answer that a handler's result means.

    A result without `statusCode` is a body: JSON, status 200. Raises MalformedResultError.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else _to_json(result)
        return HttpResponse(HTTPStatus.OK, [("content-type", "application/json")], text.encode())
    try:
        headers = {str(k).lower(): _header(v) for k, v in (result.get("headers") or {}).items()}
        cookies = [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
        status, body = int(result["statusCode"]), _result_body(result)
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedResultError(str(error)) from error
    headers.setdefault("content-type", "text/plain;charset=UTF-8")
    return HttpResponse(status, [*headers.items(), *cookies], body)


def _result_body(result: dict[str, Any]) -> bytes:
    body = result.get("body") or ""
    if not isinstance(body, str):
        raise MalformedResultError("the body is not a string")
    return base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()


def _header(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _to_json(value: object) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise MalformedResultError(str(error)) from error


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return values by name, those of one name joined by commas."""
    values = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    return {name: ",".join(several) for name, several in values.items()}


def _headers(request: HttpRequest) -> tuple[dict[str, str], list[str]]:
    headers = _joined((name.lower(), value) for name, value in request.headers)
    cookies = [text.strip() for text in headers.pop("cookie", "").split(";") if text.strip()]
    forwarded = [*filter(None, [headers.get("x-forwarded-for")]), request.source_ip]
    trace = f"{int(time.time()):08x}-{secrets.token_hex(12)}"
    headers |= {
        "x-amzn-trace-id": headers.get("x-amzn-trace-id", f"Root=1-{trace}"),
        "x-forwarded-for": ", ".join(forwarded),
        "x-forwarded-port": headers.get("host", "").partition(":")[2] or "80",
        "x-forwarded-proto": "http",
    }
    return headers, cookies


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    if TEXT.match(content_type.strip()):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            return base64.b64encode(body).decode(), True
    return base64.b64encode(body).decode(), bool(body)


def _context(request: HttpRequest, route_key: str, headers: dict[str, str]) -> dict[str, Any]:
    domain = headers.get("host", "").partition(":")[0]
    now = datetime.now(UTC)
    return {
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": secrets.token_urlsafe(11)[:15] + "=",
        "routeKey": route_key,
        "stage": "$default",
        "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
        "timeEpoch": int(now.timestamp() * 1000),
    }
