"""Forks: both verifiers accept those that an execution records, truly, and no other."""

from random import Random

from tests import corruptions, forks
from tests.evidence import Files
from tests.forks import LIES
from tests.verifying import in_javascript, in_python

FORKED = 40


def broken(trails: list[Files]) -> list[bool]:
    """Whether each trail is broken; both verifiers say the same of it."""
    found = [in_python(files) for files in trails]
    assert in_javascript({}, trails) == [[r.members() for r in reports] for reports in found]
    return [any(report.finding for report in reports) for reports in found]


def test_a_fork_that_an_execution_records_is_accepted() -> None:
    """With anchors before and after it, and objects of what was abandoned; and it is told."""
    trails = [forks.trail(seed) for seed in forks.trails(FORKED)]
    assert not any(broken([files for files, _ in trails]))
    for files, count in trails:
        [report] = in_python(files)
        assert len(report.members()["forks"]) == count
        assert sum("ABANDONED, as an execution says" in s for s in report.sentences()) == count


def test_forks_of_forks_are_accepted() -> None:
    """What the first fork went on with may be abandoned by the second."""
    trails = [forks.forked_twice(seed) for seed in range(2 * FORKED)]
    assert not any(broken(trails))
    found = [report for files in trails for report in in_python(files)]
    assert any(len(report.members()["forks"]) > 4 for report in found)


def cleaned(files: Files, day: str) -> Files:
    """Without what no anchor has listed, and what the last one doesn't list of up to a day."""
    [report] = in_python(files)
    gone = (key for key in corruptions.objects(files) if not report.anchors.in_last(key))
    listed = report.anchors.objects
    idle = {key for key in gone if key not in listed or key.split("/")[2] <= f"dt={day}"}
    return {key: body for key, body in files.items() if key not in idle}


def test_what_was_abandoned_may_be_cleaned_away() -> None:
    """Day by day, up to the last: it is in no chain."""
    trails = []
    for files in map(forks.forked_twice, range(2 * FORKED)):
        days = {key.split("dt=")[1][:10] for key in corruptions.objects(files)}
        trails += [cleaned(files, day) for day in sorted(days)]
    assert len(trails) > 4 * FORKED
    assert not any(broken(trails))


def test_a_fork_that_nobody_records_or_with_a_lie_is_caught() -> None:
    """Whatever is said else of action, principal, project, range, hash or anchor."""
    cases = [(lie, seed) for seed in forks.trails(FORKED // 4) for lie in LIES]
    found = broken([forks.trail(seed, lie)[0] for lie, seed in cases])
    missed = [
        f"{lie.name} {seed}"
        for (lie, seed), is_broken in zip(cases, found, strict=True)
        if not is_broken
    ]
    assert missed == []


def test_a_damaged_trail_that_forked_is_seen_alike_by_both() -> None:
    """What was abandoned may be gone from the archive, and not altered in it."""
    for seed in forks.trails(FORKED // 4):
        files, _ = forks.trail(seed)
        flips = [corruptions.flip_a_bit(Random(f"{seed}/{n}"), files) for n in range(8)]
        assert all(broken(flips))
        others = [kind(Random(seed), files) for kind in _KINDS]
        broken(others)


_KINDS = (
    corruptions.drop_an_object, corruptions.drop_a_line, corruptions.copy_an_object,
    corruptions.splice_a_line, corruptions.make_a_tail_anew, corruptions.swap_two_files,
    corruptions.alter_an_anchor, corruptions.drop_an_anchor,
)  # fmt: skip
