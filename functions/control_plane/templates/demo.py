"""The smallest template: a counter to play with."""

from pydantic import Field

from control_plane.registry import Changed, State, Template, View
from control_plane.templates.memory import memory


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
