"""The policy in a decision: every gate with its numbers."""

import time
from copy import replace
from itertools import count
from typing import Any

import pytest
from control_plane.canonical import MAX_INTEGER
from control_plane.engine.context import Context
from control_plane.engine.counters import BUDGET, HOUR, MINUTE, QUOTA, budget_of, window_end
from control_plane.engine.decide import decide
from control_plane.engine.policy import compile_policy
from control_plane.engine.preview import predict
from control_plane.engine.unlocks import unlocks
from control_plane.models import MAX_STEPS, Intent, Role
from control_plane.registry import Changed, Check, Template, View
from control_plane.templates.harbor import harbor

from tests.unit.conftest import MakeContext
from tests.unit.test_registry import Box

TICK = Intent("checklist.tick", {"item": "tests"})
SET = Intent("budget.set", {"total": 550})


def governed(context: Context, document: dict[str, Any], **more: Any) -> Context:
    """The context under a policy."""
    return replace(context, policy=compile_policy(document), policy_version=1, **more)


LIMITS = [
    ({"limits": {"rate": {"per_minute": 2}}}, MINUTE, 2, "rate_exceeded"),
    ({"limits": {"rate": {"per_hour": 2}}}, HOUR, 2, "rate_exceeded"),
    ({"limits": {"quota": {"per_day": 2}}}, QUOTA, 2, "quota_exceeded"),
    ({"limits": {"budget": {"daily": 10}}}, BUDGET, 1, "budget_exceeded"),
    (
        {"action_budgets": {"budget.set": {"daily": 10}}},
        budget_of("budget.set"),
        1,
        "action_budget_exceeded",
    ),
]


@pytest.mark.parametrize(("document", "counter", "used", "code"), LIMITS)
def test_a_limit_lets_through_what_fits_and_nothing_more(
    context_of: MakeContext, document: dict[str, Any], counter: str, used: int, code: str
) -> None:
    """One less fits; the refusal names limit, use, and when it is over."""
    context = governed(context_of(harbor), document, usage={counter: used})
    refused = decide(SET, context, confirmed=False)
    assert [reason.code for reason in refused.reasons] == [code]
    [reason] = refused.reasons
    assert reason.facts["used"] == used
    assert reason.facts["until"] == window_end(counter, context.at)
    fits = replace(context, usage={counter: used - 1})
    done = decide(SET, fits, confirmed=False)
    assert done.status == "success"
    assert counter in {**done.attempt, **done.charge}


READS = [
    ("usage.minute >= 2", [MINUTE], []),
    ("usage.hour >= 2", [HOUR], []),
    ("usage . day >= 2", [], [QUOTA]),
    ("usage.budget >= 200", [], []),  # costs are counted anyway
    ('usage["day"] >= 2', [MINUTE, HOUR], [QUOTA]),
    ("usage.all(name, usage[name] < 2)", [MINUTE, HOUR], [QUOTA]),
]


@pytest.mark.parametrize(("condition", "attempted", "charged"), READS)
@pytest.mark.parametrize("kind", ["rules", "role_mappings"])
def test_what_a_condition_reads_is_counted_without_a_limit(
    context_of: MakeContext, condition: str, attempted: list[str], charged: list[str], kind: str
) -> None:
    """A rule over a count that nobody keeps would never hold; what none reads isn't kept."""
    says = {"rules": {"id": "busy", "effect": "allow"}, "role_mappings": {"role": "viewer"}}
    document = {kind: [{**says[kind], "condition": condition}]}
    done = decide(SET, governed(context_of(harbor), document), confirmed=False)
    assert done.attempt == dict.fromkeys(attempted, 1)
    assert done.charge == {BUDGET: 10} | dict.fromkeys(charged, 1)


def test_a_rule_over_counts_holds_when_they_are_reached(context_of: MakeContext) -> None:
    """Each ask sees what those before it counted."""
    busy = {"id": "busy", "condition": "usage.day >= 2", "effect": "reject"}
    context = governed(context_of(harbor), {"rules": [busy]})
    ticks = [TICK, Intent("checklist.tick", {"item": "security_review"}), SET]
    statuses = [decision.status for decision in predict(ticks, context).decisions]
    assert statuses == ["success", "success", "rejected"]


