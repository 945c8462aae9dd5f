"""An organization checked as a whole, and what to tell of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from control_plane.proof.anchors import Anchors
from control_plane.proof.archive import ArchiveCheck, Open
from control_plane.proof.finding import Broken, Finding
from control_plane.proof.live import LiveCheck


@dataclass
class Report:
    """What was looked at in one organization, and the first fault; None where there is none."""

    org: str
    anchors: Anchors
    archive: ArchiveCheck
    live: LiveCheck | None = None
    finding: Finding | None = None

    def members(self) -> dict[str, Any]:
        """The report as JSON; `live` is there where a database was."""
        counts, heads = self.archive.counts, self.archive.chains.heads.values()
        return {
            "org": self.org,
            "ok": self.finding is None,
            "anchors": self.anchors.count,
            "last_anchor": self.anchors.at or None,
            "objects": counts.objects,
            "executions": counts.executions,
            **({"live": self.live.rows} if self.live else {}),
            "erased": counts.erased,
            "projects": sum(head.seq > 0 for head in heads),
            "newer": self.live.newer() if self.live else self.archive.newer(),
            "spare": counts.spare,
            "forks": [asdict(fork.claim) for fork in self.anchors.pins.forks],
            "finding": self.finding and self.finding.members(),
        }

    def sentences(self) -> list[str]:
        """The report as a person reads it; the verdict comes first."""
        seen = self.members()
        live = f" and {seen['live']} live" if self.live else ""
        looked = (
            f"{seen['executions']} archived{live} executions of {seen['projects']} projects"
            f" in {seen['objects']} objects, {seen['anchors']} anchors"
        )
        if self.finding:
            return [f"BROKEN: {self.finding}", f"Before that, {looked} were in order."]
        forks = [_abandoned(fork) for fork in seen["forks"]]
        but = f", but for {len(forks)} ranges that were ABANDONED" if forks else ""
        said = [f"In order: {looked}{but}.", *forks]
        if seen["erased"]:
            said.append(f"{seen['erased']} payloads were erased; their records still hold.")
        if seen["spare"]:
            said.append(f"Left over, repeating what lies elsewhere: {', '.join(seen['spare'])}.")
        return [*said, self._open(seen["newer"])]

    def _open(self, newer: int) -> str:
        """What nothing proves yet."""
        if not self.anchors.count:
            return "There is no anchor yet: nothing outside of it holds this trail."
        kind = "executions" if self.live else "archived executions"
        among = f", {newer} {kind} among it" if newer else ""
        last = f"the last anchor, of {self.anchors.at}{among}"
        return f"What is newer than {last}, only the next proves."


def _abandoned(claim: Mapping[str, Any]) -> str:
    return (
        f"ABANDONED, as an execution says: project {claim['project']},"
        f" seq {claim['first_seq']} to {claim['last_seq']}, after the anchor of {claim['anchor']}."
        " Ask who set the database back, and why."
    )


def check_organization(
    org: str,
    anchors: Iterable[tuple[str, bytes]],
    objects: Iterable[str],
    read: Open,
    only: str | None = None,
) -> Report:
    """Check an organization's anchors and notices, in order, and its archive; stops at a fault.

    `objects` are the keys that are there, `read` answers an object's bytes in chunks; with `only`,
    just one project's chain is followed.
    """
    known = Anchors(org)
    report = Report(org, known, ArchiveCheck(known, only))

    def steps() -> None:
        known.add_all(anchors)
        report.archive.run(objects, read)
        report.archive.end()

    return checked(report, steps)


def checked(report: Report, steps: Callable[[], None]) -> Report:
    """The report with the first fault that the steps find."""
    try:
        steps()
    except Broken as broken:
        report.finding = broken.finding
    return report
