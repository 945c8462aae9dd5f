"""The policy's rules and approvals: what they say to one ask, each rule evaluated."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from control_plane.engine.context import Context
from control_plane.engine.expressions import ExpressionFailed, Scope, compile_expression
from control_plane.engine.gates import Ask
from control_plane.engine.policy import ApprovalRule, Policy, Rule
from control_plane.engine.policy_names import names
from control_plane.models import ROLE_RANK, Intent, Json, Reason, Requirement, Role
from control_plane.registry import Action
from control_plane.registry.builtin import APPROVALS, SET_POLICY

PERSONAL_FACTS = ("username", "email", "attributes")
"""What conditions may read of a person: it goes into payloads, which can be erased."""


@dataclass(slots=True)
class Verdict:
    """Reasons against, the rules that ask for approval, and those that would have had a say."""

    reasons: list[Reason] = field(default_factory=list)
    asking: list[str] = field(default_factory=list)
    observed: list[dict[str, Json]] = field(default_factory=list)


def judge(ask: Ask) -> Verdict:
    """Evaluate every rule. A condition that can't be evaluated denies.

    No rule locks everyone out: where one would refuse an admin who sets the policy, another admin
    must approve; what can't be evaluated is only recorded then, and so is what a rule says to
    deciding about administration.
    """
    verdict = Verdict()
    rules = ask.context.policy.rules
    if rules:
        _prepare(ask.scope, rules)
    for rule in rules:
        try:
            if compile_expression(rule.condition).evaluate(ask.scope):
                _apply(rule, ask, verdict)
        except ExpressionFailed:
            _apply_broken(rule, ask, verdict)
    return verdict


def reads_person(policy: Policy) -> bool:
    """Whether a condition may read personal facts: then the execution keeps what they were."""
    return any(map(_names_person, policy.conditions))


@lru_cache(maxsize=1_024)
def _names_person(condition: str) -> bool:
    return any(fact in condition for fact in (*PERSONAL_FACTS, "principal["))


def components_read(policy: Policy) -> frozenset[str] | None:
    """Ids of the components that the policy's conditions read; None where it may be any."""
    read: set[str] = set()
    for condition in policy.conditions:
        named = compile_expression(condition).components
        if named is None:
            return None
        read |= named
    return frozenset(read)


def _prepare(scope: Scope, rules: Iterable[Rule]) -> None:
    """Convert what all rules read at once; where that fails each rule will say so itself."""
    try:
        scope.prepare(*(compile_expression(rule.condition) for rule in rules))
    except ExpressionFailed:
        return


def _apply(rule: Rule, ask: Ask, verdict: Verdict) -> None:
    if rule.effect == "allow":
        return
    if rule.mode == "observe" or _decides_administration(ask):
        verdict.observed.append({"rule": rule.id, "effect": rule.effect})
    elif rule.effect == "reject" and not _sets_policy(ask):
        verdict.reasons.append(Reason("rule_rejected", {"rule": rule.id}))
    else:
        verdict.asking.append(rule.id)


def _apply_broken(rule: Rule, ask: Ask, verdict: Verdict) -> None:
    if rule.mode == "observe" or _sets_policy(ask) or _decides_administration(ask):
        verdict.observed.append({"rule": rule.id, "effect": "failed"})
    else:
        verdict.reasons.append(Reason("rule_failed", {"rule": rule.id}))


def _sets_policy(ask: Ask) -> bool:
    return ask.action.id == SET_POLICY and ask.context.principal.role == "admin"


def _decides_administration(ask: Ask) -> bool:
    context = ask.context
    decided = context.approval if ask.action.id in APPROVALS else None
    return decided is not None and administers(decided.steps, context)


def administers(intents: Iterable[Intent], context: Context) -> bool:
    """Whether these are for administration alone."""
    actions = [context.registry.find(intent.action) for intent in intents]
    return all(action is not None and action.administrative for action in actions)


def requirement(policy: Policy, asking: list[str], action: Action, cost: int) -> Requirement | None:
    """Who must approve: what all that ask for it demand together, the strictest of each.

    Deciding about a request needs no request of its own.
    """
    if action.id in APPROVALS:
        return None
    asked = [rule for rule in policy.approvals if _concerns(rule, action, cost)]
    if not asked and not asking:
        return None
    roles: list[Role] = [rule.required_role for rule in asked]
    if asking:
        roles.append("admin")
    expiries = [rule.expires_in for rule in asked if rule.expires_in is not None]
    return Requirement(
        role=max(roles, key=ROLE_RANK.__getitem__),
        count=max([1, *(rule.require_count for rule in asked)]),
        expires_in=min(expiries, default=None),
        because=[*asking, *(rule.id for rule in asked)],
    )


def _concerns(rule: ApprovalRule, action: Action, cost: int) -> bool:
    """Whether all that the rule names fits; one that names nothing asks for every action."""
    return (
        (rule.min_cost is None or cost >= rule.min_cost)
        and (not rule.risk or action.risk in rule.risk)
        and (not rule.actions or any(names(pattern, action.id) for pattern in rule.actions))
        and (bool(rule.actions) or not action.administrative)
    )