def test_no_day_costs_more_than_a_record_can_hold(context_of: MakeContext) -> None:
    """Without a limit, too, the counter stays an integer that every reader of JSON knows."""
    context = governed(context_of(harbor), {}, usage={BUDGET: MAX_INTEGER - 9})
    refused = decide(SET, context, confirmed=False)
    assert [reason.code for reason in refused.reasons] == ["budget_exceeded"]
    fits = replace(context, usage={BUDGET: MAX_INTEGER - 10})
    assert decide(SET, fits, confirmed=False).status == "success"


def test_a_refusal_costs_nothing_but_rate(context_of: MakeContext) -> None:
    """What a refused ask counts is its attempt alone."""
    document = {"limits": {"rate": {"per_minute": 9}, "budget": {"daily": 1}}}
    context = governed(context_of(harbor), document)
    refused = decide(SET, context, confirmed=False)
    assert context.after(refused).usage == {MINUTE: 1}
    assert context.after(decide(TICK, context, confirmed=False)).usage == {MINUTE: 1}


def test_outside_its_windows_nothing_is_allowed(context_of: MakeContext) -> None:
    """The refusal names the next opening, and waiting for it is the way out."""
    nights = {"execution_windows": {"allowed": [{"hours": ["22:00", "06:00"]}]}}
    context = governed(context_of(harbor), nights)
    [reason] = decide(TICK, context, confirmed=False).reasons
    assert (reason.code, reason.facts["until"][11:16]) == ("outside_window", "22:00")
    [unlock] = unlocks(predict([TICK], context))
    assert (unlock["kind"], unlock["until"]) == ("wait", reason.facts["until"])
    later = replace(context, at="2026-11-22T23:30:00.000000Z")
    assert decide(TICK, later, confirmed=False).status == "success"


def test_a_mapping_gives_whom_it_fits_a_role(context_of: MakeContext) -> None:
    """By attributes; a broken one gives none, and approving needs the member's own role."""
    mapping = {"role": "operator", "condition": 'principal.attributes.team == "desk"'}
    context = governed(context_of(harbor, role="viewer"), {"role_mappings": [mapping]})
    desk = replace(context, person={"attributes": {"team": "desk"}})
    assert decide(TICK, desk, confirmed=False).status == "success"
    for person in ({"attributes": {"team": "other"}}, {}):
        elsewhere = replace(context, person=person)
        [reason] = decide(TICK, elsewhere, confirmed=False).reasons
        assert reason.code == "role_required"


def test_approvals_that_fit_ask_for_the_strictest_of_all(context_of: MakeContext) -> None:
    """The highest role, the most people, the soonest expiry."""
    document = {
        "approvals": [
            {"min_cost": 5, "required_role": "operator", "require_count": 3, "expires_in": "2d"},
            {"actions": ["budget.*"], "expires_in": "1h"},
            {"risk": "high", "require_count": 9},
        ]
    }
    context = governed(context_of(harbor), document)
    waiting = decide(SET, context, confirmed=False)
    assert waiting.status == "pending_approval"
    assert waiting.approval is not None
    asked = waiting.approval.record()
    assert (asked["role"], asked["count"], asked["expires_in"]) == ("admin", 3, 3600)
    assert asked["because"] == ["approvals[0]", "approvals[1]"]
    assert decide(TICK, context, confirmed=False).status == "success"


def preparing(ran: list[int], seconds: float = 0) -> Template:
    """A template with five asks that change something, and one that stays refused after two."""
    template = Template("tests")
    template.component("box", Box, {"number": 0}, title="Box")
    for number in range(5):

        def handler(state: View, number: int = number) -> Changed:
            ran.append(number)
            time.sleep(seconds)
            return {"box": {"number": state["box"]["number"] + 1}}

        template.action(f"prepare.n{number}", changes="/box")(handler)
    enough = [Check("enough", 'state["box"].number > 9', "There is not enough.")]
    declare = template.action("box.ship", changes="/box", requires=enough, required_role="viewer")
    declare(lambda state: {})
    return template


