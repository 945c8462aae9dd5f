"""Erasure in the archive: no version of any object holds the value, and every proof holds on."""

import gzip
from typing import Any

import pytest
from control_plane import history, reading, settings
from control_plane.archive import forgetting, rewriting, run
from control_plane.archive.anchors import anchor
from control_plane.archive.bucket import Bucket
from control_plane.archive.outcome import Incomplete
from control_plane.archive.reader import Archive
from control_plane.errors import StateErased
from control_plane.restore.source import Buckets
from control_plane.verifying import Trail
from handlers import archive as archive_handler
from typer.testing import CliRunner

from infra.cli import app as cli
from tests import corruptions
from tests.evidence import Files, fetched
from tests.handlers.events import Context
from tests.integration.conftest import ADD, Project, SetClock
from tests.integration.test_erasure import SECRET, erase, everything, forget, log, remember, state
from tests.s3 import S3
from tests.verifying import in_javascript, in_python


@pytest.fixture
def told(project: Project) -> tuple[Any, Any]:
    """A secret was remembered and forgotten: the first and the last execution about it."""
    project.execute(ADD)
    first = project.execute(remember(SECRET))
    project.execute(ADD)
    project.execute(ADD)
    last = project.execute(forget())
    project.execute(ADD)
    return first, last


def archive(project: Project, buckets: Buckets) -> None:
    """Everything up to now goes to the archive; as the scheduled function does it."""
    run.archive(project.database.archiver, buckets.archive, 0)
    anchor(project.database.archiver, buckets.anchor)
    forgetting.forget(project.database.archiver, buckets.archive)


def every_byte(s3: S3, buckets: Buckets) -> bytes:
    """All versions of all objects in both buckets, unpacked."""
    bodies = []
    for bucket in (buckets.archive, buckets.anchor):
        for version in bucket.versions(""):
            if not version.is_marker:
                named = {"Bucket": bucket.name, "Key": version.key, "VersionId": version.id}
                body = s3.client.get_object(**named)["Body"].read()
                bodies.append(gzip.decompress(body) if version.key.endswith(".gz") else body)
    return b"\n".join(bodies)


def files(s3: S3, buckets: Buckets) -> Files:
    """Archive and anchors, as they are fetched to be verified elsewhere."""
    archived = fetched(s3, buckets.archive.name, "executions/")
    return archived | fetched(s3, buckets.anchor.name)


def findings(project: Project, s3: S3, buckets: Buckets) -> list[Any]:
    """What is wrong by the trail where it lives, and by both verifiers of files."""
    live = Trail(project.database.archiver, buckets.anchor).check(project.target.org)
    reports = in_python(files(s3, buckets))
    assert in_javascript({}, [files(s3, buckets)]) == [[each.members() for each in reports]]
    return [report.finding for report in (live, *reports)]


def undone(project: Project) -> int:
    """How many erasures the archive has still to follow."""
    return len(project.rows("SELECT FROM erasures WHERE project_id = %s AND done_at IS NULL"))


def test_no_byte_of_the_buckets_holds_the_value(
    project: Project, told: Any, buckets: Buckets, s3: S3
) -> None:
    """Archived, then erased: objects are written anew, every version of the old ones goes."""
    archive(project, buckets)
    before = buckets.archive.keys("executions/")
    assert SECRET.encode() in every_byte(s3, buckets)
    first, last = told
    assert erase(project, first["seq"], last["seq"])["status"] == "success"
    assert undone(project) == 1
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert SECRET not in everything(project)
    assert undone(project) == 0
    assert not set(before) <= set(buckets.archive.keys("executions/"))
    assert findings(project, s3, buckets) == [None, None]


def test_reads_are_erased_before_the_archive_is(
    project: Project, told: Any, buckets: Buckets
) -> None:
    """At once, also where the object still holds it; and the same once it doesn't."""
    archive(project, buckets)
    first, last = told
    before = log(project)
    erase(project, first["seq"], last["seq"])

    def check() -> None:
        after = log(project)
        erased = {seq for seq, item in after.items() if item.get("erased")}
        assert erased == set(range(first["seq"], last["seq"] + 1))
        assert all(after[seq]["hash"] == before[seq]["hash"] for seq in before)
        for version in range(first["version"], last["version"]):
            with pytest.raises(StateErased):
                state(project, version)
        newest = reading.state(project.store, project.target)
        wanted = (project.store, Archive(project.store), project.target, newest["version"])
        assert history.state_at_version(*wanted)["components"] == newest["components"]

    check()
    archive(project, buckets)
    check()


def test_what_was_erased_while_live_is_archived_as_that(
    project: Project, told: Any, buckets: Buckets, s3: S3
) -> None:
    """Its payload never reaches the bucket; the state after it does."""
    first, last = told
    erase(project, first["seq"], last["seq"])
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    [kept] = buckets.archive.keys("checkpoints/")
    assert f"/v{last['version']}-" in kept
    assert findings(project, s3, buckets) == [None, None]


