"""A preview is a promise: it happens exactly, or nothing does and a new preview is shown."""

from typing import Any

from control_plane import organizations
from control_plane.errors import ConfirmationStale
from control_plane.models import SYSTEM, Intent
from control_plane.registry import Changed, Check, Registry, State, Template, View
from control_plane.target import Target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import Project

IDS = ("a", "b.c", "b.d")


class Numbers(State):
    """A small state with parts that move apart from each other."""

    left: int
    right: int


@st.composite
def registries(draw: Any) -> Registry:
    """A registry with some components, invariants, preconditions, costs and broken handlers."""
    template = Template("random")
    for id in IDS:
        most = draw(st.integers(3, 30))
        invariant = Check("most", f'state["{id}"].left < {most}', "Too much.")
        template.component(id, Numbers, {"left": 0, "right": 0}, title=id, invariants=[invariant])
    for number in range(draw(st.integers(1, 4))):
        _declare(template, f"do.n{number}", draw)
    return Registry(template)


def _declare(template: Template, id: str, draw: Any) -> None:
    source, goal = draw(st.sampled_from(IDS)), draw(st.sampled_from(IDS))
    part, factor = draw(st.sampled_from(["left", "right"])), draw(st.integers(-2, 2))
    breaks = draw(st.sampled_from([None, None, None, "raise", "undeclared"]))
    least = draw(st.integers(-5, 5))

    def handler(state: View, amount: int) -> Changed:
        if breaks == "raise":
            raise RuntimeError
        value = state[source]["left"] * factor + amount
        name = "right" if breaks == "undeclared" and part == "left" else part
        return {goal: {**state[goal], name: value}}

    template.action(
        id,
        changes=[f"/{goal}/{part}", f"/{source}/left"],
        title=id,
        cost=draw(st.integers(0, 3)),
        confirmation=draw(st.booleans()),
        requires=[Check("least", f'state["{source}"].right >= {least}', "Too little.")],
    )(handler)


@st.composite
def policies(draw: Any) -> dict[str, Any]:
    """A policy with some limits, rules on state and inputs, and approvals."""
    rule = st.sampled_from(
        [
            {"condition": 'state["a"].left > 2', "effect": "reject"},
            {"condition": "inputs.amount > 4", "effect": "require_approval"},
            {"condition": 'state["b.c"].right == 0', "effect": "reject", "mode": "observe"},
            {"condition": 'state["b.d"].nothing == 0', "effect": "reject"},
        ]
    )
    rules = draw(st.lists(rule, max_size=2))
    document: dict[str, Any] = {
        "rules": [{**each, "id": f"rule-{number}"} for number, each in enumerate(rules)]
    }
    if draw(st.booleans()):
        document["limits"] = {"budget": {"daily": draw(st.integers(0, 9))}}
    if draw(st.booleans()):
        document["approvals"] = [{"min_cost": draw(st.integers(1, 4))}]
    return document


POLICIES = st.one_of(st.just({}), policies())
STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(-4, 8)), min_size=1, max_size=4)


def intents(steps: list[tuple[int, int]]) -> list[Intent]:
    """Steps by number as intents; a number too high asks for what isn't there."""
    return [Intent(f"do.n{number}", {"amount": amount}) for number, amount in steps]


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    registries(),
    POLICIES,
    st.lists(STEPS, max_size=4),
    STEPS,
    st.lists(st.one_of(STEPS, STEPS, policies()), max_size=3),
)
def test_execution_equals_preview_or_changes_nothing(
    project: Project,
    registry: Registry,
    policy: dict[str, Any],
    before: list[list[tuple[int, int]]],
    promised: list[tuple[int, int]],
    between: list[Any],
) -> None:
    """Whatever moved in between: the promised effects, costs, statuses, approvers, or a 409."""
    desk = fresh(project, registry)
    govern(desk, policy)
    for steps in before:
        attempt(desk, steps)
    preview = desk.preview(*intents(promised))
    for moved in between:
        govern(desk, moved) if isinstance(moved, dict) else attempt(desk, moved)
    head = desk.rows("SELECT version, seq FROM projects WHERE id = %s")[0]
    done = promised_or_stale(desk, intents(promised), preview["digest"])
    if done is None:
        now = desk.rows("SELECT version FROM projects WHERE id = %s")[0]
        assert now["version"] == head["version"]
        return
    if preview["status"] == "pending_approval" or "approval" in done:
        assert_it_waits(desk, preview, done, head["version"])
        return
    for step, execution in zip(preview["steps"], done["executions"], strict=True):
        assert execution["status"] == step["status"]
        assert execution["diff"] == step["diff"]
        assert codes(execution["reasons"]) == codes(step["reasons"])
        assert execution["cost"] == (step["cost"] if step["status"] == "success" else 0)
    if not between:
        assert done["status"] == preview["status"]


def codes(reasons: list[dict[str, Any]]) -> list[str]:
    """What a digest binds of reasons: a limit's numbers may have moved meanwhile."""
    return [reason["code"] for reason in reasons]


def govern(desk: Project, policy: dict[str, Any]) -> None:
    """Set a policy; where a rule in force rejects everything by now, that waits for another."""
    done = desk.execute(Intent("project.policy.set", {"document": policy}))
    assert done["status"] == "success" or codes(done["reasons"]) == ["approval_required"]


def assert_it_waits(desk: Project, preview: Any, done: Any, version: int) -> None:
    """Nothing is committed; the approvers are those that the preview named."""
    asked = next(step["approval"] for step in preview["steps"] if step["approval"])
    assert done["status"] == "pending_approval"
    assert [each["status"] for each in done["executions"]] == ["pending_approval"]
    assert (done["approval"]["role"], asked["role"]) == ("admin", "admin")
    now = desk.rows("SELECT version FROM projects WHERE id = %s")[0]
    assert now["version"] == version


def promised_or_stale(desk: Project, asked: list[Intent], digest: str) -> Any:
    """What was executed; None for a 409, which must show another preview."""
    try:
        return desk.plan(asked, digest)
    except ConfirmationStale as error:
        stale = error
    assert stale.members["preview"]["digest"] != digest
    return None


def fresh(project: Project, registry: Registry) -> Project:
    """A new project with a registry of its own."""
    templates = {"random": registry}
    names = {"slug": f"p-{next(project._numbers)}", "title": "P", "template": "random"}
    made = organizations.create_project(
        project.store, templates, (project.target.org, SYSTEM), names
    )
    target = Target(project.target.org, made["project"], project.target.principal, registry)
    return Project(project.store, target, project.database)


def attempt(desk: Project, steps: list[tuple[int, int]]) -> None:
    """Ask for steps, confirmed by a fresh preview."""
    asked = intents(steps)
    desk.plan(asked, desk.preview(*asked)["digest"])
