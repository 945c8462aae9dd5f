"""Policy documents: what they say, and what is wrong with those that can't hold."""

import re
from copy import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from control_plane.canonical import MAX_INTEGER, canonical
from control_plane.engine.decide import decide
from control_plane.engine.expression_sense import KEYS
from control_plane.engine.policy import (
    NO_POLICY,
    ApprovalRule,
    Policy,
    PolicyRefused,
    RoleMapping,
    Rule,
    Window,
    compile_policy,
    policy_of,
)
from control_plane.engine.policy_document import Document, schema
from control_plane.engine.policy_errors import MAX_PROBLEMS
from control_plane.models import Intent
from control_plane.policy_text import read_policy
from control_plane.templates.demo import demo

from tests.unit.conftest import MakeContext

ROOT = Path(__file__).parents[2]
RULE = {"id": "a", "condition": "true", "effect": "reject"}
WHOLE = {
    "limits": {
        "rate": {"per_minute": 10, "per_hour": 100},
        "quota": {"per_day": 500},
        "budget": {"daily": 100},
    },
    "action_budgets": {"budget.set": {"daily": 20}},
    "approvals": [
        {"min_cost": 50, "risk": "high", "actions": ["release.*", "budget.set"]},
        {"risk": ["low", "medium"], "required_role": "operator", "require_count": 2},
    ],
    "rules": [{**RULE, "description": "Why", "message": "No.", "mode": "observe"}],
    "role_mappings": [{"role": "operator", "condition": 'principal.attributes.team == "sre"'}],
    "execution_windows": {
        "allowed": [{"days": ["mon-wed", "fri"], "hours": ["22:00", "06:00"]}, {"days": "sun"}]
    },
}


def errors_of(document: Any) -> dict[str, str]:
    """What a refused document is told, by key."""
    with pytest.raises(PolicyRefused) as refused:
        compile_policy(document)
    return {error["key"]: error["error"] for error in refused.value.errors}


def windows_of(**window: Any) -> tuple[Window, ...]:
    """A document's one window, compiled."""
    return compile_policy({"execution_windows": {"allowed": [window]}}).windows


def test_an_empty_policy_limits_nothing() -> None:
    """`{}` is valid, and so is each part that says nothing."""
    assert compile_policy({}) == NO_POLICY == Policy()
    assert (
        compile_policy({"limits": {"rate": {}}, "rules": [], "execution_windows": {}}) == Policy()
    )


def test_a_whole_document_is_compiled() -> None:
    """Every key arrives in the compiled policy, with the defaults of what was left out."""
    policy = compile_policy(WHOLE)
    limits = policy.limits
    assert (limits.per_minute, limits.per_hour, limits.per_day) == (10, 100, 500)
    assert (limits.budget, limits.action_budgets) == (100, {"budget.set": 20})
    assert policy.approvals == (
        ApprovalRule("approvals[0]", 50, ("high",), ("release.*", "budget.set")),
        ApprovalRule("approvals[1]", None, ("low", "medium"), (), "operator", 2),
    )
    assert policy.rules == (Rule("a", "true", "reject", "Why", "No.", "observe"),)
    assert policy.role_mappings == (RoleMapping("operator", 'principal.attributes.team == "sre"'),)
    assert policy.windows == (
        Window(frozenset({0, 1, 2, 4}), 22 * 60, 6 * 60),
        Window(frozenset({6}), 0, 24 * 60),
    )


def test_the_schema_agrees_with_the_validation() -> None:
    """The published JSON Schema takes the whole document and refuses an unknown key."""
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(WHOLE)
    assert not validator.is_valid({**WHOLE, "rulez": []})
    assert not validator.is_valid({"limits": {"budget": {"daily": None}}})


@pytest.mark.parametrize(
    ("written", "seconds"), [("30m", 1_800), ("2h", 7_200), ("3d", 259_200), ("5s", 5), (90, 90)]
)
def test_an_expiry_is_a_duration_or_seconds(written: str | int, seconds: int) -> None:
    """Durations become seconds."""
    (rule,) = compile_policy({"approvals": [{"expires_in": written}]}).approvals
    assert rule.expires_in == seconds


