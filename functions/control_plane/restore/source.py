"""Where archive and anchors lie: two buckets, read by key."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.archive.bucket import Bucket


@dataclass
class Buckets:
    """The archive's bucket and the anchors'."""

    archive: Bucket
    anchor: Bucket

    def organizations(self) -> list[str]:
        """Those that have anchors: what nothing vouches for is not restored."""
        keys = self.anchor.keys("anchors/")
        return sorted({key.split("/")[1].removeprefix("org=") for key in keys})

    def objects(self, org: str) -> list[str]:
        """In the order of their days and parts."""
        return sorted(self.archive.keys(f"executions/org={org}/"))

    def anchors(self, org: str) -> list[str]:
        """Named by their moments, so oldest first."""
        return sorted(self.anchor.keys(f"anchors/org={org}/"))

    def checkpoints(self, org: str) -> list[str]:
        """They lie beside the archive."""
        return list(self.archive.keys(f"checkpoints/org={org}/"))

    def read(self, key: str) -> bytes:
        """From the bucket that the key belongs to."""
        return (self.anchor if key.startswith("anchors/") else self.archive).read(key)[0]


def members(data: bytes) -> Iterator[tuple[int, int, list[bytes]]]:
    """Each gzip member of an object: where it lies, how long it is, and its lines."""
    offset = 0
    while offset < len(data):
        member = zlib.decompressobj(wbits=31)
        text = member.decompress(data[offset:])
        length = len(data) - offset - len(member.unused_data)
        yield offset, length, text.removesuffix(b"\n").split(b"\n")
        offset += length
