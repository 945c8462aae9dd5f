"""What expressions see of an intent, and as what the asking person may act."""

from collections.abc import Mapping

from control_plane.engine.context import Context, States
from control_plane.engine.counters import COUNTERS
from control_plane.engine.expression_sense import SeenAction, SeenPrincipal, SeenProject
from control_plane.engine.expressions import ExpressionFailed, Scope, compile_expression
from control_plane.models import ROLE_RANK, Json, Role


def scope_of(
    action: str,
    inputs: Mapping[str, Json],
    context: Context,
    state: Mapping[str, Json],
    roles: list[Role],
) -> Scope:
    """What expressions see; `usage` is what was counted before this intent."""
    seen: SeenAction = {"id": action}
    project: SeenProject = {"id": context.project, "version": context.version}
    return Scope(
        state=state,
        sizes=state.size_of if isinstance(state, States) else None,
        inputs=inputs,
        principal=_seen_principal(context, roles),
        action=seen,
        project=project,
        usage={name: context.usage.get(counter, 0) for name, counter in COUNTERS.items()},
        now=context.at,
    )


def _seen_principal(context: Context, roles: list[Role]) -> SeenPrincipal:
    principal, person = context.principal, context.person
    return {
        "id": principal.id,
        "kind": principal.kind,
        "username": person.get("username", ""),
        "email": person.get("email", ""),
        "attributes": person.get("attributes", {}),
        "organization": context.org,
        "roles": roles,
    }


def roles_of(action: str, inputs: Mapping[str, Json], context: Context) -> list[Role]:
    """The member's own role and those that the policy's mappings add; a broken one adds none."""
    own: list[Role] = [context.principal.role] if context.principal.role else []
    if not own or not context.policy.role_mappings:
        return own
    scope = scope_of(action, inputs, context, context.state, own)
    return own + [
        mapping.role
        for mapping in context.policy.role_mappings
        if mapping.role not in own and _holds(mapping.condition, scope)
    ]


def highest(roles: list[Role]) -> Role | None:
    """The role that allows most."""
    return max(roles, key=ROLE_RANK.__getitem__, default=None)


def _holds(condition: str, scope: Scope) -> bool:
    try:
        return compile_expression(condition).evaluate(scope)
    except ExpressionFailed:
        return False
