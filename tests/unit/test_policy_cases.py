"""Cases of a policy: decided by the engine, with the rules that they exercise."""

from pathlib import Path
from typing import Any

import pytest
from control_plane.engine.policy import PolicyRefused, compile_policy
from control_plane.policy_text import read_policy
from control_plane.registry import load_registries
from typer.testing import CliRunner

from infra.cli.policy import app
from infra.local.bootstrap import HARBOR_POLICY
from infra.policy_cases import Outcome, never_exercised, read_cases, run_case

EXAMPLES = Path(__file__).parents[2] / "examples" / "policy"
POLICY = EXAMPLES / "harbor.yaml"
CASES = EXAMPLES / "harbor-cases.yaml"
RESOLVE = "{action: incident.resolve}"
CLI = CliRunner()


def outcome_of(policy: dict[str, Any], case: str, who: str = "role: operator") -> Outcome:
    """How one case of `harbor` ends; `case` is YAML of what is asked and expected."""
    text = f"template: harbor\ncases:\n - {{name: it, principal: {{{who}}}, {case}}}"
    (asked,), registry = read_cases(text, "yaml", load_registries())
    return run_case(asked, registry, compile_policy(policy))


def rule(id: str, condition: str, effect: str = "reject", **more: str) -> dict[str, str]:
    """A rule of a document."""
    return {"id": id, "condition": condition, "effect": effect, **more}


def errors_of(text: str) -> list[tuple[int, str]]:
    """Line and key of what is wrong with a text of cases."""
    with pytest.raises(PolicyRefused) as refused:
        read_cases(text, "yaml", load_registries())
    return [(error["line"], error["key"]) for error in refused.value.errors]


def test_the_examples_hold() -> None:
    """The policy of `harbor` does what its cases say, and they leave no rule out."""
    done = CLI.invoke(app, ["test", "--strict", str(POLICY), str(CASES)])
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    assert "never exercised" not in done.output


def test_the_example_is_the_policy_that_harbor_gets() -> None:
    """What `chat-agent up` seeds and what the file says are one document."""
    assert read_policy(POLICY.read_text(), "yaml") == HARBOR_POLICY


def test_a_valid_policy_is_summed_up() -> None:
    """The answer says how much of each kind there is."""
    done = CLI.invoke(app, ["validate", str(POLICY)])
    assert (done.exit_code, done.output) == (0, f"{POLICY}: valid, with 1 limit, 2 rules.\n")


def test_errors_are_printed_as_editors_read_them(tmp_path: Path) -> None:
    """Each error is a line on standard error: file, line, key, and what to do."""
    file = tmp_path / "policy.yaml"
    file.write_text("limits:\n  budgets: {}\n")
    done = CLI.invoke(app, ["validate", str(file)])
    assert (done.exit_code, done.stdout) == (1, "")
    expected = f"{file}:2: limits.budgets: There is no such key. Do you mean budget?\n"
    assert done.stderr == expected


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """No traceback for a missing file or one that is no text."""
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.yaml", "binary.yaml"):
        done = CLI.invoke(app, ["validate", str(tmp_path / name)])
        assert done.exit_code == 1
        assert "can't be read" in done.stderr


def test_a_failed_case_shows_both_ends(tmp_path: Path) -> None:
    """A case that ends otherwise fails the command and says what was found."""
    text = CASES.read_text().replace("status: pending_approval", "status: success")
    (tmp_path / "cases.yaml").write_text(text)
    done = CLI.invoke(app, ["test", str(POLICY), str(tmp_path / "cases.yaml")])
    assert done.exit_code == 1
    assert "FAILED  an operator asks an admin" in done.output
    assert "found    pending_approval (approval_required)" in done.output
    assert "6 of 7 cases ok." in done.output


def test_a_rule_that_no_case_exercises_is_named(tmp_path: Path) -> None:
    """It fails the command only if asked to."""
    text = CASES.read_text().split("  - name: nothing is rolled out")[0]
    (tmp_path / "cases.yaml").write_text(text)
    arguments = ["test", str(POLICY), str(tmp_path / "cases.yaml")]
    done = CLI.invoke(app, arguments)
    assert done.exit_code == 0
    assert "never exercised: no-rollout-in-incident" in done.output
    assert CLI.invoke(app, [*arguments, "--strict"]).exit_code == 1


def test_an_approval_and_a_budget_that_no_case_exercises_are_named() -> None:
    """An approval is exercised where it asks, a budget where what costs is held against it."""
    policy = {
        "approvals": [{"actions": ["incident.*"]}, {"actions": "release.freeze"}],
        "action_budgets": {"budget.set": {"daily": 9}, "release.rollout": {"daily": 9}},
    }
    compiled = compile_policy(policy, load_registries()["harbor"])
    resolved = outcome_of(policy, f"intent: {RESOLVE}, expect: {{status: pending_approval}}")
    total = "intent: {action: budget.set, inputs: {total: 550}}"
    spent = outcome_of(policy, f"{total}, expect: {{status: rejected}}")
    assert resolved.ok
    assert spent.ok
    missed = ["approvals[1]", 'action_budgets["release.rollout"]']
    assert never_exercised(compiled, [resolved, spent]) == missed


def test_a_case_says_whom_administration_is_about() -> None:
    """What they are now, and who else could approve; without it they are unknown."""
    policy = {"approvals": [{"actions": ["project.member.*"]}]}
    user = "00000000-0000-7000-8000-000000000001"
    ask = f"intent: {{action: project.member.remove, inputs: {{user: {user}}}}}"
    asked = f"{ask}, subject: {{role: viewer}}, expect: {{status: pending_approval}}"
    assert outcome_of(policy, asked, "role: admin").ok
    for unknown in (ask, f"{ask}, subject: {{}}"):
        refused = f"{unknown}, expect: {{status: rejected, reasons: [unknown_user]}}"
        assert outcome_of(policy, refused, "role: admin").ok
    document = "document: {approvals: [{actions: [project.*], require_count: 2}]}"
    ask = f"intent: {{action: project.policy.set, inputs: {{{document}}}}}"
    for admins, status in ((1, "rejected"), (2, "success")):
        others = f"subject: {{others: {{admin: {admins}}}}}, expect: {{status: {status}}}"
        assert outcome_of({}, f"{ask}, {others}", "role: admin").ok


