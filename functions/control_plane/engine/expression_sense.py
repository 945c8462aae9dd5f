"""What an expression is refused for though it compiles: for no ask would it have an answer."""

from collections.abc import Mapping
from typing import TypedDict

from control_plane.engine.expression_form import VARIABLES
from control_plane.engine.expressions import (
    Expression,
    ExpressionFailed,
    ExpressionRefused,
    Scope,
    compile_expression,
)
from control_plane.models import Json, Role

_SOME_TIME = "2026-01-01T00:00:00Z"


class SeenPrincipal(TypedDict):
    """Who asks, as expressions see them."""

    id: str
    kind: str
    username: str
    email: str
    attributes: Mapping[str, Json]
    organization: str
    roles: list[Role]


class SeenAction(TypedDict):
    """What is asked for."""

    id: str


class SeenProject(TypedDict):
    """Where it is asked for."""

    id: str
    version: int


class SeenUsage(TypedDict):
    """What was counted before this ask: the names of `engine.counters.COUNTERS`."""

    minute: int
    hour: int
    day: int
    budget: int


_SEEN = {
    "principal": SeenPrincipal,
    "action": SeenAction,
    "project": SeenProject,
    "usage": SeenUsage,
}
KEYS: Mapping[str, frozenset[str]] = {
    variable: frozenset(seen.__annotations__) for variable, seen in _SEEN.items()
}
"""All that these variables ever have; `engine.scopes` fills them."""


def checked_expression(text: str) -> Expression:
    """The expression that a text says, which some ask may have an answer to.

    Raises ExpressionRefused, too, for a key that its variable never has, and for what reads nothing
    and is no bool. Keys of `state`, `inputs` and data below are not checked here.
    """
    expression = compile_expression(text)
    for variable, known in KEYS.items():
        for key in sorted(expression.keys(variable) - known):
            use = ", ".join(f"{variable}.{name}" for name in sorted(known))
            raise ExpressionRefused(f"Nothing is named {variable}.{key}; use {use}.")
    if not expression.selections:
        _check_constant(expression)
    return expression


def _check_constant(expression: Expression) -> None:
    try:
        expression.evaluate(scope_with({}))
    except ExpressionFailed as error:
        raise ExpressionRefused(f"Correct it, so it gives a bool. {error}") from error


def scope_with(states: Mapping[str, Json]) -> Scope:
    """A scope that has these states and nothing else."""
    empty: dict[str, Json] = {name: {} for name in VARIABLES - {"state", "now"}}
    return Scope(states, _SOME_TIME, **empty)
