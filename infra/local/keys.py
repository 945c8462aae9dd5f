"""The local stack's secrets: made once, kept in one file that only its owner can read."""

import json
import os
import secrets
from collections.abc import Mapping
from copy import replace
from dataclasses import asdict, dataclass, field
from pathlib import Path

from control_plane import settings

from infra.local.errors import LocalError

ACCOUNTS = ("operator", "approver", "viewer")
"""The demo's people: `up` makes them, in project Harbor."""
ROLES = ("chat_agent_app", "chat_agent_archiver", "chat_agent_owner")


@dataclass(frozen=True)
class Keys:
    """Passwords of the database's logins by role, of the admin and of the demo's accounts by name;
    the Space's and S3's keys."""

    roles: dict[str, str]
    admin_password: str
    space_secret_key: str
    s3_access_key: str
    s3_secret_key: str
    accounts: dict[str, str] = field(default_factory=dict)


def load_keys(path: Path, environ: Mapping[str, str] = os.environ) -> Keys:
    """Return the keys in `path`, making them at first.

    The admin's password is CHAT_AGENT_ADMIN_PASSWORD (or what the file named by
    CHAT_AGENT_ADMIN_PASSWORD_FILE holds) whenever that is set, else the one kept, first generated.
    Raises `LocalError` for one that is too short, `SettingRefused` for a file that can't be read.
    """
    wanted = _wanted_password(environ)
    if not path.exists():
        _write(path, _generate(wanted))
    keys = Keys(**json.loads(path.read_text()))
    missing = {name: secrets.token_urlsafe(12) for name in ACCOUNTS if name not in keys.accounts}
    if missing or (wanted and wanted != keys.admin_password):
        accounts = {**keys.accounts, **missing}
        keys = replace(keys, admin_password=wanted or keys.admin_password, accounts=accounts)
        _write(path, keys)
    return keys


def _generate(admin_password: str) -> Keys:
    return Keys(
        roles={role: secrets.token_urlsafe(24) for role in ROLES},
        admin_password=admin_password or secrets.token_urlsafe(12),
        space_secret_key=secrets.token_urlsafe(32),
        s3_access_key="LOCAL" + secrets.token_hex(8).upper(),
        s3_secret_key=secrets.token_urlsafe(30),
    )


def _wanted_password(environ: Mapping[str, str]) -> str:
    wanted = settings.value(environ, "CHAT_AGENT_ADMIN_PASSWORD")
    if not wanted:
        return ""

    from control_plane.people import MIN_PASSWORD  # slow to import

    if len(wanted) < MIN_PASSWORD:
        raise LocalError(f"CHAT_AGENT_ADMIN_PASSWORD needs at least {MIN_PASSWORD} characters.")
    return wanted


def _write(path: Path, keys: Keys) -> None:
    # Whole or not at all: a half-written file would lock the owner out of the data.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(keys), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
