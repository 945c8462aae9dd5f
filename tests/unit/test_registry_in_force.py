"""What declarations mean once they are in force: to a decision, to a listing and to the hash."""

from copy import replace
from typing import Any

import pytest
from control_plane.engine.decide import decide
from control_plane.engine.explain import explain
from control_plane.models import Decision, Held, Intent
from control_plane.registry import Changed, Check, Registry, RootState, State, Template, View
from pydantic import JsonValue

from tests.unit.conftest import MakeContext
from tests.unit.test_registry import Box, boxed, codes, do

MIB = 1024 * 1024


class Pair(State):
    """Two numbers whose names begin alike."""

    number: int = 0
    number2: int = 0


class Anything(RootState[JsonValue]):
    """Any JSON."""


def done(template: Template, context_of: MakeContext, role: Any = "operator") -> Decision:
    """What `box.do` comes to."""
    return decide(Intent("box.do", {}), context_of(template, role=role), confirmed=False)


def holding(**initial: Any) -> Template:
    """A template of components that hold any JSON."""
    template = Template("tests")
    for id, state in initial.items():
        template.component(id, Anything, state, title=id)
    return template


def put(template: Template, **states: Any) -> Template:
    """The template with an action `box.do` that puts these states."""
    return do(template, lambda _: states, changes=[f"/{id}" for id in template.components])


# Places


def test_a_place_does_not_include_those_that_begin_alike(context_of: MakeContext) -> None:
    """Who may change `/box/number` may not change `/box/number2`."""
    template = Template("tests")
    template.component("box", Pair, {"number": 0, "number2": 0}, title="Box")
    do(template, lambda _: {"box": {"number": 0, "number2": 1}}, changes="/box/number")
    decision = done(template, context_of)
    assert (decision.status, codes(decision)) == ("failed", ["undeclared_change"])


def capped() -> Template:
    """A template with a box and a cap, which no action changes."""
    template = boxed()
    template.component("cap", Box, {"number": 3}, title="Cap")
    return template


def test_an_action_may_see_more_than_it_may_change(context_of: MakeContext) -> None:
    """Targets are read, `changes` written; the record names all that was read."""

    def fill(state: View) -> Changed:
        return {"box": {"number": state["cap"]["number"]}}

    template = do(capped(), fill, changes="/box/number", targets=["cap", "box"])
    decision = done(template, context_of)
    assert [operation["value"] for operation in decision.diff] == [3]
    assert decision.targets == {"box": 1, "cap": 1}
    registry = Registry(template)
    assert registry.needed(["box.do"]) == ["box", "cap"]
    assert registry.actions["box.do"].described["targets"] == ["box", "cap"]


def test_what_is_only_seen_is_not_changed(context_of: MakeContext) -> None:
    """A target outside `changes` stays as it is."""
    template = do(capped(), lambda _: {"cap": {"number": 4}}, targets=["box", "cap"])
    decision = done(template, context_of)
    assert (decision.status, codes(decision)) == ("failed", ["undeclared_change"])


def test_an_invariant_holds_whoever_changes_what_it_names(context_of: MakeContext) -> None:
    """A component's invariant also stands against a change of another component."""
    template = boxed()
    checks = [Check("c", 'state["box"].number <= state["cap"].number', "It is full.")]
    template.component("cap", Box, {"number": 3}, title="Cap", invariants=checks)
    do(template, lambda _: {"box": {"number": 4}})
    decision = done(template, context_of)
    assert (decision.status, codes(decision)) == ("failed", ["cap/c"])


# Roles

ROLES = [
    ("operator", {}, []),
    ("viewer", {}, ["operator"]),
    ("operator", {"risk": "medium"}, []),
    ("operator", {"risk": "high"}, ["admin"]),
    ("admin", {"risk": "high"}, []),
    ("operator", {"required_role": "admin"}, ["admin"]),
    ("viewer", {"required_role": "viewer"}, []),
    ("viewer", {"required_role": "viewer", "risk": "high"}, []),
    ("viewer", {"required_role": "operator", "risk": "high"}, ["operator"]),
]