@pytest.mark.parametrize("written", ["", "h", "2w", "-2h", "2 h", "0d", "²h", "400d", 0, 1.5, True])
def test_another_expiry_is_refused(written: Any) -> None:
    """No expiry is guessed, and none lies more than a year ahead."""
    assert set(errors_of({"approvals": [{"expires_in": written}]})) == {"approvals[0].expires_in"}


@pytest.mark.parametrize(
    ("days", "numbers"),
    [("mon", {0}), ("mon-fri", {0, 1, 2, 3, 4}), (["sat-mon", "wed"], {5, 6, 0, 2})],
)
def test_days_are_names_and_ranges(days: str | list[str], numbers: set[int]) -> None:
    """A range may pass the week's end."""
    assert windows_of(days=days)[0].days == numbers


@pytest.mark.parametrize(
    "window",
    [
        {"days": "monday"},
        {"days": []},
        {"days": "mon-"},
        {"hours": ["9:00", "17:00"]},
        {"hours": ["24:00", "06:00"]},
        {"hours": ["00:00", "24:01"]},
        {"hours": ["09:00"]},
        {"hours": [540, 1020]},
        {"timezone": "Europe/Atlantis"},
        {"timezone": "../../etc/passwd"},
        {"timezone": "localtime"},
        {"timezone": "Europe"},
    ],
)
def test_a_window_that_is_none_is_refused(window: dict) -> None:
    """Days, hours and zones are known ones, whatever the machine has."""
    for key in errors_of({"execution_windows": {"allowed": [window]}}):
        assert key.startswith(f"execution_windows.allowed[0].{next(iter(window))}")


@pytest.mark.parametrize("value", [-1, 1.0, "5", True, None, MAX_INTEGER + 1])
def test_a_limit_is_an_integer(value: Any) -> None:
    """An empty limit isn't no limit, and nothing is bent into a number."""
    assert set(errors_of({"limits": {"budget": {"daily": value}}})) == {"limits.budget.daily"}


def test_zero_is_a_limit() -> None:
    """A limit of 0 allows nothing, which is not the same as none."""
    assert compile_policy({"limits": {"quota": {"per_day": 0}}}).limits.per_day == 0


def test_every_error_is_told_at_once() -> None:
    """Each error has its key, and says what to do."""
    document = {
        "limits": {"rate": {"per_minite": 5}},
        "action_budgets": {"budget.set": {}},
        "rules": [RULE, {**RULE, "condition": "nobody.knows"}, {"id": "B", "effect": "deny"}],
        "zebra": 1,
    }
    errors = errors_of(document)
    assert errors["limits.rate.per_minite"] == "There is no such key. Do you mean per_minute?"
    assert errors['action_budgets["budget.set"].daily'] == "Add this key: it is needed."
    assert errors["rules[1].condition"].startswith("Nothing is named nobody; use action, ")
    assert errors["rules[1].id"] == "Two rules have the id a: rename one."
    assert "lower-case" in errors["rules[2].id"]
    assert errors["rules[2].effect"] == "Give one of 'allow', 'reject' or 'require_approval'."
    assert errors["rules[2].condition"] == "Add this key: it is needed."
    assert errors["zebra"].endswith(
        "Remove it, or use one of " + ", ".join(Document.model_fields) + "."
    )
    assert len(errors) == 8


@pytest.mark.parametrize("document", [None, [], "limits", 5])
def test_a_document_is_keys_with_values(document: Any) -> None:
    """What isn't an object is refused, and not taken for an empty policy."""
    assert set(errors_of(document)) == {""}


def test_a_role_mapping_needs_a_condition_that_compiles() -> None:
    """Conditions of role mappings are compiled, too."""
    mapping = {"role": "admin", "condition": "principal.username.matches("}
    assert set(errors_of({"role_mappings": [mapping]})) == {"role_mappings[0].condition"}