def test_steps_are_judged_on_the_state_that_they_meet() -> None:
    """A rule that only the second step meets is exercised; one that fails to evaluate isn't."""
    resolved = 'state["incident"].status == "resolved"'
    policy = {
        "rules": [
            rule("met", resolved, mode="observe"),
            rule("broken", 'inputs.nothing == "x"', mode="observe"),
            rule("never", "false"),
        ]
    }
    steps = f"steps: [{RESOLVE}, {{action: budget.spend, inputs: {{amount: 1}}}}]"
    outcome = outcome_of(policy, f"{steps}, expect: {{status: success}}")
    assert outcome.ok
    assert outcome.exercised == {"met"}
    assert never_exercised(compile_policy(policy), [outcome]) == ["broken", "never"]


def test_a_case_says_who_asks_when_and_after_what() -> None:
    """Attributes, time and usage reach the conditions and the gates."""
    conditions = [
        'principal.username == "ada" && principal.attributes.team == "sre"',
        'now == timestamp("2026-03-01T07:00:00Z")',
        "usage.minute == 1 && usage.budget == 7",
    ]
    rules = [rule(f"r{n}", text, mode="observe") for n, text in enumerate(conditions)]
    policy = {"rules": rules, "action_budgets": {"budget.set": {"daily": 15}}}
    outcome = outcome_of(
        policy,
        "now: 2026-03-01T08:00:00+01:00,"
        "usage: {minute: 1, budget: 7, action_budgets: {budget.set: 6}},"
        "intent: {action: budget.set, inputs: {total: 400}}, expect: {status: rejected,"
        "reasons: [action_budget_exceeded]}",
        who="role: operator, username: ada, attributes: {team: sre}",
    )
    assert outcome.ok
    assert outcome.exercised >= {"r0", "r1", "r2"}


def test_reasons_matter_only_where_they_are_given() -> None:
    """The status alone may be expected; given reasons are all of them, in any order."""
    ask = "intent: {action: release.freeze, inputs: {surprise: 1}}, expect: "
    assert outcome_of({}, ask + "{status: rejected}").ok
    assert not outcome_of({}, ask + "{status: rejected, reasons: []}").ok
    found = outcome_of({}, ask + "{status: rejected}").found.reasons
    assert found is not None
    given = f"{{status: rejected, reasons: [{', '.join(reversed(found))}]}}"
    assert outcome_of({}, ask + given).ok


def test_wrong_cases_are_told_with_their_lines() -> None:
    """What is misspelt, doubled or unfit is named, as in a policy."""
    assert errors_of("template: harbr\ncases: []") == [(2, "cases")]
    case = " - {name: x, principal: {role: admin}, expect: {status: success}"
    assert errors_of(f"template: harbr\ncases:\n{case}, intent: {RESOLVE}}}") == [(1, "template")]
    head = f"template: harbor\ncases:\n{case}"
    assert errors_of(f"{head}}}") == [(3, "cases[0]")]
    assert errors_of(f"{head}, intent: {RESOLVE}, steps: [{RESOLVE}]}}") == [(3, "cases[0]")]
    assert errors_of(f"{head}, intent: {RESOLVE},\n  now: noon}}") == [(4, "cases[0].now")]
    assert errors_of(f"{head}, intent:\n  {{action: x, inputz: {{}}}}}}") == [
        (4, "cases[0].intent.inputz")
    ]
    assert errors_of(f"{head}, intent: {RESOLVE}, state:\n  {{incident: {{}}, moon: 1}}}}") == [
        (4, "cases[0].state.incident"),
        (4, "cases[0].state.moon"),
    ]


@pytest.mark.parametrize(
    "now",
    [
        "yesterday",
        "2026-01-01",
        "2026-01-01T12:00:00",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59Z",
        "",
    ],
)
def test_a_moment_that_is_none_is_told_in_one_sentence(tmp_path: Path, now: str) -> None:
    """Which case, and what a moment looks like; however far from any calendar it is."""
    ask = f"intent: {RESOLVE}, expect: {{status: success}}"
    file = tmp_path / "cases.yaml"
    file.write_text(
        "template: harbor\ncases:\n"
        f" - {{name: late shift, principal: {{role: admin}}, {ask}, now: '{now}'}}"
    )
    done = CLI.invoke(app, ["test", str(POLICY), str(file)])
    assert (done.exit_code, done.stderr) == (
        1,
        f"{file}:3: cases[0].now: The case 'late shift' takes a moment from 1970 to 9000 with"
        ' its offset, such as "2026-01-01T12:00:00Z".\n',
    )


@pytest.mark.parametrize("now", ["1970-01-01T00:00:00+14:00", "9000-12-31T23:59:59-12:00"])
def test_a_moment_may_be_the_first_and_the_last(now: str) -> None:
    """What follows it, such as the end of a limit's window, can still be told."""
    policy = {"limits": {"rate": {"per_hour": 1}, "quota": {"per_day": 1}}}
    usage = f"now: '{now}', usage: {{hour: 1, day: 1}}"
    expect = "expect: {status: rejected, reasons: [rate_exceeded, quota_exceeded]}"
    assert outcome_of(policy, f"{usage}, intent: {RESOLVE}, {expect}").ok
