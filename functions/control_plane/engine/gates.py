"""The gates before an action: each yields the reasons that stand in the way, in a fixed order."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from control_plane.canonical import canonical, for_pydantic
from control_plane.engine.context import Context
from control_plane.engine.expressions import ExpressionFailed, Scope, compile_expression
from control_plane.models import Json, Reason, Risk, Role
from control_plane.registry import Action, Check
from control_plane.registry.registry import check_name

MAX_INPUT_REASONS = 10

_RANK: dict[Role | None, int] = {None: 0, "viewer": 1, "operator": 2, "admin": 3}
_ROLE_FOR_RISK: dict[Risk, Role] = {"low": "operator", "medium": "operator", "high": "admin"}


def validated(action: Action, inputs: Mapping[str, Json]) -> tuple[dict[str, Json], list[Reason]]:
    """The inputs with their defaults, as plain JSON, or why they don't fit the declaration."""
    try:
        model = action.inputs.model_validate_json(for_pydantic(canonical(dict(inputs))))
    except ValidationError as error:
        return {}, [_input_reason(item) for item in error.errors()[:MAX_INPUT_REASONS]]
    return model.model_dump(mode="json"), []


def _input_reason(error: Any) -> Reason:
    """Only a declared input is named: an unknown one's name is the caller's own text."""
    facts = {"error": error["type"]}
    if error["loc"] and error["type"] != "extra_forbidden":
        facts["input"] = str(error["loc"][0])
    return Reason("invalid_inputs", facts)


def role(action: Action, context: Context) -> Iterator[Reason]:
    """Viewers look, operators act at low and medium risk, admins at any; or as declared."""
    needed = action.required_role or _ROLE_FOR_RISK[action.risk]
    if _RANK[context.principal.role] < _RANK[needed]:
        yield Reason("role_required", {"role": needed})


def preconditions(action: Action, inputs: Mapping[str, Json], context: Context) -> Iterator[Reason]:
    """The action's own checks, on the state before."""
    if not action.requires:
        return
    scope = scope_of(action.id, inputs, context, context.state)
    for check in action.requires:
        yield from failing(action.id, check, scope, "precondition_failed")


def confirmation(action: Action, *, confirmed: bool) -> Iterator[Reason]:
    """An action that needs it is confirmed by its preview's digest."""
    if action.confirmation and not confirmed:
        yield Reason("confirmation_required")


def failing(owner: str, check: Check, scope: Scope, code: str) -> Iterator[Reason]:
    """The reason where a check doesn't hold; one that can't be evaluated doesn't hold, either."""
    name = check_name(owner, check)
    try:
        if not compile_expression(check.expression).evaluate(scope):
            yield Reason(code, {"check": name})
    except ExpressionFailed:
        yield Reason("check_failed", {"check": name})


def scope_of(
    action: str, inputs: Mapping[str, Json], context: Context, state: Mapping[str, Json]
) -> Scope:
    """What expressions see of an intent."""
    principal = context.principal
    return Scope(
        state=state,
        inputs=inputs,
        principal={
            "id": principal.id,
            "kind": principal.kind,
            "organization": context.org,
            "roles": [principal.role] if principal.role else [],
        },
        action={"id": action},
        project={"id": context.project, "version": context.version},
        usage={},
        now=context.at,
    )