NEVER = [
    ("1 + 1", "Correct it, so it gives a bool. The expression gives int, not bool."),
    ("1 / 0 > 1", "Correct it, so it gives a bool. The expression has no answer"),
    ("[1, 2].filter(i, i > 1)", "Correct it, so it gives a bool. The expression gives list"),
    ('action.risk == "high"', "Nothing is named action.risk; use action.id."),
    ('action["risk"] == "high"', "Nothing is named action.risk; use action.id."),
    ("project.slug == 'a'", "Nothing is named project.slug; use project.id, project.version."),
    ("[1].exists(i, i > usage.cost)", "Nothing is named usage.cost; use usage.budget, usage.day,"),
    ('principal.role == "admin"', "Nothing is named principal.role; use principal.attributes, "),
]


@pytest.mark.parametrize(("condition", "sentence"), NEVER)
def test_a_condition_that_never_has_an_answer_is_refused(condition: str, sentence: str) -> None:
    """It would deny whatever is asked; the sentence names what there is."""
    errors = errors_of(
        {
            "rules": [{**RULE, "condition": condition}],
            "role_mappings": [{"role": "viewer", "condition": condition}],
        }
    )
    assert set(errors) == {"rules[0].condition", "role_mappings[0].condition"}
    assert all(error.startswith(sentence) for error in errors.values())


SOMETIMES = [
    "true",
    "!false && 1 < 2 && [1, 2].all(i, i > 0)",
    '[{"role": "admin"}].exists(who, who.role == "admin")',
    'principal.roles.exists(role, role == "admin") && principal["kind"] == "user"',
    "[1].exists(risk, risk > usage.day) || usage.minute > 1 && project.version > 1",
    'principal.attributes.role == "admin" || inputs.cost > state.budget.risk',
    'principal[inputs.name] == "admin" || "role" in principal',
]


@pytest.mark.parametrize("condition", SOMETIMES)
def test_a_condition_that_may_have_an_answer_is_taken(condition: str) -> None:
    """Constants that are a bool, known keys, and those that only data or a loop knows."""
    assert compile_policy({"rules": [{**RULE, "condition": condition}]}).rules


def test_a_stored_condition_is_still_read() -> None:
    """Who set it before it was refused keeps their policy as it was."""
    policy = policy_of(canonical({"rules": [{**RULE, "condition": "usage.cost > 1"}]}))
    assert [rule.condition for rule in policy.rules] == ["usage.cost > 1"]


def test_the_known_keys_are_those_that_asks_have(context_of: MakeContext) -> None:
    """Each is there in a decision: what is known and what is given are one."""
    parts = [f"size({variable}) == {len(keys)}" for variable, keys in KEYS.items()]
    parts += [f'"{key}" in {variable}' for variable, keys in KEYS.items() for key in keys]
    rules = [{**RULE, "id": f"r{n}", "condition": part} for n, part in enumerate(parts)]
    context = replace(context_of(demo), policy=compile_policy({"rules": rules}))
    reasons = decide(Intent("demo.counter.increment", {}), context, confirmed=False).reasons
    assert [reason.code for reason in reasons] == ["rule_rejected"] * len(rules)


def test_a_policy_has_at_most_a_hundred_rules() -> None:
    """Each rule costs every decision; the errors are bounded, too."""
    rules = [{**RULE, "id": f"r{n}"} for n in range(101)]
    assert len(compile_policy({"rules": rules[:100]}).rules) == 100
    assert errors_of({"rules": rules}) == {"rules": "List at most 100."}
    assert len(errors_of({"rules": [{}] * 100})) == MAX_PROBLEMS


def test_a_stored_policy_is_compiled_once() -> None:
    """Loading the same text again costs nothing: it is the same policy."""
    assert policy_of(canonical(WHOLE)) is policy_of(canonical(WHOLE))
    assert policy_of(canonical(WHOLE)) == compile_policy(WHOLE)


def test_the_documented_example_is_valid_and_whole() -> None:
    """docs/policy.md shows every key, in a document that holds."""
    page = (ROOT / "docs" / "policy.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    document = read_policy(example, "yaml")
    assert set(document) == set(Document.model_fields)
    assert all(getattr(compile_policy(document), part) for part in Policy.__slots__)
    for definition in schema()["$defs"].values():
        for key in definition["properties"]:
            assert f"`{key}`" in page or f"{key}:" in example, key
