"""API Gateway HTTP API events (payload format 2.0), as AWS documents them."""

import json
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Context:
    """A Lambda context with as much time left as a test wants."""

    function_name = "api"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:api"
    aws_request_id = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def __init__(self, seconds: float = 28.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until this invocation is ended."""
        return int(self.seconds * 1000)


def event(
    method: str, url: str, body: Any = None, token: str | None = None, **headers: str
) -> dict[str, Any]:
    """A request as API Gateway hands it over; `body` is sent as JSON unless it is a str."""
    path, query = urlsplit(url).path, urlsplit(url).query
    sent = {"content-type": "application/json", **headers}
    if token:
        sent["authorization"] = f"Bearer {token}"
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": sent,
        "queryStringParameters": dict(parse_qsl(query)) or None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "domainName": "id.execute-api.eu-central-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "tests",
            },
            "requestId": secrets.token_urlsafe(11)[:15] + "=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "body": text,
        "isBase64Encoded": False,
    }
