"""A folder of archive files and anchors, as `aws s3 sync` makes it: no network, no database."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.proof import notice
from control_plane.proof.anchors import OBJECT_KEY
from control_plane.proof.finding import Finding
from control_plane.proof.report import Report, check_organization

_CHUNK = 1 << 16
_KEY = re.compile(r"(?:^|/)((?:executions|anchors|forks)/org=.+)$")

type Progress = Callable[[int], None]


@dataclass
class Folder:
    """The files of a folder by key, whatever folders they lie under; others are not looked at.

    `anchors` has the notices of forks, too.
    """

    objects: dict[str, Path] = field(default_factory=dict)
    anchors: dict[str, Path] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    @property
    def organizations(self) -> list[str]:
        """The ids of the organizations that the folder has something of."""
        return sorted({key.split("/")[1].removeprefix("org=") for key in self._files()})

    def size(self, org: str) -> int:
        """An organization's bytes, all of which are read."""
        mine = (path for key, path in self._files().items() if f"/org={org}/" in key)
        return sum(path.stat().st_size for path in mine)

    def check(
        self, org: str, progress: Progress = lambda _: None, only: str | None = None
    ) -> Report:
        """Check one organization; `progress` is told the bytes that were read."""
        mine = f"/org={org}/"
        anchors = notice.in_order(key for key in self.anchors if mine in key)
        bodies = ((key, b"".join(_chunks(self.anchors[key], progress))) for key in anchors)
        objects = [key for key in self.objects if mine in key]
        report = check_organization(
            org, bodies, objects, lambda key: _chunks(self.objects[key], progress), only
        )
        doubled = next((key for key in self.twice if mine in key), None)
        if doubled:
            report.finding = Finding("It is in this folder twice.", object=doubled)
        return report

    def _files(self) -> dict[str, Path]:
        return self.objects | self.anchors


def open_folder(folder: Path) -> Folder:
    """Find a folder's archive files and anchors."""
    found = Folder()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = _KEY.search(path.relative_to(folder).as_posix())
        key = name[1] if name else ""
        kind = next((k for p, k in _kinds(found) if p.fullmatch(key)), None)
        if kind is None:
            found.others.append(path.relative_to(folder).as_posix())
        elif key in kind:
            found.twice.append(key)
        else:
            kind[key] = path
    return found


def _kinds(folder: Folder) -> tuple[tuple[re.Pattern[str], dict[str, Path]], ...]:
    return (
        (OBJECT_KEY, folder.objects),
        (notice.ANCHOR_KEY, folder.anchors),
        (notice.KEY, folder.anchors),
    )


def _chunks(path: Path, progress: Progress) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            progress(len(chunk))
            yield chunk
