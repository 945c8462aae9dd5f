"""Cases of a policy: asks that the engine itself decides, and what of it they have exercised.

Pure: no clock, no database. A case without a time is decided at noon on the first day of 2026.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from control_plane.canonical import canonical, for_pydantic, sha256
from control_plane.engine.context import Context
from control_plane.engine.expressions import ExpressionFailed, compile_expression
from control_plane.engine.policy import Policy, PolicyRefused
from control_plane.engine.policy_errors import Problem, key_of, problems_of
from control_plane.engine.preview import Prediction, predict
from control_plane.engine.scopes import roles_of, scope_of
from control_plane.models import GENESIS_HASH, Held, Json, Principal
from control_plane.policy_text import Media, read_text
from control_plane.registry import Component, Registry
from pydantic import ValidationError

from infra.policy_case_document import Case, Cases, Expect

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case ended, and the rules, approvals and budgets that had a say on the way."""

    name: str
    expected: Expect
    found: Expect
    exercised: frozenset[str]

    @property
    def ok(self) -> bool:
        """Whether it ended as it must."""
        reasons = self.expected.reasons
        same = reasons is None or sorted(set(reasons)) == self.found.reasons
        return self.expected.status == self.found.status and same


def read_cases(
    text: str, media: Media | None, registries: dict[str, Registry]
) -> tuple[list[Case], Registry]:
    """The cases that a text of at most 1 MiB says, and the declarations they are decided with.

    Raises `PolicyRefused`, with lines, where the text says no cases, its template isn't among
    `registries`, or a state doesn't fit its component.
    """
    written = read_text(text, media, limit=MAX_BYTES)
    try:
        cases = Cases.model_validate(written.document)
        registry = registries.get(cases.template)
        problems = list(_unfit(cases, registry, sorted(registries)))
    except ValidationError as error:
        refused = PolicyRefused(problems_of(error, Cases.model_json_schema()))
        raise written.located(refused) from error
    if problems or registry is None:
        raise written.located(PolicyRefused(problems))
    return cases.cases, registry


def _unfit(cases: Cases, registry: Registry | None, known: list[str]) -> Iterator[Problem]:
    if registry is None:
        sentence = f"There is no such template. Use one of {', '.join(known)}."
        yield Problem(("template",), sentence)
        return
    for place, case in enumerate(cases.cases):
        for id, state in case.state.items():
            component = registry.components.get(id)
            wrong = _misfit(component, state) if component else "There is no such component."
            if wrong:
                yield Problem(("cases", place, "state", id), wrong)


def _misfit(component: Component, state: Json) -> str | None:
    try:
        component.model.model_validate_json(for_pydantic(canonical(state)))
    except ValidationError as error:
        first = error.errors()[0]
        return f"The state doesn't fit: {'.'.join(map(str, first['loc']))}: {first['msg']}."
    return None


def run_case(case: Case, registry: Registry, policy: Policy) -> Outcome:
    """Decide a case as the API would, and evaluate every rule at each of its steps."""
    prediction = predict(case.intents, _context(case, registry, policy), confirmed=case.confirmed)
    codes = {reason.code for decision in prediction.decisions for reason in decision.reasons}
    found = Expect(status=prediction.status, reasons=sorted(codes))
    return Outcome(case.name, case.expect, found, frozenset(_exercised(prediction)))


def never_exercised(policy: Policy, outcomes: Sequence[Outcome]) -> list[str]:
    """Rules whose condition held in no case, approvals that none waits for, and budgets of actions
    that none was held against, in the policy's order."""
    exercised = frozenset().union(*(outcome.exercised for outcome in outcomes))
    ids = [rule.id for rule in policy.rules] + [asked.id for asked in policy.approvals]
    ids += map(_budget, policy.limits.action_budgets)
    return [id for id in ids if id not in exercised]


def _budget(action: str) -> str:
    return key_of(("action_budgets", action))


def _context(case: Case, registry: Registry, policy: Policy) -> Context:
    who, declared = case.principal, registry.components
    states = {id: case.state.get(id, component.initial) for id, component in declared.items()}
    return Context(
        org="organization",
        project="project",
        principal=Principal(who.kind, who.id, who.id, "test", who.role),
        registry=registry,
        at=case.now,
        seq=0,
        version=1,
        hash=GENESIS_HASH,
        components={id: _held(declared[id], state) for id, state in states.items()},
        policy=policy,
        policy_version=1,
        usage=case.usage.counters(),
        person={"username": who.username, "email": who.email, "attributes": who.attributes},
        subject=case.subject.loaded() if case.subject else None,
    )


def _held(component: Component, state: Json) -> Held:
    text = canonical(state)
    return Held(sha256(text), component.schema_version, 1, len(text.encode()), text)


def _exercised(prediction: Prediction) -> Iterator[str]:
    """What of the policy fits a step, as the engine sees that step."""
    moment = prediction.context
    for decision in prediction.decisions:
        if decision.approval and decision.status == "pending_approval":
            yield from decision.approval.because
        if decision.cost and decision.action in moment.policy.limits.action_budgets:
            yield _budget(decision.action)
        wrong = any(reason.code == "invalid_inputs" for reason in decision.reasons)
        inputs = {} if wrong else decision.inputs
        roles = roles_of(decision.action, inputs, moment)
        scope = scope_of(decision.action, inputs, moment, moment.state, roles)
        for rule in moment.policy.rules:
            try:
                if compile_expression(rule.condition).evaluate(scope):
                    yield rule.id
            except ExpressionFailed:
                continue
        moment = moment.after(decision)
