"""What an action's handler brings about, and whether that may be."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from control_plane.canonical import (
    MAX_DEPTH,
    canonical,
    deeper_than,
    for_pydantic,
    holds_nul,
    parse,
    sha256,
)
from control_plane.engine.context import Context
from control_plane.engine.effects import (
    MAX_OPERATIONS,
    Operation,
    compact,
    diff,
    frozen,
    thawed,
    tokens,
)
from control_plane.engine.gates import failing, scope_of
from control_plane.errors import Malformed
from control_plane.models import Decision, Held, Json, Message, Reason
from control_plane.registry import REVERT, Action
from control_plane.registry.registry import concerns

MAX_COMPONENT_BYTES = 256 * 1024
MAX_STATE_BYTES = 4 * 1024 * 1024
MAX_EFFECT_BYTES = 1024 * 1024
"""One decision's operations, old values included: what a Lambda can answer with room to spare."""


def carried_out(decided: Decision, action: Action, context: Context) -> Decision:
    """Run the handler on a read-only view; whatever it does wrong is a failure."""
    try:
        states = {id: context.state[id] for id in action.targets}
        view = _past(decided, context) if action.id == REVERT else states
        changed = action.handler(frozen(view), **thawed(decided.inputs))
        new = {str(id): thawed(state) for id, state in changed.items()}
        messages = _messages(action, decided)
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 (it is recorded)
        return failed(decided, Reason("handler_error", {"error": type(error).__name__}))
    if not new.keys() <= states.keys():
        return failed(decided, Reason("undeclared_change"))
    return _checked(decided, action, context, (states, new), messages)


def _past(decided: Decision, context: Context) -> dict[str, Json]:
    """Every component as it was at a version; one that wasn't yet is as it is declared to begin."""
    then = context.past[decided.inputs["version"]]
    declared = context.registry.components
    return {id: then.get(id, component.initial) for id, component in declared.items()}


def _messages(action: Action, decided: Decision) -> tuple[Message, ...]:
    """What the action asks to send, each with a body that can be stored; raises where it can't."""
    if action.messages is None:
        return ()
    asked = action.messages(**thawed(decided.inputs))
    messages = tuple(Message(str(message.topic), message.body) for message in asked)
    for message in messages:
        parse(canonical(message.body).encode())
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
    for id, state in sorted(after.items()):
        held = hold(context, id, state)
        if isinstance(held, Reason):
            return failed(decided, held)
        changes = list(diff(before[id], state, f"/{id}"))
        if not all(_allowed(operation, action) for operation in changes):
            return failed(decided, Reason("undeclared_change", {"component": id}))
        many = len(changes) > MAX_OPERATIONS
        operations += compact(before[id], state, f"/{id}") if many else changes
        components[id] = held
    touched = {tokens(operation["path"])[0] for operation in operations}
    kept = {id: held for id, held in components.items() if id in touched}
    size = len(canonical(operations).encode())
    done = replace(
        decided,
        status="success",
        diff=operations,
        components=kept,
        messages=messages,
        effect_size=size,
    )
    reason = _too_large(done, context) or _broken(done, action, context)
    return failed(decided, reason) if reason else done


def _allowed(operation: Operation, action: Action) -> bool:
    path: str = operation["path"]
    return any(path == place or path.startswith(f"{place}/") for place in action.changes)


def hold(context: Context, id: str, state: Json) -> Held | Reason:
    """A component's new state as it is to be stored, or why it can't be."""
    component = context.registry.components[id]
    if deeper_than(state, MAX_DEPTH):
        return Reason("invalid_state", {"component": id})
    try:
        text = canonical(state)
        component.model.model_validate_json(for_pydantic(text))
    except (Malformed, ValidationError):
        return Reason("invalid_state", {"component": id})
    if "\\u0000" in text and holds_nul(state):
        return Reason("invalid_state", {"component": id})
    size = len(text.encode())
    if size > MAX_COMPONENT_BYTES:
        return Reason("state_too_large", {"component": id, "limit": MAX_COMPONENT_BYTES})
    return Held(sha256(text), component.schema_version, context.version + 1, size, text)


def _too_large(done: Decision, context: Context) -> Reason | None:
    together = {**context.components, **done.components}
    if sum(held.size for held in together.values() if held is not None) > MAX_STATE_BYTES:
        return Reason("state_too_large", {"limit": MAX_STATE_BYTES})
    if done.effect_size > MAX_EFFECT_BYTES:
        return Reason("effect_too_large", {"limit": MAX_EFFECT_BYTES})
    return None


def _broken(done: Decision, action: Action, context: Context) -> Reason | None:
    """The first invariant that the new state breaks, of those that the change concerns."""
    changed = set(done.components)
    concerned = [
        (owner, check)
        for owner, check, expression in context.registry.invariants
        if concerns(owner, expression, changed)
    ]
    if not concerned:
        return None
    scope = scope_of(action.id, done.inputs, context, context.after(done).state)
    broken = (
        reason
        for owner, check in concerned
        for reason in failing(owner, check, scope, "invariant_broken")
    )
    return next(broken, None)


def failed(decided: Decision, reason: Reason) -> Decision:
    """The decision turned into a failure that changes and sends nothing."""
    return replace(
        decided,
        status="failed",
        reasons=[reason],
        diff=(),
        components={},
        messages=(),
        effect_size=0,
    )
