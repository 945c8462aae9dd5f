"""An append-only file of acknowledged entries: each is on disk before its writer goes on."""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from infra.local.errors import LocalError

HEADER = struct.Struct("<QI")  # length of the payload in bytes, CRC-32 of the payload


class JournalError(LocalError):
    """The journal is in use, or damaged before its end: acknowledged entries would be lost."""


class Journal:
    """Entries of bytes in one file, made on first use; one process, and one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = open(path, "r+b" if path.exists() else "w+b")  # noqa: SIM115
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(f"Another process writes {path}.") from None
        _sync_directory(path.parent)

    def close(self) -> None:
        """Close the file; nothing is left to write."""
        self._file.close()

    def append(self, payload: bytes) -> None:
        """Write one entry (not empty) and return when it is on disk. Raises OSError."""
        self._file.write(HEADER.pack(len(payload), zlib.crc32(payload)))
        self._file.write(payload)
        self._file.flush()
        os.fsync(self._file.fileno())

    def replay(self) -> Iterator[bytes]:
        """Yield every entry in order, then cut a torn last one off and stand at the end.

        An entry is torn when a crash stopped it half-way: it was never acknowledged. Exhaust
        this before the first `append`. Raises JournalError on damage that is not the tail's.
        """
        self._file.seek(0)
        good = 0
        while (payload := self._next()) is not None:
            good = self._file.tell()
            yield payload
        self._cut(good)

    def _next(self) -> bytes | None:
        header = self._file.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        length, checksum = HEADER.unpack(header)
        if not 0 < length <= self._left():
            return None
        payload = self._file.read(length)
        return payload if zlib.crc32(payload) == checksum else None

    def _left(self) -> int:
        return os.fstat(self._file.fileno()).st_size - self._file.tell()

    def _cut(self, good: int) -> None:
        self._file.seek(good)
        self._refuse_inner_damage(good)
        self._file.seek(good)
        self._file.truncate()
        os.fsync(self._file.fileno())

    def _refuse_inner_damage(self, good: int) -> None:
        """Raise when the entry at `good` is damaged and whole bytes follow it."""
        header = self._file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        length, _ = HEADER.unpack(header)
        if length < self._left() and any(self._file.read()):
            raise JournalError(f"{self.path} is damaged at byte {good}, before its end.")


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
