"""Reads while an archive run moves what they read."""

from typing import Any

import pytest
from control_plane import erasure, reading
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.errors import Unavailable
from control_plane.models import Intent

from tests.integration.archiving import ANY, bucket, log
from tests.integration.conftest import ADD, Project

__all__ = ["bucket"]


def meanwhile(
    project: Project, bucket: Bucket, name: str, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    """Let an archive run happen once, before or after a method of the archive's reader."""
    real = getattr(Archive, name)

    def moved(self: Archive, *given: Any, **named: Any) -> Any:
        monkeypatch.setattr(Archive, name, real)
        found = list(real(self, *given, **named)) if after else None
        run.archive(project.database.archiver, bucket, 0)
        return real(self, *given, **named) if found is None else found

    monkeypatch.setattr(Archive, name, moved)


def test_a_page_has_each_execution_once_while_they_are_archived(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live ones are read, then they move, then the archive is read."""
    for _ in range(5):
        project.execute(ADD)
    before = [item["seq"] for item in log(project)]
    meanwhile(project, bucket, "spans", monkeypatch, after=False)
    page = reading.executions(
        project.store, Archive(project.store), project.target, 200, None, **ANY
    )
    assert [item["seq"] for item in page["items"]] == before[::-1]


def test_a_range_to_erase_is_whole_while_it_is_archived(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is read, then its executions move there, then the live ones are read."""
    for _ in range(5):
        project.execute(ADD)
    meanwhile(project, bucket, "below", monkeypatch, after=True)
    found = erasure.erasable(project.store, Archive(project.store), project.target, 2, 4)
    assert found.whole
    assert found.rows == 3


def test_a_rare_execution_is_found_by_pages_that_read_only_so_much(
    project: Project, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter that nothing meets for long: each page reads some of the archive, none too much."""
    rare = project.execute(Intent("demo.counter.reset", {}))
    for _ in range(4):
        project.execute(ADD)
        run.archive(project.database.archiver, bucket, 0)
    monkeypatch.setattr(reading, "MAX_READ_BYTES", 1)
    wanted, archived = {**ANY, "action": "demo.counter.reset"}, Archive(project.store)
    pages: list[list[int]] = []
    cursor = None
    while not pages or cursor:
        page = reading.executions(project.store, archived, project.target, 9, cursor, **wanted)
        pages.append([item["seq"] for item in page["items"]])
        cursor = page["next_cursor"]
    assert pages == [[], [], [], [rare["seq"]]]


@pytest.mark.parametrize("answer", [b"", b"damaged", b"\x1f\x8b\x08" + bytes(30)])
def test_a_damaged_answer_of_s3_is_told(
    project: Project, bucket: Bucket, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive can't be read: not a fault of the program."""
    done = project.execute(ADD)
    run.archive(project.database.archiver, bucket, 0)
    monkeypatch.setattr(Bucket, "read_range", lambda *_: answer)
    with pytest.raises(Unavailable, match="damaged"):
        reading.execution(project.store, Archive(project.store), project.target, done["seq"])


def test_the_state_has_the_moment_of_its_version(project: Project, bucket: Bucket) -> None:
    """Not that of a refusal after it; what is archived is not read for that."""
    done = project.execute(ADD)
    refused = project.execute(Intent("nope", {}))
    assert reading.state(project.store, project.target)["at"] == done["at"]
    run.archive(project.database.archiver, bucket, 0)
    assert reading.state(project.store, project.target)["at"] == refused["at"]
