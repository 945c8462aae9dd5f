"""One execution as people read it: what was asked, what came of it, and its proof. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat_space import proof
from chat_space.labels import humanize
from chat_space.previews import MOST_ROWS, action_title, changes, inputs_of

Json = dict[str, Any]

ABOUT = {  # what an execution of this kind is to the one that it is about
    "project.approval.decide": "Decides",
    "project.approval.withdraw": "Withdraws",
    "project.revert": "Goes back behind",
}
KINDS = {"user": "a person", "token": "an API token", "system": "the system"}
WHOLE = "The record was put together from the members shown, and has the hash that it says."
PARTLY = (
    "You are not shown all of this record’s members, so its hash can’t be computed here. It is the"
    " hash of the whole: an admin’s page shows it computed."
)
BROKEN = "The members shown do not have this hash. Don’t rely on this record, and verify the chain."
ERASED = (
    "What was asked and what it changed were erased from this execution. The record is whole, and"
    " the chain holds without them."
)
REDACTED = "Some of what was asked or changed is not for you to see. The hashes are of the whole."


@dataclass(frozen=True)
class Around:
    """What is known around an execution: its neighbours, what is declared, names by id."""

    before: Json | None = None
    after: Json | None = None
    registry: Json = field(default_factory=dict)
    state: Json = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    admin: bool = False


def told(execution: Json, around: Around) -> Json:
    """Everything that the page of one execution shows."""
    diff = execution.get("diff") or []
    return {
        "seq": execution["seq"],
        "title": action_title(execution["action"], around.registry),
        "status": execution["status"],
        "at": execution["at"],
        "who": execution.get("username") or execution["principal"]["kind"],
        "notes": [
            text for name, text in (("erased", ERASED), ("redacted", REDACTED))
            if execution.get(name)
        ],
        "changes": changes(diff[:MOST_ROWS], around.registry, around.state),
        "more": max(0, len(diff) - MOST_ROWS),
        "inputs": inputs_of(execution, around.registry),
        "reasons": execution.get("explanations") or [],
        "facts": facts(execution, around.names),
        "links": links(execution, around),
        "strip": strip(execution, around),
        "proof": proven(execution, around.admin),
        "members": json.dumps(execution, ensure_ascii=False, indent=2),
    }  # fmt: skip


def facts(execution: Json, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """The small facts, as label and text; those that the execution doesn't have are left out."""
    principal, approval = execution["principal"], execution.get("approval") or {}
    deciders = [names.get(id, id) for id in approval.get("deciders") or []]
    usage = [f"{humanize(key)} {count}" for key, count in (execution.get("usage") or {}).items()]
    known = [
        ("Asked by", _asked_by(principal)),
        ("Cost", execution.get("cost")),
        ("Counts as", " · ".join(usage)),
        ("State version", _versions(execution)),
        ("Policy version", execution.get("policy_version")),
        ("Approved or decided by", ", ".join(deciders)),
        ("Request for approval", approval.get("id")),
        ("Plan", _step(execution.get("plan"))),
        ("Action", f"{execution['action']}@{execution.get('action_version', '?')}"),
        ("Request", execution.get("request_id")),
        ("Execution", execution.get("execution_id")),
    ]
    return [(label, str(value)) for label, value in known if value not in (None, "")]


def _asked_by(principal: Json) -> str:
    kind = KINDS.get(principal["kind"], principal["kind"])
    told = [kind, principal.get("role") and f"as {principal['role']}"]
    return " ".join(part for part in told if part)


def _versions(execution: Json) -> str:
    before, after = execution.get("base_version"), execution.get("version")
    if before is None:
        return "" if after is None else str(after)
    return f"{before}, unchanged" if after is None else f"{before} → {after}"


def _step(plan: Json | None) -> str:
    return f"step {plan['step']} of {plan['of']}" if plan else ""


def links(execution: Json, around: Around) -> list[tuple[str, int]]:
    """Other executions that this one has to do with, as label and seq."""
    found = []
    if about := execution.get("about"):
        other = "Outcome of" if execution.get("approval") else "About"
        found.append((ABOUT.get(execution["action"], other), about))
    for label, near in (("Step before", around.before), ("Next step", around.after)):
        if near and _one_plan(execution, near):
            found.append((label, near["seq"]))
    if (after := around.after) and after.get("about") == execution["seq"]:
        found.append(("Answered by", after["seq"]))
    return found


def _one_plan(one: Json, other: Json) -> bool:
    return bool(one.get("plan")) and one["plan"]["id"] == (other.get("plan") or {}).get("id")


def strip(execution: Json, around: Around) -> Json:
    """The chain around an execution: hashes before, its own, and after, and which links hold.

    A link's value is None where the neighbour isn't there to be compared.
    """
    before, after = around.before, around.after
    return {
        "before": {"seq": execution["seq"] - 1, "hash": execution.get("prev_hash")},
        "after": after and {"seq": after["seq"], "hash": after["hash"]},
        "hash": execution["hash"],
        "to_before": _begins(execution) if before is None else
        before["hash"] == execution.get("prev_hash"),
        "to_after": None if after is None else after.get("prev_hash") == execution["hash"],
    }  # fmt: skip


def _begins(execution: Json) -> bool | None:
    """Whether the first of a chain begins it; None for any other."""
    return execution.get("prev_hash") == proof.GENESIS if execution["seq"] == 1 else None


def proven(execution: Json, admin: bool) -> Json:
    """The hashes, the record's text where it is whole, and a sentence on what that shows."""
    whole = proof.holds(execution)
    tone, sentence = ("good", WHOLE) if whole else ("bad", BROKEN) if admin else ("wait", PARTLY)
    return {
        "hashes": [
            ("Record hash", "hash", execution["hash"]),
            ("Hash before", "prev_hash", execution.get("prev_hash") or "–"),
            ("Payload hash", "payload_hash", execution.get("payload_hash") or "–"),
        ],
        "record": proof.record_text(execution) if whole else None,
        "tone": tone,
        "sentence": sentence,
    }
