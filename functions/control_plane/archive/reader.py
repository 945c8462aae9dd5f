"""Reads archived executions: ranged reads by the manifest's offsets, newest first."""

from collections.abc import Iterator, Mapping
from typing import Any

from control_plane.store import Store


class Archive:
    """Archived executions of any project, found by the manifest in the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def below(self, org: str, project: str, before: int) -> Iterator[Mapping[str, Any]]:
        """A project's archived rows with seq under `before`, newest first, read as needed."""
        ranges = self._store.read(org, "archived_ranges", project=project, before=before)
        yield from ranges
