"""Opening a connection; on Aurora with an IAM token instead of a password.

A token is a presigned request (Signature Version 4) that the database itself checks; it is made
without a network call and holds for 15 minutes, which bounds only the login, not the connection.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from control_plane.settings import SettingRefused, settings

_SERVICE = "rds-db"
_LIFETIME_S = 900
_NO_URL = (
    "A CHAT_AGENT_..._DATABASE_URL can't be read: write postgresql://user:password@host:5432/database,"
    " with %40 and the like for special characters in the password."
)
_EMPTY = hashlib.sha256(b"").hexdigest()


def connect(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Connect as psycopg does, with an IAM token as password where the settings ask for that.

    Raises `SettingRefused` for what is no URL of PostgreSQL; psycopg would tell it whole, with its
    password.
    """
    try:
        conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise SettingRefused(_NO_URL) from None
    if settings().database_iam:
        options["password"] = token(url, os.environ)
    return psycopg.connect(url, **options)


def token(url: str, environment: Mapping[str, str], now: datetime | None = None) -> str:
    """The password for a database URL that names user, host and port.

    `environment` holds the AWS_* variables that Lambda sets: region, key id, secret, session token.
    Raises `SettingRefused` where one is missing.
    """
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if not environment.get(name):
            raise SettingRefused(f"{name} is not set, and CHAT_AGENT_DATABASE_IAM=true needs it.")
    parts, moment = urlsplit(url), now or datetime.now(UTC)
    host = f"{parts.hostname}:{parts.port or 5432}"
    date, region = moment.strftime("%Y%m%d"), environment["AWS_REGION"]
    scope = f"{date}/{region}/{_SERVICE}/aws4_request"
    query = _query(
        {
            "Action": "connect",
            "DBUser": parts.username or "",
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{environment['AWS_ACCESS_KEY_ID']}/{scope}",
            "X-Amz-Date": moment.strftime("%Y%m%dT%H%M%SZ"),
            "X-Amz-Expires": str(_LIFETIME_S),
            "X-Amz-Security-Token": environment.get("AWS_SESSION_TOKEN", ""),
            "X-Amz-SignedHeaders": "host",
        }
    )
    request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{_EMPTY}"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment:%Y%m%dT%H%M%SZ}\n{scope}\n{hashed}"
    key = f"AWS4{environment['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{host}/?{query}&X-Amz-Signature={key.hex()}"


def _query(values: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items() if value)
