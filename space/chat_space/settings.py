"""The Space's settings: environment variables, read once."""

import logging
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

LOCAL_API = "http://127.0.0.1:8000"  # where `chat-agent up` serves the API
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - a container is reached from outside of itself


@dataclass(frozen=True)
class Settings:
    """Where the API is, the key that seals cookies, and where to listen.

    `api_url` is without `/v1`. `root_path` is the path prefix a proxy strips, or `""`.
    """

    api_url: str
    secret_key: str
    root_path: str = ""
    host: str = EVERY_INTERFACE
    port: int = 7860
    framed_by: str = ""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; a secret `NAME` may also be a file named by `NAME_FILE`.

        Raises ValueError where a port is no number and OSError where a named file can't be read.
        """
        return cls(
            api_url=_api_url(env),
            secret_key=_secret(env, "SPACE_SECRET_KEY") or _throwaway_key(),
            root_path=env.get("GRADIO_ROOT_PATH", "").rstrip("/"),
            host=env.get("GRADIO_SERVER_NAME") or EVERY_INTERFACE,
            port=int(env.get("PORT") or env.get("GRADIO_SERVER_PORT") or 7860),
            framed_by="https://huggingface.co" if env.get("SPACE_ID") else "",
        )


def _secret(env: Mapping[str, str], name: str) -> str:
    """The value of `name`, or what the file named by `<name>_FILE` holds, or `""`."""
    if path := env.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return env.get(name, "").strip()


def _api_url(env: Mapping[str, str]) -> str:
    if url := env.get("CHAT_AGENT_API_URL", "").strip():
        return url.rstrip("/")
    log.warning("CHAT_AGENT_API_URL is not set: asking %s", LOCAL_API)
    return LOCAL_API


def _throwaway_key() -> str:
    """A key of this process alone: never a built-in one, which anybody could forge cookies with."""
    log.warning("SPACE_SECRET_KEY is not set: sessions end with this process and one replica only")
    return secrets.token_urlsafe(32)
