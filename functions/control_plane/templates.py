"""The templates that come with the product: `demo`, and `system` for organizations themselves."""

from typing import Annotated

from pydantic import Field, JsonValue, RootModel

from control_plane.registry import Changed, State, Template, View

Key = Annotated[str, Field(min_length=1, max_length=128)]


class Memory(RootModel[dict[Key, JsonValue]]):
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


class Counter(State):
    """A number to play with."""

    value: int = Field(title="Value")


demo = Template("demo", title="Demo").including(memory)
demo.component("demo.counter", Counter, {"value": 0}, title="Counter")


@demo.action(
    "demo.counter.set",
    changes="/demo.counter/value",
    cost=1,
    phrases=["set the counter to {value}"],
)
def set_counter(_: View, value: int) -> Changed:
    """Set the counter."""
    return {"demo.counter": {"value": value}}


@demo.action(
    "demo.counter.increment",
    changes="/demo.counter/value",
    cost=1,
    phrases=[
        "add {amount}",
        "add {amount} to the counter",
        "increase the counter by {amount}",
        "increment the counter",
    ],
)
def increment_counter(state: View, amount: int = 1) -> Changed:
    """Add to the counter."""
    return {"demo.counter": {"value": state["demo.counter"]["value"] + amount}}


@demo.action(
    "demo.counter.reset",
    changes="/demo.counter/value",
    cost=1,
    confirmation=True,
    phrases=["reset the counter"],
)
def reset_counter(_: View) -> Changed:
    """Reset the counter."""
    return {"demo.counter": {"value": 0}}


BUILT_IN = (Template("system", title="Organization"), demo)
