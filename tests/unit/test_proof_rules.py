"""Each rule by itself, in a trail whose hashes, names and anchors all fit."""

import copy
import gzip
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from control_plane.canonical import canonical, sha256

from tests import shapes
from tests.corruptions import objects
from tests.evidence import Files
from tests.verifying import in_javascript, in_python

ANOTHER = "01234567-89ab-cdef-0123-456789abcdef"
NOT_CANONICAL = "This is not canonical JSON."
NOT_A_LINE = "This is not an archived execution: its members are others, or of other types."
NOT_A_RECORD = "This is not a record: a member is missing, or of another type."


def organization(executions: int) -> shapes.Organization:
    """An organization with one project and some executions, of which the second is a success."""
    for seed in range(1000):
        made = shapes.Organization(Random(seed))
        if len(made.chains) == 1:
            for number in range(executions):
                made.now = made.now.replace(hour=number + 1)
                made.chains[0].execute(made.at())
            lines = made.chains[0].live
            if len(lines) < 2 or _is_plain(lines[1]):
                return made
    raise AssertionError("no such seed")


def _is_plain(line: Any) -> bool:
    return line["record"]["status"] == "success" and line["payload"] is not None


def the_problem(files: Files) -> str | None:
    """What is wrong with a trail, in the words of both verifiers."""
    [report] = in_python(files)
    assert in_javascript({}, [files]) == [[report.members()]]
    return report.finding.problem if report.finding else None


def bound(made: shapes.Organization, text: bytes, head: str) -> Files:
    """A trail with this text as its only object, under its name, in an anchor with this head."""
    [chain] = made.chains
    body = gzip.compress(text, mtime=0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shapes, "packed", lambda _: body)
        made.archive("9999")
    chain.hash, chain.archived = head, (chain.seq, head)
    made.anchor()
    return made.files


def after(change: Callable[[dict[str, Any]], Any]) -> Files:
    """A trail whose second record is changed, and all that depends on it made to fit."""
    made = organization(4)
    lines = copy.deepcopy(made.chains[0].live)
    change(lines[1]["record"])
    for before, line in pairwise(lines):
        line["record"]["prev_hash"] = before["hash"]
        line["hash"] = sha256(canonical(line["record"]))
    text = "".join(canonical(line) + "\n" for line in lines)
    return bound(made, text.encode(), lines[-1]["hash"])


def with_text(change: Callable[[bytes], bytes]) -> Files:
    """A trail whose second line is changed as bytes, with an object and an anchor that fit."""
    made = organization(3)
    lines = [canonical(line).encode() + b"\n" for line in made.chains[0].live]
    lines[1] = change(lines[1])
    return bound(made, b"".join(lines), made.chains[0].hash)


def test_a_trail_that_was_left_alone_is_in_order() -> None:
    """What the others change is all that is wrong with them."""
    assert the_problem(after(lambda record: None)) is None
    assert the_problem(with_text(lambda line: line)) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"at": "2000-01-01T00:00:00.000000Z"}, "It is not of its object's day."),
        ({"at": "{day}T00:00:00.000000Z"}, "Its moment lies before that of seq 1."),
        ({"version": 9}, "Its version is 9, and the one before left "),
        ({"base_version": 9}, "Its base_version is 9, and the one before left "),
        ({"org": ANOTHER}, "It belongs to another organization than its object."),
        ({"project": "p"}, NOT_A_RECORD),
        ({"v": 2}, NOT_A_RECORD),
        ({"v": True}, NOT_A_RECORD),
        ({"seq": "2"}, NOT_A_RECORD),
        ({"seq": 0}, NOT_A_RECORD),
        ({"seq": 1}, "It is out of order"),
        ({"seq": 3}, "It is missing: after seq 1 the next one here is seq 3."),
        ({"seq": 2.5}, NOT_A_RECORD),
        ({"seq": 1e20}, NOT_A_RECORD),
        ({"at": "yesterday"}, NOT_A_RECORD),
        ({"status": "done"}, NOT_A_RECORD),
        ({"status": "rejected"}, NOT_A_RECORD),
        ({"version": None}, NOT_A_RECORD),
        ({"payload_hash": "0" * 63}, NOT_A_RECORD),
        ({"payload_hash": "0" * 64}, "Its payload is not the one that its record says"),
        ({"payload_hash": "A" * 64}, NOT_A_RECORD),
    ],
    ids=str,
)
def test_a_record_that_breaks_one_rule_is_refused(change: dict[str, Any], problem: str) -> None:
    """Whatever its hashes say."""

    def made(record: dict[str, Any]) -> None:
        day = record["at"][:10]
        values = {n: v.format(day=day) if isinstance(v, str) else v for n, v in change.items()}
        record.update(values)

    assert str(the_problem(after(made))).startswith(problem)