def test_the_search_for_unlocks_ends_when_it_is_late(context_of: MakeContext) -> None:
    """Not one more handler runs then."""
    ran: list[int] = []
    refused = predict([Intent("box.ship", {})], context_of(preparing(ran)))
    assert unlocks(refused) == []
    assert len(ran) == 5 + 5 + 2 * 10
    ran.clear()
    assert unlocks(refused, late=lambda: len(ran) >= 3) == []
    assert len(ran) == 3


def test_what_was_found_before_it_was_late_is_answered(context_of: MakeContext) -> None:
    """What one simulation tells is looked for before what many do, and offered after it."""
    context = governed(context_of(harbor), {"limits": {"budget": {"daily": 100}}})
    refused = predict(
        [Intent("release.rollout", {"percent": 30})], replace(context, usage={BUDGET: 50})
    )
    assert [unlock["kind"] for unlock in unlocks(refused)] == ["plan", "wait"]
    asked = count()
    assert [each["kind"] for each in unlocks(refused, late=lambda: next(asked) > 1)] == ["wait"]


def test_an_unlock_asks_for_the_role_that_is_missing(context_of: MakeContext) -> None:
    """Simulated with that role before it is offered."""
    [unlock] = unlocks(predict([TICK], context_of(harbor, role="viewer")))
    assert (unlock["kind"], unlock["role"]) == ("ask", "operator")


BUT_ADMINS = 'action.id == "checklist.tick" && !("admin" in principal.roles)'
ASKABLE: list[tuple[Role, str, list[Any]]] = [
    ("operator", BUT_ADMINS, ["admin"]),
    ("viewer", BUT_ADMINS, ["admin"]),
    ("viewer", 'principal.roles.all(role, role == "viewer")', ["operator"]),
    ("operator", 'principal.id == "u1"', []),
    ("admin", 'action.id == "checklist.tick"', []),
]


@pytest.mark.parametrize(("role", "condition", "found"), ASKABLE)
def test_an_unlock_asks_for_the_role_that_a_rule_lets_through(
    context_of: MakeContext, role: Role, condition: str, found: list[Any]
) -> None:
    """The least one that gets past all rules; none where they don't look at roles."""
    rules = [{"id": "no", "condition": condition, "effect": "reject"}]
    context = governed(context_of(harbor, role=role), {"rules": rules})
    assert [unlock["role"] for unlock in unlocks(predict([TICK], context))] == found


def test_two_preparations_are_found_where_two_are_needed(context_of: MakeContext) -> None:
    """Both readiness items are open: ticking them off first unlocks the freeze."""
    open_items = {"tests": "open", "security_review": "open"}
    context = context_of(harbor, checklist=open_items)
    [unlock] = unlocks(predict([Intent("release.freeze", {})], context))
    assert [step["action"] for step in unlock["steps"]] == [
        "checklist.tick", "checklist.tick", "release.freeze",
    ]  # fmt: skip
    asked = [Intent(step["action"], step["inputs"]) for step in unlock["steps"]]
    assert predict(asked, context).status == "success"


@pytest.mark.parametrize(("notes", "found"), [(7, 3), (8, 0), (9, 0)])
def test_an_unlock_is_a_plan_that_can_be_asked_for(
    context_of: MakeContext, notes: int, found: int
) -> None:
    """Two preparations are offered only where ten steps hold them, too."""
    context = context_of(harbor, checklist={"tests": "open", "security_review": "open"})
    note = Intent("note.write", {"title": "Launch day", "text": "We start at nine"})
    refused = predict([*[note] * notes, Intent("release.freeze", {})], context)
    assert [len(unlock["steps"]) - notes for unlock in unlocks(refused)] == [found] * bool(found)


def test_an_unlock_of_one_more_step_needs_room_for_it(context_of: MakeContext) -> None:
    """Nine steps and one that is refused are as many as a plan takes."""
    note = Intent("note.write", {"title": "Launch day", "text": "We start at nine"})
    freeze, context = Intent("release.freeze", {}), context_of(harbor)
    [unlock] = unlocks(predict([*[note] * 8, freeze], context))
    assert len(unlock["steps"]) == MAX_STEPS
    assert unlocks(predict([*[note] * 9, freeze], context)) == []
