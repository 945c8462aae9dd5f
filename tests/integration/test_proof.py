"""Two verifiers in two languages, over real archived data: they miss nothing, and agree."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from control_plane.canonical import canonical, sha256
from control_plane.proof.folder import open_folder
from control_plane.proof.report import Report

from tests import corruptions, evidence, shapes
from tests.conftest import Cluster, new_database
from tests.corruptions import anchors, objects
from tests.evidence import Files
from tests.node import node
from tests.s3 import S3
from tests.verifying import in_javascript, in_python

CORRUPTIONS = 1_200
SHAPES = 120


@pytest.fixture(scope="module")
def files(postgres: Cluster, s3: S3) -> Iterator[Files]:
    """Archive and anchors of two organizations, all of it archived and anchored."""
    with new_database(postgres) as database:
        world = evidence.archived_world(evidence.World(database, s3))
        yield world.files()
        world.store.disconnect()


def the_one_fault(files: Files) -> str:
    """The sentence about a trail that one organization's fault is in; both verifiers say it."""
    reports = in_python(files)
    assert in_javascript({}, [files]) == [[report.members() for report in reports]]
    [found] = [report for report in reports if report.finding]
    return found.sentences()[0]


def without(files: Files, *gone: str) -> Files:
    """The files but some."""
    return {key: body for key, body in files.items() if key not in gone}


