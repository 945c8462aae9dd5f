"""The record of one attempt, its payload, and the chain that binds them.

`hash = sha256(record text)`; the record holds `prev_hash` and `payload_hash = sha256(salt ‖ payload
text)`. Both texts are canonical JSON (RFC 8785), stored as they were hashed, never re-made.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from control_plane.canonical import canonical, canonical_of_ours, sha256, stored
from control_plane.engine.context import Context, state_hash
from control_plane.engine.explain import explain
from control_plane.engine.rules import PERSONAL_FACTS, reads_person
from control_plane.ids import RANDOM_BYTES, uuid7
from control_plane.models import Decision, Held, Json, Principal

FORMAT_VERSION = 1
SALT_BYTES = 16


class Asking(Struct, frozen=True):
    """How an intent was asked for: what a record says beside the decision.

    `about` is the seq of the execution that this one answers, reverts or replaces; `approval` names
    the request and its deciders.
    """

    principal: Principal
    request_id: str
    trigger: str
    preview: str | None = None
    plan: Mapping[str, Json] | None = None
    about: int | None = None
    approval: Mapping[str, Json] | None = None


class Execution(Struct, frozen=True):
    """One attempt as it is stored: exact texts, and the chain's hash after it."""

    seq: int
    version: int | None
    hash: str
    record: str
    payload: str | None
    salt: str | None
    members: Mapping[str, Json] = field(default_factory=dict)


class Entry(Struct, frozen=True):
    """An execution with the row that its table takes, and what it counts towards limits."""

    execution: Execution
    row: Mapping[str, Json]
    usage: Mapping[str, int]


def enter(decision: Decision, before: Context, left: Mapping[str, Held], asking: Asking) -> Entry:
    """Record a decision made in `before`, which leaves these components, as the next link."""
    parts: dict[str, Json] = {"inputs": dict(decision.inputs)}
    if decision.status != "pending_approval":  # its effect isn't one yet: the request shows it
        parts["diff"] = list(decision.diff)
    if reads_person(before.policy):
        parts["facts"] = {name: before.person.get(name) for name in PERSONAL_FACTS}
    usage = {**decision.attempt, **(decision.charge if decision.changes else {})}
    payload = canonical(parts)
    random = secrets.token_bytes(SALT_BYTES + RANDOM_BYTES)  # each draw waits for other threads
    salt, id = random[:SALT_BYTES].hex(), uuid7(random[SALT_BYTES:])
    seq, version = before.seq + 1, before.version + 1 if decision.changes else None
    members = {
        **_header(decision, before, asking, id, seq),
        **_outcome(decision, before, left),
        **({"usage": usage} if usage else {}),
        "payload_hash": hash_payload(salt, payload),
        "prev_hash": before.hash,
    }
    record = canonical_of_ours(members)
    whole = merged(members, parts)
    execution = Execution(seq, version, sha256(record), record, payload, salt, whole)
    return Entry(execution, _row(execution, decision, asking, id), usage)


def _header(
    decision: Decision, before: Context, asking: Asking, id: str, seq: int
) -> dict[str, Json]:
    optional = {
        "preview": asking.preview,
        "plan": asking.plan and dict(asking.plan),
        "about": asking.about,
        "approval": asking.approval and dict(asking.approval),
        "facts": _facts(decision, before),
    }
    return {
        "v": FORMAT_VERSION,
        "org": before.org,
        "project": before.project,
        "seq": seq,
        "execution_id": id,
        "request_id": asking.request_id,
        "at": before.at,
        "principal": asking.principal.record(),
        "trigger": asking.trigger,
        "action": decision.action,
        "action_version": decision.action_version,
        "component_versions": dict(decision.targets),
        "registry": before.registry.hash,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _facts(decision: Decision, before: Context) -> dict[str, Json] | None:
    """What a decision under a policy read beyond state and inputs; nobody's personal facts."""
    if not before.policy_version:
        return None
    observed = {"observed": list(decision.observed)} if decision.observed else {}
    return {"usage": dict(before.usage), **observed}


def _outcome(decision: Decision, before: Context, left: Mapping[str, Held]) -> dict[str, Json]:
    outcome: dict[str, Json] = {
        "status": decision.status,
        "reasons": [reason.record() for reason in decision.reasons],
        "cost": decision.cost if decision.changes else 0,
        "policy_version": before.policy_version,
        "base_version": before.version,
    }
    if decision.changes:
        outcome |= {"version": before.version + 1, "state_hash": state_hash(left)}
    return outcome


def _row(execution: Execution, decision: Decision, asking: Asking, id: str) -> dict[str, Json]:
    return {
        "seq": execution.seq,
        "version": execution.version,
        "id": id,
        "request_id": asking.request_id,
        "principal_id": asking.principal.id,
        "owner_id": asking.principal.owner,
        "action": decision.action,
        "status": decision.status,
        "hash": execution.hash,
        "salt": execution.salt,
        "payload": execution.payload,
        "record": execution.record,
    }


def hash_payload(salt: str, payload: str) -> str:
    """Lower-case hex SHA-256 of the salt's bytes followed by the payload's text."""
    return hashlib.sha256(bytes.fromhex(salt) + payload.encode()).hexdigest()


def as_answer(
    execution: Execution | Mapping[str, Any], declared: Mapping[str, str]
) -> dict[str, Json]:
    """An execution as the API answers it: hash, record and payload members, and sentences.

    `declared` has the sentences of declared checks (`Registry.sentences`). Takes an `Execution`, or
    a stored or archived row with its `hash`, `record`, `payload`.
    """
    if isinstance(execution, Execution):
        hash, members = execution.hash, execution.members
    else:
        hash, members = execution["hash"], _members(execution)
    explanations = [explain(reason, declared) for reason in members["reasons"]]
    return {**members, "hash": hash, "explanations": explanations}


def _members(row: Mapping[str, Any]) -> dict[str, Json]:
    payload = row["payload"]
    return merged(stored(row["record"]), {"erased": True} if payload is None else stored(payload))


def merged(record: Mapping[str, Json], payload: Mapping[str, Json]) -> dict[str, Json]:
    """Record and payload members side by side; the facts of both together."""
    facts = {**record.get("facts", {}), **payload.get("facts", {})}
    return {**record, **payload, **({"facts": facts} if facts else {})}


def as_line(execution: Mapping[str, Any]) -> str:
    """A stored row as its archived JSONL line, without the line's end; canonical JSON itself."""
    payload, salt = execution["payload"], execution["salt"]
    texts = (execution["hash"], payload, execution["record"], salt)
    return line_of(*[None if text is None else text.encode() for text in texts]).decode()


def line_of(
    hash: bytes | None, payload: bytes | None, record: bytes | None, salt: bytes | None
) -> bytes:
    """The same of an execution's texts in UTF-8; None for what was erased.

    The texts go in as they are: they are canonical already, and the members are in order.
    """
    quoted = b"null" if salt is None else b'"%b"' % salt
    form = b'{"hash":"%b","payload":%b,"record":%b,"salt":%b}'
    return form % (hash, b"null" if payload is None else payload, record, quoted)
