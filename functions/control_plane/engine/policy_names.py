"""Whether what a policy names is declared: what isn't would never apply, or deny every ask."""

from collections.abc import Iterator

from control_plane.engine.expressions import compile_expression
from control_plane.engine.policy_document import Document
from control_plane.engine.policy_errors import Place, Problem
from control_plane.registry import Registry


def names(pattern: str, action: str) -> bool:
    """Whether an action's id, or `prefix.*`, as policies have them, is about an action."""
    if pattern.endswith("*"):
        return action.startswith(pattern[:-1])
    return action == pattern


def undeclared(document: Document, registry: Registry) -> Iterator[Problem]:
    """The actions, prefixes and components that a policy names and a project of these hasn't.

    Of conditions only what they select from `state` is looked at, not what they compare.
    """
    for place, pattern in _patterns(document):
        if not any(names(pattern, id) for id in registry.actions):
            yield Problem(place, _sentence(f"action {pattern}"))
    for place, condition in _conditions(document):
        for id in sorted(compile_expression(condition).keys("state") - registry.components.keys()):
            yield Problem(place, _sentence(f'component state["{id}"]'))


def _patterns(document: Document) -> Iterator[tuple[Place, str]]:
    for id in document.action_budgets:
        yield ("action_budgets", id), id
    for index, approval in enumerate(document.approvals):
        for number, pattern in enumerate(approval.actions):
            yield ("approvals", index, "actions", number), pattern


def _conditions(document: Document) -> Iterator[tuple[Place, str]]:
    for index, rule in enumerate(document.rules):
        yield ("rules", index, "condition"), rule.condition
    for index, mapping in enumerate(document.role_mappings):
        yield ("role_mappings", index, "condition"), mapping.condition


def _sentence(what: str) -> str:
    return f"This project has no {what}: correct it, or leave it out."
