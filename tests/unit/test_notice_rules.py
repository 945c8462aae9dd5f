"""Each rule of a fork's notice by itself: where it lies, what it says, and what follows it."""

from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest
from control_plane.canonical import canonical

from tests import shapes
from tests.corruptions import anchors
from tests.evidence import Files
from tests.verifying import in_javascript, in_python

NOT_A_NOTICE = "It is no notice of a fork: its lines are others, or in another order."
WENT_BACK = "It says that a chain went back."


def executed(made: shapes.Organization, count: int) -> None:
    """So many executions in each project."""
    for chain in made.chains:
        for _ in range(count):
            chain.execute(made.at())


@pytest.fixture(scope="module")
def forked() -> shapes.Organization:
    """Two projects, set back once with five executions abandoned in each; nothing is archived."""
    made = shapes.Organization(Random(5))
    made.chains = [shapes.Chain(made.chance, made.id, shapes.identifier(made.chance)) for _ in "ab"]
    made.chains.sort(key=lambda chain: chain.project)
    executed(made, 3)
    made.anchor()
    backup = made.backup()
    executed(made, 5)
    made.anchor()
    made.set_back(backup)
    made.recover()
    made.anchor()
    return made


@pytest.fixture
def files(forked: shapes.Organization) -> Files:
    """Its anchors, and the notice."""
    return dict(forked.files)


def the_fault(files: Files) -> str | None:
    """What is wrong, in the words of both verifiers."""
    [report] = in_python(files)
    assert in_javascript({}, [files]) == [[report.members()]]
    return report.finding.problem if report.finding else None


def notice_of(files: Files) -> str:
    """The notice's key."""
    [key] = [key for key in files if key.startswith("forks/")]
    return key


def renamed(files: Files, old: str, new: str) -> Files:
    """The files with the notice under another name."""
    key = notice_of(files)
    return {key.replace(old, new) if name == key else name: body for name, body in files.items()}


def moment(key: str) -> str:
    """An anchor's moment."""
    return key.split("/")[2].removesuffix(".json")


def test_a_fork_with_its_notice_is_in_order_and_told(files: Files) -> None:
    """By both projects' own executions, which nobody has archived yet; the verdict names them."""
    assert the_fault(files) is None
    [report] = in_python(files)
    said = report.sentences()
    assert "but for 2 ranges that were ABANDONED" in said[0]
    assert sum(sentence.startswith("ABANDONED") for sentence in said) == 2


def test_without_its_notice_it_is_caught(files: Files) -> None:
    """Where an anchor says less than the one before, only a notice explains it."""
    del files[notice_of(files)]
    assert the_fault(files) == WENT_BACK


def test_a_notice_is_of_the_fork_after_one_anchor(files: Files) -> None:
    """Not of an earlier one, a later one, or none."""
    first, second, third = map(moment, anchors(files))
    said = "It names the anchor of"
    assert str(the_fault(renamed(files, second, first))).startswith(said)
    assert the_fault(renamed(files, second, third)) == WENT_BACK
    never = renamed(files, second, "2041-01-01T00:00:00.000000Z")
    assert the_fault(never) == "It is of a fork after an anchor that is not here."


def test_a_recovery_that_no_anchor_follows_was_not_finished(files: Files) -> None:
    """Until then its database and its anchors contradict each other."""
    del files[anchors(files)[-1]]
    assert str(the_fault(files)).startswith("No anchor follows it")


def test_of_a_repeated_notice_the_last_counts(files: Files) -> None:
    """A recovery that was killed, and whose database was set back again, leaves an idle one."""
    key = notice_of(files)
    lines = files[key].splitlines(keepends=True)
    assert the_fault({**files, key.replace("-0000.", "-0001."): files[key], key: lines[0]}) is None
    assert the_fault({**files, key.replace("-0000.", "-0001."): lines[0]}) == WENT_BACK


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda b: b"".join(reversed(b.splitlines(keepends=True))), NOT_A_NOTICE),
        (lambda b: b + b.splitlines(keepends=True)[-1], NOT_A_NOTICE),
        (lambda b: b[:-1], NOT_A_NOTICE),
        (lambda _: b"", "This is not canonical JSON."),
        (lambda b: b + b"\n", "This is not canonical JSON."),
        (lambda b: b.replace(b'"project.recover"', b'"project.recovet"'), "Its hash is not that"),
        (lambda b: b.replace(b'"first_seq":4', b'"first_seq":3'), "Its payload is not the one"),
    ],
)
def test_a_notice_that_was_altered_is_refused(
    files: Files, change: Callable[[bytes], bytes], problem: str
) -> None:
    """It holds whole lines as the archive has them, one a project."""
    key = notice_of(files)
    assert str(the_fault({**files, key: change(files[key])})).startswith(problem)


def test_any_other_execution_is_no_notice(forked: shapes.Organization, files: Files) -> None:
    """A line of the same projects, whose hashes all hold."""
    line = forked.chains[0].live[0]
    key = notice_of(files)
    assert the_fault({**files, key: (canonical(line) + "\n").encode()}) == NOT_A_NOTICE


def forged(files: Files, change: Callable[[Any], Any]) -> Files:
    """The notice with other claims, all its hashes made anew."""
    organization = shapes.Organization(Random(1))
    key, made = notice_of(files), []
    for line in map(orjson.loads, files[key].splitlines()):
        record = line["record"]
        chain = shapes.Chain(organization.chance, record["org"], record["project"])
        chain.seq, chain.version = record["seq"] - 1, record["base_version"]
        chain.hash = record["prev_hash"]
        claims = line["payload"]["inputs"]["abandoned"]
        change(claims)
        chain.recover(record["at"], claims)
        made.append(canonical(chain.live[-1]) + "\n")
    return {**files, key: "".join(made).encode()}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda claims: claims.clear(), WENT_BACK),
        (lambda claims: claims[0].update(last_seq=7), "It says that executions up to seq 7"),
        (lambda claims: claims[0].update(hash="ab" * 32), "It says that executions up to seq 8"),
        (lambda claims: claims[0].update(first_seq=2), "It says that what was abandoned began"),
        (lambda claims: claims[0].update(anchor="then"), "It names the anchor of then"),
        (lambda _: None, "It holds another hash than the anchor of"),
    ],
)
def test_a_notice_that_was_forged_is_caught(
    files: Files, change: Callable[[Any], Any], problem: str
) -> None:
    """Its claims must fit the anchor before, and itself the chains that the one after it holds."""
    assert str(the_fault(forged(files, change))).startswith(problem)


def test_a_project_that_was_lost_does_not_come_back() -> None:
    """Or its history could be made anew from its first execution on."""
    made = shapes.Organization(Random(6))
    made.chains = [shapes.Chain(made.chance, made.id, shapes.identifier(made.chance)) for _ in "ab"]
    made.chains.sort(key=lambda chain: chain.project)
    lost = made.chains[1].project
    made.chains[0].execute(made.at())
    made.anchor()
    backup = made.backup()
    executed(made, 5)
    made.anchor()
    made.set_back(backup)
    made.recover()
    made.anchor()
    assert the_fault(made.files) is None
    made.chains.append(shapes.Chain(made.chance, made.id, lost))
    made.chains[1].execute(made.at())
    made.anchor()
    assert the_fault(made.files) == "It was lost, as an execution says, and is there again."
