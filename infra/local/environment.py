"""Environment variables: those that reach this stack, and those its processes are given."""

import os
from collections.abc import Mapping
from urllib.parse import quote

from infra.local.invoke import REGION
from infra.local.keys import Keys

DATABASE = "chat_agent"
# Of the caller's environment: each would lead a process away from this stack.
MISLEADING = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "CHAT_AGENT_DATABASE_IAM",
    "CHAT_AGENT_ADMIN_PASSWORD",
    "SPACE_SECRET_KEY_FILE",
)
LOCAL_HOSTS = "127.0.0.1,localhost"


def ready_env(keys: Keys, postgres_port: int, s3_port: int, api_port: int) -> dict[str, str]:
    """Return every variable that a command or an S3 client needs to reach this stack."""

    def url(role: str) -> str:
        password = quote(keys.roles[role], safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{postgres_port}/{DATABASE}"

    return {
        "CHAT_AGENT_DATABASE_URL": url("chat_agent_app"),
        "CHAT_AGENT_ARCHIVER_DATABASE_URL": url("chat_agent_archiver"),
        "CHAT_AGENT_OWNER_DATABASE_URL": url("chat_agent_owner"),
        "CHAT_AGENT_ARCHIVE_BUCKET": "chat-agent-archive",
        "CHAT_AGENT_ANCHOR_BUCKET": "chat-agent-anchors",
        "CHAT_AGENT_API_URL": f"http://127.0.0.1:{api_port}",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{s3_port}",
        "AWS_ACCESS_KEY_ID": keys.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_secret_key,
        "AWS_DEFAULT_REGION": REGION,
    }


def child_env(more: Mapping[str, str], base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return a process's whole environment: `base` without what misleads, then `more`.

    Proxies are for the outside only; the parts of the stack talk to one another directly.
    """
    env = {name: value for name, value in base.items() if name not in MISLEADING}
    for name in ("NO_PROXY", "no_proxy"):
        env[name] = ",".join(filter(None, [env.get(name), LOCAL_HOSTS]))
    return env | {"PYTHONUNBUFFERED": "1", "POWERTOOLS_SERVICE_NAME": "chat-agent"} | dict(more)
