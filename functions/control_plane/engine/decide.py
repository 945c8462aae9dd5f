"""The one decision. Pure, total and deterministic: everything it reads comes in the context."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pydantic import ValidationError

from control_plane.canonical import (
    MAX_DEPTH,
    canonical,
    deeper_than,
    holds_nul,
    parse,
    sha256,
    stored,
)
from control_plane.engine.effects import Operation, compact, diff, frozen, thawed, tokens
from control_plane.errors import Malformed
from control_plane.models import (
    Decision,
    Held,
    Intent,
    Json,
    Message,
    Principal,
    Reason,
    Risk,
    Role,
)
from control_plane.registry import Action, Registry

MAX_COMPONENT_BYTES = 256 * 1024
MAX_STATE_BYTES = 4 * 1024 * 1024
MAX_EFFECT_BYTES = 1024 * 1024
"""One decision's operations, old values included: what a Lambda can answer with room to spare."""
MAX_INPUT_REASONS = 10

_RANK: dict[Role | None, int] = {None: 0, "viewer": 1, "operator": 2, "admin": 3}
_ROLE_FOR_RISK: dict[Risk, Role] = {"low": "operator", "medium": "operator", "high": "admin"}


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a decision reads, loaded under the project's lock.

    `components` holds every component of the project, with its text where it was loaded; `at` is
    the database's clock after the lock, as records write it.
    """

    org: str
    project: str
    principal: Principal
    registry: Registry
    at: str
    seq: int
    version: int
    hash: str
    components: Mapping[str, Held]

    def after(self, decision: Decision) -> "Context":
        """The context that the next decision of the same transaction sees."""
        if not decision.changes:
            return self
        changed = {**self.components, **decision.components}
        left = {id: held for id, held in changed.items() if held is not None}
        return replace(self, version=self.version + 1, components=left)


def decide(intent: Intent, context: Context, *, confirmed: bool) -> Decision:
    """Decide one intent, evaluating every gate and returning every reason, in a fixed order.

    `confirmed` says that the caller confirmed this very effect: the caller of this function has
    compared the digest. Limits of time are not kept here, since a thread can't be interrupted.
    """
    action = context.registry.actions.get(intent.action)
    if action is None:
        return _refused(intent, [Reason("unknown_action")])
    inputs, wrong = _validated(action, intent.inputs)
    decided = Decision(
        action=action.id,
        action_version=action.version,
        inputs=intent.inputs if wrong else inputs,
        status="rejected",
        reasons=[*wrong, *_gates(action, context, confirmed=confirmed)],
        cost=action.cost,
        title=action.title,
        risk=action.risk,
        confirmation=action.confirmation,
        targets={id: context.registry.components[id].schema_version for id in action.targets},
    )
    return decided if decided.reasons else _carried_out(decided, action, context)


def _refused(intent: Intent, reasons: list[Reason]) -> Decision:
    return Decision(intent.action, 0, intent.inputs, "rejected", reasons, title=intent.action)


def _gates(action: Action, context: Context, *, confirmed: bool) -> Iterator[Reason]:
    needed = action.required_role or _ROLE_FOR_RISK[action.risk]
    if _RANK[context.principal.role] < _RANK[needed]:
        yield Reason("role_required", {"role": needed})
    if action.confirmation and not confirmed:
        yield Reason("confirmation_required")


def _validated(action: Action, inputs: Mapping[str, Json]) -> tuple[dict[str, Json], list[Reason]]:
    try:
        model = action.inputs.model_validate_json(orjson.dumps(stored(canonical(dict(inputs)))))
    except ValidationError as error:
        return {}, [_input_reason(item) for item in error.errors()[:MAX_INPUT_REASONS]]
    return model.model_dump(mode="json"), []


def _input_reason(error: Any) -> Reason:
    """Only a declared input is named: an unknown one's name is the caller's own text."""
    facts = {"error": error["type"]}
    if error["loc"] and error["type"] != "extra_forbidden":
        facts["input"] = str(error["loc"][0])
    return Reason("invalid_inputs", facts)


def _carried_out(decided: Decision, action: Action, context: Context) -> Decision:
    states = {id: _state(context.components[id]) for id in action.targets}
    try:
        changed = action.handler(frozen(states), **thawed(decided.inputs))
        new = {str(id): thawed(state) for id, state in changed.items()}
        messages = _messages(action, decided)
    except (Exception, SystemExit, GeneratorExit) as error:  # noqa: BLE001 (it is recorded)
        return failed(decided, Reason("handler_error", {"error": type(error).__name__}))
    if not new.keys() <= states.keys():
        return failed(decided, Reason("undeclared_change"))
    return _checked(replace(decided, messages=messages), action, context, states, new)


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
    states: dict[str, Json],
    new: dict[str, Json],
) -> Decision:
    components: dict[str, Held | None] = {}
    operations: list[Operation] = []
    for id, state in sorted(new.items()):
        held = hold(context, id, state)
        if isinstance(held, Reason):
            return failed(decided, held)
        for operation in diff(states[id], state, f"/{id}"):
            if not any(_below(operation["path"], allowed) for allowed in action.changes):
                return failed(decided, Reason("undeclared_change", {"component": id}))
        operations += compact(states[id], state, f"/{id}")
        components[id] = held
    touched = {tokens(operation["path"])[0] for operation in operations}
    kept = {id: held for id, held in components.items() if id in touched}
    if _total_size(context, kept) > MAX_STATE_BYTES:
        return failed(decided, Reason("state_too_large", {"limit": MAX_STATE_BYTES}))
    if _effect_size(operations) > MAX_EFFECT_BYTES:
        return failed(decided, Reason("effect_too_large", {"limit": MAX_EFFECT_BYTES}))
    return replace(decided, status="success", diff=operations, components=kept)


def hold(context: Context, id: str, state: Json) -> Held | Reason:
    """A component's new state as it is to be stored, or why it can't be."""
    component = context.registry.components[id]
    if deeper_than(state, MAX_DEPTH):
        return Reason("invalid_state", {"component": id})
    try:
        text = canonical(state)
        component.model.model_validate_json(orjson.dumps(stored(text)))
    except (Malformed, ValidationError):
        return Reason("invalid_state", {"component": id})
    if "\\u0000" in text and holds_nul(state):
        return Reason("invalid_state", {"component": id})
    size = len(text.encode())
    if size > MAX_COMPONENT_BYTES:
        return Reason("state_too_large", {"component": id, "limit": MAX_COMPONENT_BYTES})
    return Held(sha256(text), component.schema_version, context.version + 1, size, text)


def state_hash(components: Mapping[str, Held]) -> str:
    """SHA-256 over the components' ids and hashes: the whole state in one line."""
    return sha256(canonical({id: held.hash for id, held in components.items()}))


def _state(held: Held) -> Json:
    if held.text is None:
        raise LookupError("a target of the action was not loaded")
    return stored(held.text)


def failed(decided: Decision, reason: Reason) -> Decision:
    """The decision turned into a failure that changes and sends nothing."""
    return replace(decided, status="failed", reasons=[reason], diff=(), components={}, messages=())


def _below(path: str, allowed: str) -> bool:
    return path == allowed or path.startswith(f"{allowed}/")


def _effect_size(operations: list[Operation]) -> int:
    return len(canonical(operations).encode())


def _total_size(context: Context, changed: Mapping[str, Held | None]) -> int:
    together = {**context.components, **changed}
    return sum(held.size for held in together.values() if held is not None)
