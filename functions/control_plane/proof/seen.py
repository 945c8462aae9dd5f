"""Which executions have been: exactly, by their hashes."""

from control_plane.proof.line import Line

_HASH_BYTES = 32


class Seen:
    """The hashes of one day's executions, to tell a repetition from a forgery; 32 bytes each."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._hashes: dict[str, bytearray] = {}

    def add(self, line: Line) -> None:
        """Remember the next execution of its project."""
        self._first.setdefault(line.project, line.seq)
        self._hashes.setdefault(line.project, bytearray()).extend(bytes.fromhex(line.hash))

    def has(self, line: Line) -> bool:
        """Whether exactly this execution has been."""
        start = (line.seq - self._first.get(line.project, line.seq + 1)) * _HASH_BYTES
        hashes = self._hashes.get(line.project, b"")
        return start >= 0 and hashes[start : start + _HASH_BYTES] == bytes.fromhex(line.hash)