def test_what_the_product_archived_is_in_order(files: Files, tmp_path: Path) -> None:
    """From a folder, by both: the same counts, nothing found, and what isn't proved yet is said."""
    folder = open_folder(evidence.laid_out(files, tmp_path))
    reports = [folder.check(org) for org in folder.organizations]
    assert [report.finding for report in reports] == [None, None]
    assert [report.archive.counts.erased for report in reports] == [2, 1]
    assert sum(report.archive.counts.objects for report in reports) == len(objects(files)) == 5
    done = node("docs/verify.js", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["organizations"] == [report.members() for report in reports]
    said = node("docs/verify.js", tmp_path).stdout
    for report in reports:
        assert "\n  ".join([f"Organization {report.org}", *report.sentences()]) in said
        assert "What is newer than the last anchor" in said


def test_links_that_lead_nowhere_are_passed_over(files: Files, tmp_path: Path) -> None:
    """By both, as any other file that is none of the archive's."""
    evidence.laid_out(files, tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    folder = open_folder(tmp_path)
    assert [folder.check(org).finding for org in folder.organizations] == [None, None]
    done = node("docs/verify.js", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_corruption_is_caught_and_both_verifiers_name_the_same_record(files: Files) -> None:
    """Over a thousand of two dozen kinds, of bits, lines, objects, chains and anchors."""
    cases = list(corruptions.corrupted(files, CORRUPTIONS))
    found = [in_python(case) for _, case in cases]
    missed = [
        name for (name, _), reports in zip(cases, found, strict=True) if not _is_broken(reports)
    ]
    assert missed == []
    other = in_javascript(files, [case for _, case in cases])
    for (name, _), reports, said in zip(cases, found, other, strict=True):
        assert said == [report.members() for report in reports], name


def _is_broken(reports: list[Report]) -> bool:
    return any(report.finding for report in reports)


def test_clean_trails_of_many_shapes_are_in_order() -> None:
    """Empty days, erased payloads, killed runs, several parts, any text: nobody cries wolf."""
    trails = list(shapes.trails(SHAPES))
    found = [in_python(files) for files in trails]
    for reports in found:
        assert [str(report.finding) for report in reports if report.finding] == []
    assert in_javascript({}, trails) == [[r.members() for r in reports] for reports in found]
    all_reports = [report for reports in found for report in reports]
    assert any(report.archive.counts.spare for report in all_reports)
    assert any(report.archive.newer() for report in all_reports)
    assert any(report.archive.counts.erased for report in all_reports)
    assert any(report.anchors.pins.forks for report in all_reports)
    assert any(fork.lost for report in all_reports for fork in report.anchors.pins.forks)


def test_corrupted_shapes_are_seen_alike_by_both() -> None:
    """Where not all is archived and anchored some changes can't be seen; both see the same."""
    trails = [files for files in shapes.trails(40) if len(objects(files)) > 2]
    for number, files in enumerate(trails):
        cases = [corruptions.flip_a_bit(Random(f"{number}/{n}"), files) for n in range(10)]
        expected = [[report.members() for report in in_python(case)] for case in cases]
        assert in_javascript(files, cases) == expected


def test_an_altered_digit_is_named_by_project_seq_object_and_line(files: Files) -> None:
    """The first record that is not what its hash says, whoever else is in order."""
    key = objects(files)[0]
    lines = gzip.decompress(files[key]).splitlines(keepends=True)
    project, seq = (json.loads(lines[4])["record"][name] for name in ("project", "seq"))
    lines[4] = re.sub(rb'"cost":(\d)', rb'"cost":1\1', lines[4])
    said = the_one_fault({**files, key: gzip.compress(b"".join(lines), mtime=0)})
    where = f"project {project}, seq {seq}, {key}, line 5"
    assert said == f"BROKEN: {where}: Its hash is not that of its record: one of them was altered."


def test_a_missing_object_is_named_with_the_first_record_that_it_held(files: Files) -> None:
    """Also the last one: the anchor knows of it."""
    last = objects(files)[-1]
    first = json.loads(gzip.decompress(files[last]).splitlines()[0])["record"]
    said = the_one_fault(without(files, last))
    assert said.startswith(f"BROKEN: project {first['project']}, seq {first['seq']}, {last}: ")
    assert f"{last} is missing, which the anchor of " in said


def test_a_chain_made_anew_with_all_its_hashes_contradicts_an_anchor(files: Files) -> None:
    """Lines, chain and names fit each other; what the anchor holds doesn't."""
    said = the_one_fault(corruptions.make_a_tail_anew(Random(1), files))
    assert re.search(r"Its hash is not the one in the anchor of .+ was made anew\.", said)


def test_a_missing_anchor_is_named_by_the_one_that_follows_it(files: Files) -> None:
    """Anchors are a chain of their own."""
    first, second, *_ = anchors(files)
    said = the_one_fault(without(files, first))
    assert said.startswith(f"BROKEN: {second}: It follows another anchor")


def test_an_archive_without_any_anchor_is_not_called_proved(files: Files) -> None:
    """It could have been made anew as a whole."""
    said = the_one_fault(without(files, *anchors(files, anchors(files)[0].split("/")[1][4:])))
    assert "There is no anchor here" in said


def test_a_forged_leftover_is_no_leftover(files: Files) -> None:
    """What a killed run left may repeat executions exactly, and not otherwise."""
    key = objects(files)[0]
    lines = corruptions.unpacked(files[key])[:3]
    body = corruptions.packed(lines)
    left = corruptions.named(key, body)
    assert [report.archive.counts.spare for report in in_python({**files, left: body})] == [
        [left],
        [],
    ]
    lines[2]["record"]["request_id"] = "another"
    lines[2]["hash"] = sha256(canonical(lines[2]["record"]))
    body = corruptions.packed(lines)
    said = the_one_fault({**files, corruptions.named(key, body): body})
    assert "Its seq has been before." in said


def test_the_same_file_twice_in_a_folder_is_named(files: Files, tmp_path: Path) -> None:
    """Which of the two would be the archive?"""
    evidence.laid_out(files, tmp_path / "one")
    evidence.laid_out(dict([max(files.items())]), tmp_path / "two")
    folder = open_folder(tmp_path)
    found = [folder.check(org).finding for org in folder.organizations]
    assert "twice" in str(found[-1])
    assert "It is in this folder twice." in node("docs/verify.js", tmp_path).stdout
