"""A project's shared memory, part of every template that people use."""

from typing import Annotated

from pydantic import Field, JsonValue

from control_plane.registry import Changed, RootState, Template, View

Key = Annotated[str, Field(min_length=1, max_length=128)]


class Memory(RootState[dict[Key, JsonValue]]):
    """What a project's people asked to be remembered, by key."""


memory = Template("memory")
memory.component(
    "memory", Memory, {}, title="Memory", description="What everybody here may look up."
)


@memory.action(
    "memory.remember",
    changes="/memory",
    phrases=["remember that {key} is {value}", "remember {key} = {value}"],
)
def remember(state: View, key: Key, value: JsonValue) -> Changed:
    """Remember something."""
    return {"memory": {**state["memory"], key: value}}


@memory.action("memory.forget", changes="/memory", phrases=["forget {key}"])
def forget(state: View, key: Key) -> Changed:
    """Forget something."""
    return {"memory": {name: value for name, value in state["memory"].items() if name != key}}
