"""The states that erasures have kept beside the archive: where a replay goes on."""

import zlib
from collections.abc import Iterator
from typing import Any

from control_plane.archive.checkpoints import KEY, unpacked
from control_plane.canonical import canonical, sha256
from control_plane.restore.source import Buckets


class Kept:
    """One organization's kept states, each read when it is needed, and proved by its record."""

    def __init__(self, source: Buckets, org: str) -> None:
        self._source = source
        self._keys: dict[tuple[str, int], list[str]] = {}
        for found in filter(None, map(KEY.fullmatch, source.checkpoints(org))):
            self._keys.setdefault((found[2], int(found[3])), []).append(found[0])

    def at(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """The state right after an execution, if it was kept; one that isn't the recorded is none.

        Answers `components` and `schemas`.
        """
        for members in self._read(record["project"], record["version"]):
            hashes = {id: sha256(canonical(s)) for id, s in members["components"].items()}
            if sha256(canonical(hashes)) == record["state_hash"]:
                return members
        return None

    def _read(self, project: str, version: int) -> Iterator[dict[str, Any]]:
        for key in self._keys.get((project, version), []):
            try:
                yield unpacked(self._source.read(key))
            except (OSError, EOFError, ValueError, zlib.error):
                continue
