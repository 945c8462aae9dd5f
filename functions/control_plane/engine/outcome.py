"""What an action's handler brings about, and whether that may be."""

from collections.abc import Iterator, Mapping
from copy import replace
from typing import Any

import orjson

from control_plane.canonical import canonical, for_pydantic, parse, sha256, storable
from control_plane.engine.context import Context
from control_plane.engine.declared_code import Broke, run
from control_plane.engine.effects import (
    MAX_OPERATIONS,
    Operation,
    compact,
    diff,
    frozen,
    thawed,
    tokens,
)
from control_plane.engine.gates import failing
from control_plane.engine.scopes import scope_of
from control_plane.errors import Malformed
from control_plane.models import Decision, Held, Json, Message, Past, Reason
from control_plane.registry import REVERT, Action, Component
from control_plane.registry.registry import concerns

MAX_COMPONENT_BYTES = 256 * 1024
MAX_STATE_BYTES = 4 * 1024 * 1024
MAX_EFFECT_BYTES = 1024 * 1024
"""One decision's operations, old values included: what a Lambda can answer with room to spare."""
MAX_REVERT_BYTES = 4 * 1024 * 1024
"""The same of a revert, which can't ask for less: all that one answer holds. Since each change on
the way back is smaller, any version can be reached over others."""


def carried_out(decided: Decision, action: Action, context: Context) -> Decision:
    """Run the handler on a read-only view; whatever it does wrong is a failure."""
    try:
        states = {id: context.state[id] for id in action.targets}
        view = _past(decided, context) if action.id == REVERT else states
        changed = run(action.handler, frozen(view), **thawed(decided.inputs))
        new = run(_plain, changed)
        messages = run(_messages, action, decided)
    except Broke as broke:
        return failed(decided, Reason("handler_error", {"error": str(broke)}))
    if messages is None:
        return failed(decided, Reason("invalid_message"))
    if not new.keys() <= states.keys():
        return failed(decided, Reason("undeclared_change"))
    return _checked(decided, action, context, (states, new), messages)


def _plain(changed: Mapping[str, Any]) -> dict[str, Json]:
    return {str(id): thawed(state) for id, state in changed.items()}


def _past(decided: Decision, context: Context) -> dict[str, Json]:
    """Every component as it was at a version, in today's form; one that wasn't yet as it begins."""
    past = context.past[decided.inputs["version"]]
    return {
        id: _as_declared(component, past) if id in past.components else component.initial
        for id, component in context.registry.components.items()
    }


def _as_declared(component: Component, past: Past) -> Json:
    state = past.components[component.id]
    return migrated(component, state, past.schemas.get(component.id, component.schema_version))


def migrated(component: Component, state: Json, version: int) -> Json:
    """A state of an older schema version in the declared one. Raises `Broke`."""
    for number in range(version, component.schema_version):
        state = run(component.migrations[number], state)
    return state


def _messages(action: Action, decided: Decision) -> tuple[Message, ...] | None:
    """What the action asks to send; None where an item is no message.

    Raises where one can't be stored.
    """
    if action.messages is None:
        return ()
    asked = tuple(action.messages(**thawed(decided.inputs)))
    if not all(isinstance(message, Message) for message in asked):
        return None
    messages = tuple(Message(str(message.topic), message.body) for message in asked)
    for message in messages:
        parse(canonical([message.topic, message.body]).encode())
    return messages


def _checked(
    decided: Decision,
    action: Action,
    context: Context,
    states: tuple[Mapping[str, Json], Mapping[str, Json]],
    messages: tuple[Message, ...],
) -> Decision:
    before, after = states
    operations: list[Operation] = []
    components: dict[str, Held | None] = {}
    reasons: list[Reason] = []
    for id, state in sorted(after.items()):
        held = hold(context, id, state)
        if isinstance(held, Reason):
            reasons.append(held)
            continue
        changes = list(diff(before[id], state, f"/{id}"))
        if not all(_allowed(operation, action) for operation in changes):
            reasons.append(Reason("undeclared_change", {"component": id}))
        many = len(changes) > MAX_OPERATIONS
        operations += compact(before[id], state, f"/{id}") if many else changes
        components[id] = held
    if reasons:
        return failed(decided, *reasons)
    touched = {tokens(operation["path"])[0] for operation in operations}
    done = replace(
        decided,
        status="success",
        diff=operations,
        components={id: held for id, held in components.items() if id in touched},
        messages=messages,
        effect_size=_size(operations, messages),
    )
    reasons = [*too_large(done, context), *broken(done, action.id, context)]
    return failed(decided, *reasons) if reasons else done


def _size(operations: list[Operation], messages: tuple[Message, ...]) -> int:
    """Bytes of the effect as JSON, what it would send included: all of it has been checked."""
    sent = [[message.topic, message.body] for message in messages]
    return len(orjson.dumps(operations)) + (len(orjson.dumps(sent)) if sent else 0)


def _allowed(operation: Operation, action: Action) -> bool:
    path: str = operation["path"]
    return any(path == place or path.startswith(f"{place}/") for place in action.changes)


def hold(context: Context, id: str, state: Json) -> Held | Reason:
    """A component's new state as it is to be stored, or why it can't be."""
    component = context.registry.components[id]
    try:
        text = storable(state)
        run(component.model.model_validate_json, for_pydantic(text))
    except (Malformed, Broke):
        return Reason("invalid_state", {"component": id})
    size = len(text.encode())
    if size > MAX_COMPONENT_BYTES:
        return Reason("state_too_large", {"component": id, "limit": MAX_COMPONENT_BYTES})
    return Held(sha256(text), component.schema_version, context.version + 1, size, text)


def too_large(done: Decision, context: Context) -> Iterator[Reason]:
    """Reasons where the new state or the effect holds more than can be kept and answered."""
    together = {**context.components, **done.components}
    if sum(held.size for held in together.values() if held is not None) > MAX_STATE_BYTES:
        yield Reason("state_too_large", {"limit": MAX_STATE_BYTES})
    reverts = done.action == REVERT
    limit = MAX_REVERT_BYTES if reverts else MAX_EFFECT_BYTES
    if done.effect_size > limit:
        version = {"version": done.inputs["version"]} if reverts else {}
        yield Reason("effect_too_large", {"limit": limit, **version})


def broken(done: Decision, action: str, context: Context) -> Iterator[Reason]:
    """The invariants that the new state breaks, of those that the change concerns."""
    changed = set(done.components)
    concerned = [
        (owner, check)
        for owner, check, expression in context.registry.invariants
        if concerns(owner, expression, changed)
    ]
    if concerned:
        roles = [context.principal.role] if context.principal.role else []
        scope = scope_of(action, done.inputs, context, context.after(done).state, roles)
        for owner, check in concerned:
            yield from failing(owner, check, scope, "invariant_broken")


def failed(decided: Decision, *reasons: Reason) -> Decision:
    """The decision turned into a failure that changes and sends nothing."""
    return replace(
        decided,
        status="failed",
        reasons=reasons,
        diff=(),
        components={},
        messages=(),
        effects=(),
        effect_size=0,
    )