@pytest.mark.parametrize(("role", "declared", "needed"), ROLES)
def test_the_role_is_as_declared_or_as_the_risk_demands(
    context_of: MakeContext, role: Any, declared: Any, needed: list[str]
) -> None:
    """A declared role counts; else high risk is for admins, and the rest for operators."""
    decision = done(do(boxed(), **declared), context_of, role)
    assert [reason.facts["role"] for reason in decision.reasons] == needed


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ({}, True),
        ({"risk": "high"}, False),
        ({"risk": "high", "required_role": "operator"}, True),
        ({"required_role": "admin"}, False),
        ({"visibility": "developer", "required_role": "viewer"}, False),
    ],
)
def test_what_only_admins_may_ask_is_listed_for_them_alone(declared: Any, shown: bool) -> None:
    """Nobody is offered an action that the role gate keeps for admins."""
    registry = Registry(do(boxed(), **declared))
    assert [a["id"] for a in registry.listed(admin=False)["actions"]] == ["box.do"] * shown
    assert "box.do" in [a["id"] for a in registry.listed(admin=True)["actions"]]


# Sizes


@pytest.mark.parametrize(("size", "reasons"), [(-1, []), (0, ["state_too_large"])])
def test_a_projects_state_is_at_most_four_mebibytes(
    context_of: MakeContext, size: int, reasons: list[str]
) -> None:
    """All components count, those that were not loaded included."""
    context = context_of(put(holding(box=1), box=22))
    rest = Held("0" * 64, 1, 1, 4 * MIB - 1 + size)
    context = replace(context, components={**context.components, "rest": rest})
    assert codes(decide(Intent("box.do", {}), context, confirmed=False)) == reasons


@pytest.mark.parametrize(("length", "reasons"), [(170_000, []), (180_000, ["effect_too_large"])])
def test_an_effect_is_at_most_one_mebibyte(
    context_of: MakeContext, length: int, reasons: list[str]
) -> None:
    """Old and new values of all components count together."""
    ids = ("a", "b", "c")
    template = holding(**dict.fromkeys(ids, "x" * length))
    put(template, **dict.fromkeys(ids, "y" * length))
    assert codes(done(template, context_of)) == reasons


@pytest.mark.parametrize(("levels", "reasons"), [(32, []), (33, ["invalid_state"])])
def test_a_state_is_at_most_32_levels_deep(
    context_of: MakeContext, levels: int, reasons: list[str]
) -> None:
    """What is nested deeper could not be read back by everybody."""
    nested: list[Any] = []
    for _ in range(levels - 1):
        nested = [nested]
    assert codes(done(put(holding(box=None), box=nested), context_of)) == reasons


# Names of checks, and the hash


def test_each_version_has_its_own_sentences(context_of: MakeContext) -> None:
    """Who is refused by `id@v1` reads what the first version says."""
    template = boxed()
    for version in (1, 2):
        check = Check("never", "false", f"Not in version {version}.")
        do(template, version=version, requires=[check])
    context = context_of(template)
    for name, says in (("box.do@v1", 1), ("box.do@v2", 2), ("box.do", 2)):
        [reason] = decide(Intent(name, {}), context, confirmed=False).reasons
        sentence = explain(reason.record(), context.registry.sentences)
        assert sentence == f"Not in version {says}."


def test_the_hash_covers_what_a_project_begins_with_and_loses() -> None:
    """Two declarations that make different projects never share a hash."""
    begun = Template("tests")
    begun.component("box", Box, {"number": 1}, title="Box")
    fewer = boxed()
    fewer.remove_component("gone")
    registries = [Registry(template) for template in (boxed(), begun, fewer, do(boxed()))]
    assert len({registry.hash for registry in registries}) == len(registries)
    assert registries[0].described == registries[1].described == registries[2].described
    assert Registry(boxed()).hash == registries[0].hash
