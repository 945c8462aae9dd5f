"""The Space's settings: environment variables, read once."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chat_space.proxies import networks

log = logging.getLogger(__name__)

LOCAL_API = "http://127.0.0.1:8000"  # where `chat-agent up` serves the API
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - a container is reached from outside of itself
# Whose word about the browser's side of a connection counts: who speaks from a private network.
PRIVATE_NETWORKS = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,::1/128,fc00::/7"
SHORTEST_KEY = 16  # characters
NO_KEY = (
    "SPACE_SECRET_KEY is missing or shorter than 16 characters. It encrypts the session cookies:"
    " set it, or the file that SPACE_SECRET_KEY_FILE names, to a long random text, the same for all"
    " copies of the Space. This makes one:"
    ' python -c "import secrets; print(secrets.token_urlsafe(32))"'
)


@dataclass(frozen=True)
class Settings:
    """Where the API is, the key that seals cookies, and where to listen.

    `api_url` is without `/v1`. `root_path` is the path prefix a proxy strips, or `""`. Of
    `trusted_proxies` (addresses or networks, with commas, or `*`) X-Forwarded-Proto is believed.
    """

    api_url: str
    secret_key: str
    root_path: str = ""
    host: str = EVERY_INTERFACE
    port: int = 7860
    framed_by: str = ""
    trusted_proxies: str = PRIVATE_NETWORKS

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; address and key may also be in files, as `_given` says.

        Raises ValueError where the key is missing, a port is no number, a proxy no address, or a
        named file can't be read.
        """
        on_hugging_face = bool(env.get("SPACE_ID"))
        return cls(
            api_url=_api_url(env),
            secret_key=_long(_given(env, "SPACE_SECRET_KEY")),
            root_path=env.get("GRADIO_ROOT_PATH", "").rstrip("/"),
            host=env.get("GRADIO_SERVER_NAME") or EVERY_INTERFACE,
            port=int(env.get("PORT") or env.get("GRADIO_SERVER_PORT") or 7860),
            framed_by="https://huggingface.co" if on_hugging_face else "",
            trusted_proxies=_proxies(
                env.get("FORWARDED_ALLOW_IPS") or ("*" if on_hugging_face else PRIVATE_NETWORKS)
            ),
        )


def _given(env: Mapping[str, str], name: str) -> str:
    """The variable `name`; where it isn't set, what the file that `NAME_FILE` names holds, or `""`.

    Raises ValueError for a file that can't be read.
    """
    path = env.get(f"{name}_FILE")
    if (value := env.get(name, "").strip()) or not path:
        return value
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name}_FILE is {path!r}, which can't be read: {error}") from error


def _api_url(env: Mapping[str, str]) -> str:
    if url := _given(env, "CHAT_AGENT_API_URL"):
        return url.rstrip("/")
    log.warning("CHAT_AGENT_API_URL is not set: asking %s", LOCAL_API)
    return LOCAL_API


def _proxies(trusted: str) -> str:
    """The list, when all of it can be read."""
    networks(trusted)
    return trusted


def _long(key: str) -> str:
    """The key. Without one there is none: a built-in one would let anybody forge cookies."""
    if len(key) < SHORTEST_KEY:
        raise ValueError(NO_KEY)
    return key