def test_a_record_without_one_of_its_members_is_none() -> None:
    """All that a chain needs must be there."""
    for member in ("v", "org", "project", "seq", "at", "status", "version", "base_version"):
        assert the_problem(after(partial(_without, member))) == NOT_A_RECORD


def _without(member: str, record: dict[str, Any]) -> None:
    del record[member]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda line: line.replace(b'"hash"', b' "hash"', 1), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":2.0'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":2e0'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":2,"seq":2'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":-0'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":9007199254740993'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":1e400'), NOT_CANONICAL),
        (lambda line: line.replace(b'"seq":2', b'"seq":NaN'), NOT_CANONICAL),
        (lambda line: line.replace(b'"success"', b'"\\u0073uccess"'), NOT_CANONICAL),
        (lambda line: line.replace(b'"success"', b'"\\ud800"'), NOT_CANONICAL),
        (lambda line: line.replace(b'"success"', b'"\xff"'), NOT_CANONICAL),
        (lambda line: line.replace(b'"success"', b"[" * 500 + b"]" * 500), NOT_CANONICAL),
        (lambda line: line.replace(b'"success"', b"[" * 9000 + b"]" * 9000), NOT_CANONICAL),
        (lambda line: b"\xef\xbb\xbf" + line, NOT_CANONICAL),
        (lambda line: line.replace(b"\n", b"\r\n"), NOT_CANONICAL),
        (lambda line: line + b"\n", NOT_CANONICAL),
        (lambda line: line.replace(b"\n", b" {}\n"), NOT_CANONICAL),
        (lambda line: b"", "It is missing: after seq 1 the next one here is seq 3."),
        (lambda line: b"[]\n", NOT_A_LINE),
        (lambda line: b"null\n", NOT_A_LINE),
        (lambda line: b"7\n", NOT_A_LINE),
        (lambda line: b'{"a":1}\n', NOT_A_LINE),
        (lambda line: line.replace(b"{", b'{"0":1,', 1), NOT_A_LINE),
        (lambda line: line.replace(b'"hash":"', b'"hash":"0', 1), NOT_A_LINE),
        (lambda line: line.replace(b'"salt":"', b'"salt":"0', 1), NOT_A_LINE),
    ],
)
def test_a_line_that_is_not_the_one_text_of_an_execution_is_refused(
    change: Callable[[bytes], bytes], problem: str
) -> None:
    """Other spellings of the same value have another hash somewhere, or will have."""
    assert the_problem(with_text(change)) == problem


def test_what_follows_the_last_line_is_refused() -> None:
    """A line that has no end is a file that was cut."""
    made = organization(1)
    text = canonical(made.chains[0].live[0]).encode()
    said = the_problem(bound(made, text, made.chains[0].hash))
    assert said == "Its last line has no end: the file is cut off."


@pytest.mark.parametrize(
    ("place", "value"),
    [(3, 8), (4, 1), (2, 9), (0, 0)],
    ids=["a name", "a time", "method", "magic"],
)
def test_a_gzip_header_other_than_the_archives_is_refused(place: int, value: int) -> None:
    """The archive's members have no name and no time; what says otherwise wasn't written by it."""
    made = organization(1)
    text = canonical(made.chains[0].live[0]).encode() + b"\n"
    files = bound(made, text, made.chains[0].hash)
    [key] = objects(files)
    body = bytearray(files[key])
    body[place] = value
    said = the_problem({**files, key: bytes(body)})
    assert said == "From here on it can't be decompressed: the file is damaged or cut off."
