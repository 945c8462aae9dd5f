"""Actions as tools: the names that the chat completions API takes, and back again."""

import re

from control_plane.agent.actions import Action
from control_plane.agent.interpretation import Step
from control_plane.agent.tools import Call, Toolbox
from hypothesis import given
from hypothesis import strategies as st


def action(id: str) -> Action:
    return Action(id=id, title=id, description="", phrases=(), inputs={"type": "object"})


@given(st.lists(st.text(min_size=1) | st.text("ab._", min_size=60, max_size=70), unique=True))
def test_every_action_has_a_valid_name_of_its_own(ids: list[str]) -> None:
    """Whatever its id, each action gets one tool name that the API takes."""
    tools = Toolbox.of(map(action, ids))
    assert [each.id for each in tools.actions.values()] == ids
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in tools.actions)


def test_ids_that_would_share_a_name_stay_apart() -> None:
    """A call of the second of two like-named tools is the second action."""
    tools = Toolbox.of([action("a.b_c"), action("a_b.c")])
    assert list(tools.actions) == ["a_b_c", "a_b_c-2"]
    assert tools.steps([Call(name="a_b_c-2", arguments="{}")]) == [Step("a_b.c", {})]


def test_an_action_without_inputs_takes_an_empty_object() -> None:
    """A tool's parameters are always an object's schema, and no arguments are no inputs."""
    tools = Toolbox.of([action("lamp.on")])
    assert tools.described()[0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert tools.steps([Call(name="lamp_on", arguments="")]) == [Step("lamp.on", {})]


def test_open_schemas_keep_what_they_ask_for() -> None:
    """Only an action that declares that it takes any input gets undeclared ones."""
    inputs = {"type": "object", "additionalProperties": {"type": "integer"}}
    tools = Toolbox.of([Action("sum.of", "Sum", "", (), inputs)])
    call = Call(name="sum_of", arguments='{"a": 1, "b": 2}')
    assert tools.steps([call]) == [Step("sum.of", {"a": 1, "b": 2})]
