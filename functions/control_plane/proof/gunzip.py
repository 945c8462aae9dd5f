"""Lines out of an archive object: gzip members one after the other, in bounded memory.

Of a damaged file everything before the damage is read first, so that the fault can be named.
"""

import zlib
from collections.abc import Iterable, Iterator

from control_plane.proof.finding import Broken

DAMAGED = "From here on it can't be decompressed: the file is damaged or cut off."
UNENDED = "Its last line has no end: the file is cut off."
_HEADER = b"\x1f\x8b\x08" + bytes(5)
"""Deflate, no flags, no time: as every member is written. Two bytes follow that say nothing."""
_HEADER_SIZE = 10
_STEP = 16 * 1024
"""Compressed bytes taken at a time; deflate makes at most 1,032 times as many of them."""


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """An object's lines without their ends; raises `Broken` after the last that can be read."""
    rest: list[bytes] = []
    for piece in _members(chunks):
        first, *more = piece.split(b"\n")
        rest.append(first)
        for line in more:
            yield b"".join(rest)
            rest = [line]
    if any(rest):
        raise Broken(UNENDED)


def _members(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The decompressed bytes of all members, piece by piece."""
    member, data = None, b""
    for step in _steps(chunks):
        data += step
        while data:
            if member is None:
                if len(data) < _HEADER_SIZE:
                    break
                if not data.startswith(_HEADER):
                    raise Broken(DAMAGED)
                member = zlib.decompressobj(wbits=31)
            before = member.copy()
            try:
                yield member.decompress(data)
            except zlib.error:
                yield from _before_damage(before, data)
                raise Broken(DAMAGED) from None
            data = member.unused_data
            member = None if member.eof else member
    if member is not None or data:
        raise Broken(DAMAGED)


def _steps(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _STEP):
            yield chunk[start : start + _STEP]


def _before_damage(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What the bytes before the one that can't be read decompress to."""
    for place in range(len(data)):
        try:
            yield member.decompress(data[place : place + 1])
        except zlib.error:
            return
