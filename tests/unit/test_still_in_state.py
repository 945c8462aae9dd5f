"""What executions have put into the state, and whether it is gone: by places and by texts."""

from typing import Any

import pytest
from control_plane.engine.effects import diff
from control_plane.engine.erasing import Bringing, still_in
from control_plane.models import Json

BEFORE: dict[str, Json] = {"c": {"n": 1, "list": ["a", "b"], "open": True}, "d": {"x": "known"}}


def left(*states: dict[str, Json], now: dict[str, Json] | None = None) -> str | None:
    """What still holds something when a range has led through these states, and it is `now`."""
    bringing, before = Bringing(BEFORE), BEFORE
    for state in states:
        bringing.take(list(diff(before, state)))
        before = state
    return still_in(bringing.brought(), states[-1] if now is None else now)


def state(**members: Json) -> dict[str, Json]:
    return {**BEFORE, "c": {**BEFORE["c"], **members}}


@pytest.mark.parametrize(
    ("states", "held"),
    [
        ([state(n=4711)], "c"),
        ([state(n=4711), state(n=5)], None),
        ([state(n=4711), state(n=5), state(n=4711)], "c"),
        ([state(n=4711), BEFORE], None),
        ([state(k={"deep": ["secret"]}), state(k="gone")], None),
        ([state(k={"deep": ["secret"]}), state(k={"deep": [], "copy": "secret"})], "c"),
        ([state(open=False)], None),
        ([state(list=["b"])], None),
        ([state(list=["a", "b", "secret"]), state(list=["a", "b"])], None),
        ([state(list=["secret", "a", "b"]), state(list=["x", "secret"])], "c"),
        ([state(k="known")], "c"),
        ([state(k="known"), state(k="other")], None),
    ],
)
def test_what_is_left_of_a_range(states: list[dict[str, Json]], held: str | None) -> None:
    """A value put at a place is still there, was replaced within the range, or is gone."""
    assert left(*states) == held


def test_a_new_text_is_found_wherever_it_was_copied() -> None:
    """Also in another component, later; a text that was known before is not."""
    told = [state(k="secret"), BEFORE]
    assert left(*told, now={**BEFORE, "d": {"x": "known", "y": ["secret"]}}) == "d"
    known = [state(k="known"), BEFORE]
    assert left(*known, now={**BEFORE, "d": {"x": "known", "y": ["known"]}}) is None


def test_nothing_is_known_before_where_that_was_erased() -> None:
    """Then whatever the range has put must be gone."""
    bringing = Bringing({})
    bringing.take([{"op": "replace", "path": "/c/n", "before": 2, "value": 1}])
    found: Any = bringing.brought()
    assert still_in(found, BEFORE) == "c"
