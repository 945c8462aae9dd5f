"""What conditions must be to hold beside the declarations that they stand in.

All of it is looked at when a template is loaded; decisions don't look again.
"""

from collections.abc import Iterable, Mapping, Sequence

from control_plane.engine.expression_form import VARIABLES
from control_plane.engine.expression_sense import checked_expression, scope_with
from control_plane.engine.expressions import (
    Expression,
    ExpressionFailed,
    ExpressionRefused,
    compile_expression,
)
from control_plane.models import Json
from control_plane.registry.checks import DeclarationError, require
from control_plane.registry.declared import Check


def check_conditions(where: str, checks: Sequence[Check], inputs: Sequence[str] | None) -> None:
    """Checks have ids of their own and can run; invariants, without `inputs`, read none."""
    ids = [check.id for check in checks]
    require(len(set(ids)) == len(ids), f"{where}: two checks have the same id: rename one.")
    for check in checks:
        here = f"{where}, check {check.id}"
        try:
            expression = checked_expression(check.expression)
        except ExpressionRefused as error:
            raise DeclarationError(f"{here}: {error}") from error
        if inputs is None:
            alone = not expression.reads("inputs")
            require(alone, f"{here}: an invariant can't read inputs: make it a precondition.")
        for name in sorted(expression.keys("inputs") - set(inputs or ())):
            require(False, f"{here} reads inputs.{name}: name one of the action's inputs.")


def check_against(states: Mapping[str, Json], where: str, checks: Iterable[Check]) -> None:
    """Checks name declared components and give a bool, seen on all components' initial states."""
    for check in checks:
        expression = compile_expression(check.expression)
        here = f"{where}, check {check.id}"
        for id in sorted(expression.keys("state") - states.keys()):
            require(False, f'{here} reads state["{id}"]: declare that component, or correct it.')
        if _reads_only_state(expression):
            require(not _is_never_bool(expression, states), f"{here}: compare, so it gives a bool.")


def check_beginning(states: Mapping[str, Json], where: str, invariants: Iterable[Check]) -> None:
    """Invariants hold on all components' initial states, as far as those alone tell."""
    for check in invariants:
        expression = compile_expression(check.expression)
        if _reads_only_state(expression):
            broken = f"{where}: its invariant {check.id} is broken from the beginning"
            require(_holds(expression, states), f"{broken}: correct it, or an initial state.")


def _holds(expression: Expression, states: Mapping[str, Json]) -> bool:
    try:
        return expression.evaluate(scope_with(states))
    except ExpressionFailed:
        return False


def _reads_only_state(expression: Expression) -> bool:
    return not any(map(expression.reads, VARIABLES - {"state"}))


def _is_never_bool(expression: Expression, states: Mapping[str, Json]) -> bool:
    """Whether it has an answer, and of another type; null may be a bool that isn't there yet."""
    try:
        typed = compile_expression(f"type({expression.text}) in [bool, null_type]")
        return not typed.evaluate(scope_with(states))
    except (ExpressionRefused, ExpressionFailed):
        return False
