"""Notices: the executions that record a fork, beside the anchors, in the bucket that keeps them.

A database alone can say anything of what was abandoned: whoever writes it could hide executions so.
A fork counts only where its notice was put after the last anchor, and before the next one.
"""

import re
from collections.abc import Iterable

from control_plane.proof.finding import Broken
from control_plane.proof.fork import Claim
from control_plane.proof.line import Line, read_line

KEY = re.compile(r"forks/org=([0-9a-f-]{36})/([^/]+)-([0-9]{4})\.jsonl")
ANCHOR_KEY = re.compile(r"anchors/org=([0-9a-f-]{36})/([^/]+)\.json")
NOT_A_NOTICE = "It is no notice of a fork: its lines are others, or in another order."


def key_of(org: str, at: str, number: int) -> str:
    """Where a notice after the anchor of a moment lies; one that is repeated has a new number."""
    return f"forks/org={org}/{at}-{number:04}.jsonl"


def request_of(at: str) -> str:
    """The id of the request that records a fork after the anchor of a moment, in each project."""
    return f"recover-{at}"


def folders(org: str) -> tuple[str, str]:
    """Where an organization's anchors and notices lie."""
    return f"anchors/org={org}/", f"forks/org={org}/"


def anchored(keys: Iterable[str]) -> list[str]:
    """The ids of the organizations that there are anchors of, in order."""
    return sorted({found[1] for found in map(ANCHOR_KEY.fullmatch, keys) if found})


def in_order(keys: Iterable[str]) -> list[str]:
    """Anchors and notices as they came; of the notices after one anchor only the last counts."""
    places: dict[tuple[str, int], tuple[int, str]] = {}
    for key in keys:
        notice, anchor = KEY.fullmatch(key), ANCHOR_KEY.fullmatch(key)
        if notice:
            place = (notice[2], 1)
            places[place] = max(places.get(place, (-1, "")), (int(notice[3]), key))
        elif anchor:
            places[anchor[2], 0] = (0, key)
    return [places[place][1] for place in sorted(places)]


def read_notice(org: str, at: str, body: bytes) -> list[Line]:
    """The executions of a notice after the anchor of a moment, by project; raises `Broken`."""
    lines = [read_line(text) for text in body.removesuffix(b"\n").split(b"\n")]
    projects = [line.project for line in lines]
    if projects != sorted(set(projects)) or not body.endswith(b"\n"):
        raise Broken(NOT_A_NOTICE)
    for line in lines:
        if line.org != org or line.claims is None:
            raise Broken(NOT_A_NOTICE, project=line.project, seq=line.seq)
        wrong = next(filter(None, (_misplaced(line, claim, at) for claim in line.claims)), None)
        if wrong:
            raise Broken(wrong, project=line.project, seq=line.seq)
    return lines


def _misplaced(line: Line, claim: Claim, at: str) -> str | None:
    """Why an execution can't say so: its own chain forks at itself, another one is lost whole."""
    if claim.anchor != at:
        return f"It names the anchor of {claim.anchor} for what was abandoned, not that of {at}."
    first = line.seq if claim.project == line.project else 1
    if claim.first_seq == first:
        return None
    return f"It says that what was abandoned began at seq {claim.first_seq}, and not at {first}."
