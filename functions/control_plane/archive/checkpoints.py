"""States that erasures keep beside the archive: where a restore goes on after what was erased."""

import gzip
import hashlib
import re
from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.archive.database import Connection, fetch
from control_plane.canonical import canonical, stored

FORMAT_VERSION = 1
KEY = re.compile(
    r"checkpoints/org=([0-9a-f-]{36})/project=([0-9a-f-]{36})/v([0-9]+)-([0-9a-f]{16})\.json\.gz"
)


def keep(connection: Connection, bucket: Bucket, erasure: dict[str, Any]) -> None:
    """Put the state right after an erasure's last version, unless a later erasure took that."""
    wanted = {"project": erasure["project"], "version": erasure["last_version"]}
    for row in fetch(connection, "erasure_checkpoint", **wanted):
        body = packed(erasure["org"], erasure["project"], row)
        sha256 = hashlib.sha256(body).hexdigest()
        key = f"{prefix(erasure['org'], erasure['project'])}v{row['version']}-{sha256[:16]}.json.gz"
        bucket.keep(key, body, "application/gzip")


def prefix(org: str, project: str) -> str:
    """Where a project's checkpoints lie."""
    return f"checkpoints/org={org}/project={project}/"


def packed(org: str, project: str, row: dict[str, Any]) -> bytes:
    """A checkpoint's bytes: canonical JSON, which its version's `state_hash` proves."""
    members = {
        "v": FORMAT_VERSION,
        "org": org,
        "project": project,
        **{name: row[name] for name in ("version", "at", "seq")},
        "schemas": stored(row["schemas"]),
        "components": stored(row["state"]),
    }
    return gzip.compress(canonical(members).encode(), mtime=0)


def unpacked(body: bytes) -> dict[str, Any]:
    """A checkpoint's members."""
    members: dict[str, Any] = stored(gzip.decompress(body).decode())
    return members
