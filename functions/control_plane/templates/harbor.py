"""A release desk: what a team looks at, and may do, in the days before a launch."""

from typing import Annotated, Literal

from pydantic import Field

from control_plane.registry import Changed, Check, RootState, State, Template, View
from control_plane.templates.memory import memory

Percent = Annotated[int, Field(ge=0, le=100)]
Amount = Annotated[int, Field(ge=0, le=1_000_000)]
Item = Literal["tests", "security_review"]
Ticked = Literal["open", "done"]
Name = Annotated[str, Field(min_length=1, max_length=64)]

ALL_TICKED = 'state["checklist"].tests == "done" && state["checklist"].security_review == "done"'


class Release(State):
    """How far the release has come."""

    stage: Literal["candidate", "frozen"] = Field(title="Stage")
    rollout: Percent = Field(title="Rollout, percent")


class Budget(State):
    """What the launch may cost, in thousands."""

    total: Amount = Field(title="Approved")
    spent: Amount = Field(title="Spent")


class Checklist(State):
    """What must be done before the release is frozen."""

    tests: Ticked = Field(title="Tests")
    security_review: Ticked = Field(title="Security review")


class Incident(State):
    """Whether something is on fire."""

    status: Literal["open", "resolved"] = Field(title="Status")
    severity: Annotated[int, Field(ge=1, le=4)] = Field(title="Severity")


class Switches(RootState[dict[Name, bool]]):
    """Feature switches by name."""


class Note(State):
    """One note of the desk."""

    text: Annotated[str, Field(max_length=20_000)] = Field(title="Text")
    tags: list[Name] = Field(title="Tags")


class Notes(RootState[dict[Name, Note]]):
    """Notes by title."""


harbor = Template("harbor", title="Harbor").including(memory)
harbor.component("release", Release, {"stage": "candidate", "rollout": 0}, title="Release")
harbor.component(
    "budget",
    Budget,
    {"total": 500, "spent": 320},
    title="Launch budget",
    invariants=[
        Check(
            "spent_within_total",
            'state["budget"].spent <= state["budget"].total',
            "No more can be spent than is approved.",
        )
    ],
)
harbor.component(
    "checklist", Checklist, {"tests": "done", "security_review": "open"}, title="Readiness"
)
harbor.component("incident", Incident, {"status": "open", "severity": 2}, title="Incident")
harbor.component(
    "switches",
    Switches,
    {"dark_mode": True, "new_checkout": False, "faster_search": False},
    title="Switches",
)
harbor.component("notes", Notes, {}, title="Notes")


@harbor.action(
    "checklist.tick",
    changes="/checklist",
    phrases=["tick off the {item}", "tick off {item}"],
)
def tick(state: View, item: Item) -> Changed:
    """Tick off a readiness item."""
    return {"checklist": {**state["checklist"], item: "done"}}


@harbor.action(
    "release.freeze",
    changes="/release/stage",
    cost=5,
    risk="medium",
    requires=[
        Check("all_ticked", ALL_TICKED, "Every readiness item must be ticked off first."),
        Check("not_frozen", 'state["release"].stage != "frozen"', "It is frozen already."),
    ],
    phrases=["freeze the release"],
)
def freeze(state: View) -> Changed:
    """Freeze the release."""
    return {"release": {**state["release"], "stage": "frozen"}}


@harbor.action(
    "release.rollout",
    changes="/release/rollout",
    cost=lambda percent: 2 * percent,
    risk="medium",
    phrases=["roll out to {percent} percent", "roll out to {percent}"],
)
def rollout(state: View, percent: Annotated[Percent, Field(examples=[20])]) -> Changed:
    """Roll out the release."""
    return {"release": {**state["release"], "rollout": percent}}


@harbor.action(
    "budget.set",
    changes="/budget/total",
    cost=10,
    risk="medium",
    phrases=["set the budget to {total}"],
)
def set_budget(state: View, total: Annotated[Amount, Field(examples=[550])]) -> Changed:
    """Set the launch budget."""
    return {"budget": {**state["budget"], "total": total}}


@harbor.action("budget.spend", changes="/budget/spent", phrases=["spend {amount}"])
def spend(state: View, amount: Annotated[Amount, Field(examples=[40])]) -> Changed:
    """Spend from the launch budget."""
    return {"budget": {**state["budget"], "spent": state["budget"]["spent"] + amount}}


@harbor.action(
    "incident.resolve",
    changes="/incident/status",
    requires=[Check("open", 'state["incident"].status == "open"', "No incident is open.")],
    phrases=["resolve the incident"],
)
def resolve(state: View) -> Changed:
    """Resolve the incident."""
    return {"incident": {**state["incident"], "status": "resolved"}}


@harbor.action(
    "switch.flip",
    changes="/switches",
    requires=[Check("known", 'inputs.name in state["switches"]', "There is no such switch.")],
    phrases=["flip the {name} switch", "flip {name}"],
)
def flip(state: View, name: Annotated[Name, Field(examples=["dark_mode"])]) -> Changed:
    """Flip a switch."""
    return {"switches": {**state["switches"], name: not state["switches"][name]}}


@harbor.action("note.write", changes="/notes", phrases=["note {title}: {text}"])
def write_note(
    state: View,
    title: Annotated[Name, Field(examples=["Launch day"])],
    text: Annotated[str, Field(examples=["We start at nine"])],
    tags: list[Name] | None = None,
) -> Changed:
    """Write a note."""
    return {"notes": {**state["notes"], title: {"text": text, "tags": tags or []}}}
