"""Bringing a project's state to what is declared: components added, migrated and removed.

Asked by the system itself, as one execution before the first ask that meets a changed declaration.
"""

from copy import replace

from control_plane.engine.context import Context
from control_plane.engine.declared_code import Broke
from control_plane.engine.effects import Operation, compact
from control_plane.engine.outcome import broken, hold, migrated, too_large
from control_plane.models import Decision, Held, Json, Reason
from control_plane.registry import Component
from control_plane.registry.builtin import MIGRATE


class MigrationFailed(Exception):
    """State can't be brought to its declaration; the message names the component."""


def migration(context: Context) -> Decision | None:
    """The decision that brings the state to its declarations; None where it is there already.

    Raises `MigrationFailed` when a declared migration raises, gives what its model refuses, or when
    the state is of a newer schema than the one declared.
    """
    operations: list[Operation] = []
    components: dict[str, Held | None] = {}
    for id, component in context.registry.components.items():
        held = context.components.get(id)
        if held is None or held.schema_version != component.schema_version:
            new = component.initial if held is None else _migrated(component, held, context)
            components[id] = _held(context, id, new)
            operations += _difference(context, id, new)
    for id in sorted(context.registry.removed & context.components.keys()):
        components[id] = None
        operations.append({"op": "remove", "path": f"/{id}", "before": context.state[id]})
    if not components:
        return None
    declared = context.registry.components
    versions = {id: declared[id].schema_version for id, held in components.items() if held}
    decision = Decision(MIGRATE, 1, {}, "success", title="Bring the state to its declarations")
    done = replace(decision, diff=operations, components=components, targets=versions)
    for reason in (*too_large(done, context), *broken(done, MIGRATE, context)):
        raise MigrationFailed(f"{reason.code}: {reason.facts}")
    return done


def _difference(context: Context, id: str, new: Json) -> list[Operation]:
    if id not in context.components:
        return [{"op": "add", "path": f"/{id}", "value": new}]
    return compact(context.state[id], new, f"/{id}")


def _migrated(component: Component, held: Held, context: Context) -> Json:
    if held.schema_version > component.schema_version:
        raise MigrationFailed(f"{component.id}: its state is newer than this version's declaration")
    try:
        return migrated(component, context.state[component.id], held.schema_version)
    except Broke as broke:
        version = held.schema_version
        message = f"{component.id}: the migration from version {version} on failed ({broke})"
        raise MigrationFailed(message) from broke


def _held(context: Context, id: str, state: Json) -> Held:
    held = hold(context, id, state)
    if isinstance(held, Reason):
        raise MigrationFailed(f"{id}: the migrated state doesn't fit its model")
    return held