def test_a_state_that_a_later_erasure_took_is_not_kept(
    project: Project, buckets: Buckets, s3: S3
) -> None:
    """The kept state of one erasure may lie within the next."""
    first = project.execute(remember(SECRET))
    project.execute(remember("nothing", key="other"))
    middle = project.execute(remember("more", key="other"))
    last = project.execute(forget())
    project.execute(ADD)
    erase(project, middle["seq"] - 1, middle["seq"])
    erase(project, first["seq"], last["seq"])
    archive(project, buckets)
    project.execute(ADD)
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)


class Killed(BaseException):
    """The process is gone."""


STEPS = {
    "before the state is kept": (rewriting, "keep"),
    "before an object is written": (rewriting, "_without_payloads"),
    "before the manifest is switched": (Bucket, "read_back"),
    "before an object is deleted": (Bucket, "delete"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_done_by_the_next_run(
    project: Project,
    told: Any,
    buckets: Buckets,
    s3: S3,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until then reads are as erased, and afterwards nothing is left."""
    archive(project, buckets)
    first, last = told
    erase(project, first["seq"], last["seq"])

    def die(*_given: Any, **_named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(*STEPS[step], die)
        with pytest.raises(Killed):
            archive(project, buckets)
    assert undone(project) == 1
    assert log(project)[first["seq"]]["erased"] is True
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert undone(project) == 0
    assert findings(project, s3, buckets) == [None, None]


def test_an_erasure_under_way_is_no_fault(project: Project, told: Any, buckets: Buckets) -> None:
    """Killed before the anchor: the last one lists the old object, the manifest the new one."""
    archive(project, buckets)
    first, last = told
    trail = Trail(project.database.archiver, buckets.anchor)
    erase(project, first["seq"], last["seq"])
    assert trail.check(project.target.org).finding is None
    run.archive(project.database.archiver, buckets.archive, 0)
    assert trail.check(project.target.org).finding is None


def test_what_a_killed_run_left_is_deleted(
    project: Project, told: Any, buckets: Buckets, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object that no manifest names holds the payloads, too."""

    def die(*_given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run._Run, "_remove", die)
        with pytest.raises(Killed):
            archive(project, buckets)
    assert SECRET.encode() in every_byte(s3, buckets)
    first, last = told
    erase(project, first["seq"], last["seq"])
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert findings(project, s3, buckets) == [None, None]


def test_an_erasure_during_a_run_is_followed_by_the_next(
    project: Project, told: Any, buckets: Buckets, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has read the payload before it was erased, and archives it after."""
    first, last = told
    real = run._Run._remove

    def meanwhile(*given: Any) -> None:
        erase(project, first["seq"], last["seq"], request_id="meanwhile")
        real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(run._Run, "_remove", meanwhile)
        archive(project, buckets)
    assert undone(project) == 1
    assert log(project)[first["seq"]]["erased"] is True
    archive(project, buckets)
    assert SECRET.encode() not in every_byte(s3, buckets)
    assert findings(project, s3, buckets) == [None, None]


def test_an_unreadable_object_is_named_and_the_erasure_stays_due(
    project: Project, told: Any, buckets: Buckets, s3: S3
) -> None:
    """What may hold anything is looked at by a person."""
    first, last = told
    erase(project, first["seq"], last["seq"])
    key = f"executions/org={project.target.org}/dt=2051-01-01/part-0000-{'0' * 16}.jsonl.gz"
    s3.client.put_object(Bucket=buckets.archive.name, Key=key, Body=b"damaged")
    with pytest.raises(Incomplete, match=key):
        archive(project, buckets)
    assert undone(project) == 1


def test_corruptions_of_a_rewritten_archive_are_caught(
    project: Project, told: Any, buckets: Buckets, s3: S3, set_clock: SetClock
) -> None:
    """By both verifiers, which name the same record."""
    archive(project, buckets)
    first, last = told
    erase(project, first["seq"], last["seq"])
    set_clock("timestamptz '2051-01-02 12:00:00+00'")
    project.execute(ADD)
    archive(project, buckets)
    base = files(s3, buckets)
    cases = [case for _, case in corruptions.corrupted(base, 150)]
    by_python = [[report.members() for report in in_python(case)] for case in cases]
    assert in_javascript(base, cases) == by_python
    assert all(any(report["finding"] for report in reports) for reports in by_python)


def test_by_the_scheduled_function_and_by_command(
    project: Project, told: Any, buckets: Buckets, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`projects erase` asks for it, `archive run` and the schedule carry it to the end."""
    for name, value in {
        "CHAT_AGENT_DATABASE_URL": project.database.app,
        "CHAT_AGENT_ARCHIVER_DATABASE_URL": project.database.archiver,
        "CHAT_AGENT_ARCHIVE_BUCKET": buckets.archive.name,
        "CHAT_AGENT_ANCHOR_BUCKET": buckets.anchor.name,
    }.items():
        monkeypatch.setenv(name, value)
    settings.settings.cache_clear()
    first, last = (str(each["seq"]) for each in told)
    assert CliRunner().invoke(cli, ["archive", "run", "--older-than", "0d"]).exit_code == 0
    command = ["projects", "erase", "demo", first, last, "--reason", "she asked"]
    said = CliRunner().invoke(cli, command)
    assert said.exit_code == 0, said.output
    assert "nothing to erase" in CliRunner().invoke(cli, command).output
    archive_handler.handler({}, Context(900))
    assert SECRET.encode() not in every_byte(s3, buckets)
