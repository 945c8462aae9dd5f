"""Notices of forks are put beside the anchors, before the first anchor that goes back."""

from collections.abc import Mapping
from typing import Any

from control_plane.archive.bucket import Bucket
from control_plane.audit import as_line
from control_plane.proof.notice import KEY, key_of


def put_notice(bucket: Bucket, org: str, at: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Put the executions that record a fork after the anchor of a moment, by project; its key.

    A notice that a killed recovery has left there is passed over, or is this one already.
    """
    body = "".join(f"{as_line(rows[project])}\n" for project in sorted(rows)).encode()
    last = max(bucket.keys(key_of(org, at, 0).removesuffix("0000.jsonl")), default=None)
    if last and bucket.read(last)[0] == body:
        return last
    found = KEY.fullmatch(last) if last else None
    key = key_of(org, at, int(found[3]) + 1 if found else 0)
    bucket.keep(key, body, "application/jsonl")
    return key
