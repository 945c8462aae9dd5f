"""An organization checked as a whole, and what to tell of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from control_plane.proof.anchors import Anchors
from control_plane.proof.archive import ArchiveCheck, Counts, Open
from control_plane.proof.chain import Head
from control_plane.proof.finding import Broken, Finding


@dataclass
class Report:
    """What was looked at in one organization, and the first fault; None where there is none."""

    org: str
    anchors: Anchors
    finding: Finding | None = None
    counts: Counts = field(default_factory=Counts)
    heads: dict[str, Head] = field(default_factory=dict)
    newer: int = 0

    def members(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "org": self.org,
            "ok": self.finding is None,
            "anchors": self.anchors.count,
            "last_anchor": self.anchors.at or None,
            "objects": self.counts.objects,
            "executions": self.counts.executions,
            "erased": self.counts.erased,
            "projects": len([head for head in self.heads.values() if head.seq]),
            "newer": self.newer,
            "spare": self.counts.spare,
            "finding": self.finding and self.finding.members(),
        }

    def sentences(self) -> list[str]:
        """The report as a person reads it; the verdict comes first."""
        counts, seen = self.counts, self.members()
        looked = (
            f"{seen['executions']} archived executions of {seen['projects']} projects"
            f" in {seen['objects']} objects, {seen['anchors']} anchors"
        )
        if self.finding:
            return [f"BROKEN: {self.finding}", f"Before that, {looked} were in order."]
        said = [f"In order: {looked}."]
        if counts.erased:
            said.append(f"{counts.erased} payloads were erased; their records still hold.")
        if counts.spare:
            said.append(f"Left over, repeating what lies elsewhere: {', '.join(counts.spare)}.")
        return [*said, self._open()]

    def _open(self) -> str:
        """What nothing proves yet."""
        if not self.anchors.count:
            return "There is no anchor yet: nothing outside of it holds this trail."
        newer = f", {self.newer} archived executions among it" if self.newer else ""
        last = f"the last anchor, of {self.anchors.at}{newer}"
        return f"What is newer than {last}, only the next proves."


def check_organization(
    org: str,
    anchors: Iterable[tuple[str, bytes]],
    objects: Iterable[str],
    read: Open,
    only: str | None = None,
) -> Report:
    """Check an organization's anchors, in order of time, and its archive; stops at a fault.

    `objects` are the keys that are there, `read` answers an object's bytes in chunks; with `only`,
    just one project's chain is followed.
    """
    known = Anchors(org)
    report, check = Report(org, known), ArchiveCheck(known, only)
    try:
        for key, body in anchors:
            known.add(key, body)
        check.run(objects, read)
    except Broken as broken:
        report.finding = broken.finding
    report.counts, report.heads, report.newer = check.counts, check.heads, check.newer()
    return report
