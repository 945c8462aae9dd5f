"""Each rule of an anchor by itself: canonical, sorted, never going back, true of the archive."""

import hashlib
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest
from control_plane.canonical import canonical

from tests import shapes
from tests.corruptions import anchors, objects
from tests.evidence import Files
from tests.verifying import in_javascript, in_python

NOT_AN_ANCHOR = "This is not an anchor: its members are others, or of other types or order."
ANOTHER = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.fixture(scope="module")
def files() -> Files:
    """One organization, two days of two projects archived and anchored, and something live."""
    made = shapes.Organization(Random(5))
    made.chains = [shapes.Chain(made.chance, made.id, shapes.identifier(made.chance)) for _ in "ab"]
    made.chains.sort(key=lambda chain: chain.project)
    for executions in (3, 5):
        for chain in made.chains:
            for _ in range(executions):
                chain.execute(made.at())
        made.archive("9999")
        made.anchor()
        made.now = made.now.replace(day=made.now.day + 1 if made.now.day < 28 else 1, year=2060)
    for chain in made.chains:
        chain.execute(made.at())
        chain.execute(made.at())
    made.anchor()
    made.now = made.now.replace(hour=5)
    made.anchor()
    return made.files


def the_fault(files: Files) -> str | None:
    """What is wrong, in the words of both verifiers."""
    [report] = in_python(files)
    assert in_javascript({}, [files]) == [[report.members()]]
    return report.finding.problem if report.finding else None


def altered(files: Files, change: Callable[[Any], Any]) -> Files:
    """The files with another last anchor, in canonical JSON."""
    key = anchors(files)[-1]
    anchor = orjson.loads(files[key])
    change(anchor)
    return {**files, key: canonical(anchor).encode()}


def go_back(anchor: Any) -> None:
    """The live part of a chain is one shorter than an earlier anchor says."""
    held = anchor["projects"][0]
    held["seq"], held["hash"] = held["seq"] - 1, "ab" * 32


def archive_goes_back(anchor: Any) -> None:
    """Less is archived than an earlier anchor says."""
    anchor["projects"][0]["archived_seq"] -= 1
    anchor["projects"][0]["archived_hash"] = "ab" * 32
    anchor["objects"][0]["rows"] -= 1


def swap_rows(anchor: Any) -> None:
    """Two objects have each other's number of rows."""
    one, other = anchor["objects"]
    one["rows"], other["rows"] = other["rows"], one["rows"]


def test_what_was_left_alone_is_in_order(files: Files) -> None:
    """And there is something in it."""
    assert the_fault(files) is None
    assert (len(anchors(files)), len(objects(files))) == (4, 2)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (go_back, "It says that a chain went back."),
        (archive_goes_back, "It says that a chain went back."),
        (lambda a: a["projects"][0].update(seq=3), "It says that a chain went back."),
        (swap_rows, "It lists executions/"),
        (lambda a: a["projects"].pop(), "It leaves a project out that an anchor before it has."),
        (lambda a: a["objects"].pop(), "Its objects hold "),
        (lambda a: a["objects"][0].update(rows=7), "It lists executions/"),
        (lambda a: a["objects"][0].update(sha256="0" * 64), "It lists executions/"),
        (lambda a: a["objects"][0].update(key="executions/0"), "It lists executions/0, which is"),
        (lambda a: a.update(org=ANOTHER), "Its name is not of the moment"),
        (lambda a: a.update(at="2061-01-01T00:00:00.000000Z"), "Its name is not of the moment"),
        (lambda a: a.update(at="soon"), NOT_AN_ANCHOR),
        (lambda a: a.update(prev_anchor="0" * 64), "It follows another anchor"),
        (lambda a: a.update(prev_anchor=None), NOT_AN_ANCHOR),
        (lambda a: a.update(v=True), NOT_AN_ANCHOR),
        (lambda a: a.update(v=2), NOT_AN_ANCHOR),
        (lambda a: a.update(more=1), NOT_AN_ANCHOR),
        (lambda a: a.pop("v"), NOT_AN_ANCHOR),
        (lambda a: a["projects"].reverse(), NOT_AN_ANCHOR),
        (lambda a: a["objects"].reverse(), NOT_AN_ANCHOR),
        (lambda a: a["projects"].append(a["projects"][-1]), NOT_AN_ANCHOR),
        (lambda a: a["projects"].append(7), NOT_AN_ANCHOR),
        (lambda a: a["projects"][0].update(seq=-1), NOT_AN_ANCHOR),
        (lambda a: a["projects"][0].update(more=1), NOT_AN_ANCHOR),
        (lambda a: a["projects"][0].update(hash="x"), NOT_AN_ANCHOR),
        (lambda a: a["projects"][0].update(purged=False), NOT_AN_ANCHOR),
        (lambda a: a["projects"][0].update(purged=None), NOT_AN_ANCHOR),
        (lambda a: a["objects"][0].update(purged=True), NOT_AN_ANCHOR),
        (lambda a: a["objects"][0].update(rows=0), NOT_AN_ANCHOR),
        (lambda a: a["objects"][0].update(key="é"), NOT_AN_ANCHOR),
        (lambda a: a.update(objects={}), NOT_AN_ANCHOR),
    ],
)
def test_an_anchor_that_breaks_one_rule_is_refused(
    files: Files, change: Callable[[Any], Any], problem: str
) -> None:
    """Also the last one, which no other anchor holds yet."""
    assert str(the_fault(altered(files, change))).startswith(problem)


def test_what_was_purged_goes_on_no_more(files: Files) -> None:
    """An anchor that says so is in order; the next one can't take it back, or say more."""
    before, last = anchors(files)[-2:]

    def purged(**then: Any) -> Files:
        first, second = orjson.loads(files[before]), orjson.loads(files[last])
        first["projects"][0]["purged"] = True
        body = canonical(first).encode()
        second["prev_anchor"] = hashlib.sha256(body).hexdigest()
        second["projects"][0].update(then)
        return {**files, before: body, last: canonical(second).encode()}

    assert the_fault(purged(purged=True)) is None
    goes_on = "It was purged, as an anchor says, and goes on."
    assert the_fault(purged()) == goes_on
    longer = orjson.loads(files[last])["projects"][0]["seq"] + 1
    assert the_fault(purged(purged=True, seq=longer, hash="ab" * 32)) == goes_on


def test_rows_that_fit_each_other_must_fit_the_objects_as_well(files: Files) -> None:
    """An only anchor could say anything that adds up: the objects are counted."""
    last = anchors(files)[-1]
    alone = {key: body for key, body in files.items() if key not in anchors(files)[:-1]}
    anchor = orjson.loads(files[last])
    anchor["prev_anchor"] = "0" * 64
    fits = {**alone, last: canonical(anchor).encode()}
    assert the_fault(fits) is None
    swap_rows(anchor)
    assert "executions; the anchor of" in str(the_fault({**fits, last: canonical(anchor).encode()}))


def test_an_anchor_in_any_other_spelling_is_refused(files: Files) -> None:
    """Its bytes are what the next one hashes; canonical JSON leaves one spelling."""
    last = anchors(files)[-1]
    for body in (files[last] + b"\n", b" " + files[last], files[last][:-1], b"", b"null"):
        said = the_fault({**files, last: body})
        assert said in ("This is not canonical JSON.", NOT_AN_ANCHOR)
