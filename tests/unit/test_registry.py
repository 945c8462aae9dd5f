"""Declarations: little ceremony, and refused at load where they can't hold."""

from typing import Any

from control_plane.engine.decide import decide
from control_plane.engine.preview import predict
from control_plane.models import Intent
from control_plane.registry import (
    Changed,
    Check,
    Registry,
    State,
    Template,
    View,
    load_registries,
)
from control_plane.templates.demo import demo
from control_plane.templates.harbor import harbor
from jsonschema import Draft202012Validator

from tests.unit.conftest import MakeContext


class Box(State):
    """A state for tests."""

    number: int = 0


def boxed() -> Template:
    """A template with one component."""
    template = Template("tests")
    template.component("box", Box, {"number": 0}, title="Box")
    return template


def do(template: Template, handler: Any = None, **declared: Any) -> Template:
    """The template with an action `box.do`."""

    def nothing(_: View) -> Changed:
        return {}

    template.action("box.do", **{"changes": "/box", "title": "Do", **declared})(handler or nothing)
    return template


def test_the_smallest_action_is_five_lines(context_of: MakeContext) -> None:
    """Name, place, handler; inputs, title and schema follow."""
    template = boxed()

    @template.action("box.set", changes="/box")
    def set_box(_: View, number: int) -> Changed:
        """Set the box."""
        return {"box": {"number": number}}

    decision = decide(Intent("box.set", {"number": 4}), context_of(template), confirmed=False)
    assert (decision.title, decision.diff[0]["value"]) == ("Set the box", 4)


def test_versions_are_addressed_and_the_plain_id_is_the_latest(context_of: MakeContext) -> None:
    """Who wrote `id@v1` gets what they wrote it for."""
    template = boxed()
    for version in (1, 2):
        amount = version * 10

        def handler(_: View, amount: int = amount) -> Changed:
            return {"box": {"number": amount}}

        do(template, handler, version=version)
    context = context_of(template)
    values = [
        decide(Intent(name, {}), context, confirmed=False).diff[0]["value"]
        for name in ("box.do", "box.do@v1", "box.do@v2")
    ]
    assert values == [20, 10, 20]
    first = decide(Intent("box.do@v1", {}), context, confirmed=False)
    assert (first.action, first.action_version) == ("box.do", 1)
    assert decide(Intent("box.do@v3", {}), context, confirmed=False).status == "rejected"
    listed = Registry(template).listed(admin=True)["actions"]
    assert [action["version"] for action in listed if action["id"] == "box.do"] == [2]


def test_every_schema_is_json_schema_2020_12() -> None:
    """What is listed validates as a schema."""
    for registry in load_registries().values():
        for action in registry.described["actions"]:
            Draft202012Validator.check_schema(action["inputs"])
        for component in registry.described["components"]:
            Draft202012Validator.check_schema(component["schema"])


def test_listings_show_a_caller_what_is_for_them() -> None:
    """Unreadable components and developers' or admins' actions are listed for admins only."""
    template = boxed()
    template.component("secret", Box, {"number": 0}, title="Secret", readable=False)
    do(template, visibility="developer")
    registry = Registry(template)
    everything, little = registry.listed(admin=True), registry.listed(admin=False)
    assert [c["id"] for c in little["components"]] == ["box"]
    assert [c["id"] for c in everything["components"]] == ["box", "secret"]
    assert little["actions"] == []
    assert [a["id"] for a in everything["actions"]] == ["box.do", "project.revert"]


def codes(decision: Any) -> list[str]:
    """Reason codes with the checks they name."""
    return [reason.facts.get("check", reason.code) for reason in decision.reasons]


def test_preconditions_are_all_evaluated(context_of: MakeContext) -> None:
    """A viewer who wants too much hears of the role and of each condition, in this order."""
    texts = {"a": "1 > 2", "b": "true", "c": 'state["box"].nothing > 1'}
    checks = [Check(id, text, f"{id}.") for id, text in texts.items()]
    context = context_of(do(boxed(), requires=checks), role="viewer")
    decision = decide(Intent("box.do", {}), context, confirmed=False)
    assert codes(decision) == ["role_required", "box.do/a", "box.do/c"]
    assert [reason.code for reason in decision.reasons][1:] == [
        "precondition_failed",
        "check_failed",
    ]


def test_a_broken_invariant_fails_and_changes_nothing(context_of: MakeContext) -> None:
    """Invariants see the state after; one that can't be evaluated counts as broken."""
    context = context_of(harbor, role="admin")
    over = decide(Intent("budget.set", {"total": 319}), context, confirmed=False)
    assert (over.status, codes(over)) == ("failed", ["budget/spent_within_total"])
    assert over.diff == ()
    enough = decide(Intent("budget.set", {"total": 320}), context, confirmed=False)
    assert enough.status == "success"


def test_a_cost_may_follow_from_the_inputs(context_of: MakeContext) -> None:
    """Rolling out to 60 percent costs 120; a cost that is none fails the action."""
    context = context_of(harbor)
    decision = decide(Intent("release.rollout", {"percent": 60}), context, confirmed=False)
    assert decision.cost == 120
    for cost in (lambda: 1 / 0, lambda: -1, lambda: 1.5, lambda: True):
        template = do(boxed(), cost=cost)
        failed = decide(Intent("box.do", {}), context_of(template), confirmed=False)
        assert (failed.status, codes(failed)) == ("failed", ["handler_error"])


def test_the_release_desk_works_as_its_story_goes(context_of: MakeContext) -> None:
    """Tick off the security review, then freeze: two steps, cost 5, one commit."""
    tick = Intent("checklist.tick", {"item": "security_review"})
    freeze = Intent("release.freeze", {})
    context = context_of(harbor)
    early = predict([freeze], context)
    assert codes(early.decisions[0]) == ["release.freeze/all_ticked"]
    plan = predict([tick, freeze], context)
    assert (plan.status, plan.cost) == ("success", 5)
    again = predict([tick, freeze, freeze], context)
    assert codes(again.decisions[-1]) == ["release.freeze/not_frozen"]


def test_what_is_needed_is_what_checks_and_targets_name() -> None:
    """Loading costs what is touched: targets, named components, and their invariants'."""
    registry = Registry(harbor)
    assert registry.needed(["release.freeze"]) == ["checklist", "release"]
    assert registry.needed(["budget.spend", "unknown"]) == ["budget"]
    dynamic = do(boxed(), requires=[Check("a", "size(state) > 0", "A.")])
    assert Registry(dynamic).needed(["box.do"]) is None
    assert Registry(demo).needed(["project.revert"]) == ["demo.counter", "memory"]
