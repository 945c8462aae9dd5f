"""What is declared unreadable reaches admins only."""

from copy import replace
from typing import Any

from control_plane.registry import Registry, State, Template
from control_plane.target import Target
from control_plane.visibility import shown_to

from tests.unit.conftest import PERSON


class Box(State):
    """A state for tests."""

    number: int = 0


def target(role: Any) -> Target:
    """A project with a secret, asked by somebody of this role."""
    template = Template("tests")
    template.component("box", Box, {"number": 0}, title="Box")
    template.component("secret", Box, {"number": 0}, title="Secret", readable=False)
    return Target("o", "p", replace(PERSON, role=role), Registry(template))


ANSWER = {
    "components": {"box": {"number": 1}, "secret": {"number": 42}},
    "items": [
        {
            "inputs": {"diff": [{"path": "/secret/number"}]},
            "diff": [
                {"op": "replace", "path": "/box/number", "before": 0, "value": 1},
                {"op": "replace", "path": "/secret/number", "before": 0, "value": 42},
            ],
        }
    ],
}


def test_admins_see_everything() -> None:
    """Nothing is taken from their answers."""
    assert shown_to(target("admin"), ANSWER) is ANSWER


def test_others_see_neither_secret_states_nor_their_changes() -> None:
    """Wherever they stand in an answer; the rest, inputs included, stays as it is."""
    for role in ("viewer", "operator"):
        shown = shown_to(target(role), ANSWER)
        assert "42" not in str(shown)
        assert shown["components"] == {"box": {"number": 1}}
        assert [op["path"] for op in shown["items"][0]["diff"]] == ["/box/number"]
        assert shown["items"][0]["redacted"] is True
        assert shown["items"][0]["inputs"] == ANSWER["items"][0]["inputs"]  # type: ignore[index]


def test_what_a_step_would_send_is_shown_as_its_inputs_are() -> None:
    """A message follows from the inputs alone; what it holds is never taken for an answer's own."""
    body = {
        "diff": [{"path": "/secret/number"}],
        "reasons": [{"rule": "r"}],
        "facts": {"email": "e"},
    }
    step = {"inputs": {"note": "n"}, "messages": [{"topic": "box.changed", "body": body}]}
    for role in ("viewer", "operator", "admin"):
        assert shown_to(target(role), {"steps": [step]}) == {"steps": [step]}
