"""Where archive and anchors lie: two buckets, read by key."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.canonical import stored
from control_plane.proof import gunzip
from control_plane.proof.anchors import OBJECT_KEY
from control_plane.proof.finding import Broken
from control_plane.proof.line import read_line
from control_plane.proof.notice import anchored, folders, in_order

type Line = dict[str, Any]
"""An archived execution: hash, payload, record, salt."""
type Member = tuple[int, int, list[Line]]
"""A project's consecutive executions in an object: where they lie, how long that is, and they."""


@dataclass
class Buckets:
    """The archive's bucket and the anchors'."""

    archive: Bucket
    anchor: Bucket

    def organizations(self) -> list[str]:
        """Those that have anchors: what nothing vouches for is not restored."""
        return anchored(self.anchor.keys("anchors/"))

    def objects(self, org: str) -> list[str]:
        """In the order of their days and parts."""
        return sorted(self.archive.keys(f"executions/org={org}/"))

    def anchors(self, org: str) -> list[str]:
        """And the notices of forks, in order; not the last ones, which no anchor has followed."""
        keys = in_order(key for folder in folders(org) for key in self.anchor.keys(folder))
        while keys and keys[-1].startswith("forks/"):
            del keys[-1]
        return keys

    def checkpoints(self, org: str) -> list[str]:
        """They lie beside the archive."""
        return list(self.archive.keys(f"checkpoints/org={org}/"))

    def read(self, key: str) -> bytes:
        """From the bucket that the key belongs to."""
        anchored = key.startswith(("anchors/", "forks/"))
        return (self.anchor if anchored else self.archive).read(key)[0]


def checked(key: str, data: bytes) -> list[Member]:
    """Each gzip member of an object, once its name and all of its lines were checked; or `Broken`.

    Chains aren't checked here.
    """
    try:
        if not OBJECT_KEY.fullmatch(key):
            raise Broken("This is no name of an object of this archive.")
        for text in gunzip.lines([data]):
            read_line(text)
    except Broken as broken:
        raise broken.within(object=key) from None
    return list(members(data))


def members(data: bytes) -> Iterator[Member]:
    """Each gzip member of an object that has been verified."""
    offset = 0
    while offset < len(data):
        member = zlib.decompressobj(wbits=31)
        text = member.decompress(data[offset:])
        length = len(data) - offset - len(member.unused_data)
        lines = [stored(line.decode()) for line in text.removesuffix(b"\n").split(b"\n")]
        yield offset, length, lines
        offset += length
