"""What callers may not see: components declared unreadable, and for viewers the policy's rules."""

from collections.abc import Set as AbstractSet
from typing import Any

from control_plane.engine.effects import tokens
from control_plane.engine.rules import PERSONAL_FACTS
from control_plane.models import Json
from control_plane.registry.builtin import SETTING_POLICY
from control_plane.target import Target

AS_ASKED = ("inputs", "diff", "messages")
"""Members whose own members say nothing to us: they are an action's, and what follows from it."""
RULE_SAYS_NO = "A rule of this project's policy says no."


def shown_to(target: Target, answer: Json) -> Json:
    """An answer of the API without the states and the changes that its caller may not see.

    An execution that lost changes says `redacted`; its hashes are still those of the whole.
    """
    if target.principal.role != "admin":
        answer = _without_persons(answer)
    if target.principal.role == "viewer":
        answer = _without_rules(answer)
    declared = target.registry.components.values()
    hidden = {component.id for component in declared if not component.readable}
    if not hidden or target.principal.role == "admin":
        return answer
    return _without(answer, hidden)


def _without_rules(value: Any) -> Any:
    """An answer for viewers: which rules there are, and what they say, is not theirs to know."""
    if isinstance(value, list):
        return [_without_rules(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {key: item if key in AS_ASKED else _without_rules(item) for key, item in value.items()}
    if str(value.get("action", "")).partition("@")[0] in SETTING_POLICY and "inputs" in value:
        shown |= {"inputs": {}, "redacted": True}
    if isinstance(reasons := value.get("reasons"), list):
        shown["reasons"] = [_nameless(reason) for reason in reasons]
        said = value.get("explanations", [])
        shown["explanations"] = [
            RULE_SAYS_NO if "rule" in reason else sentence
            for reason, sentence in zip(reasons, said, strict=False)
        ]
    if isinstance(approval := value.get("approval"), dict) and "because" in approval:
        shown["approval"] = {**approval, "because": []}
    shown.pop("facts", None)
    return shown


def _without_persons(value: Any) -> Any:
    """An answer for all but admins: what conditions read of a person is not theirs to know."""
    if isinstance(value, list):
        return [_without_persons(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {
        key: item if key in AS_ASKED else _without_persons(item) for key, item in value.items()
    }
    if isinstance(facts := value.get("facts"), dict):
        shown["facts"] = {key: fact for key, fact in facts.items() if key not in PERSONAL_FACTS}
    return shown


def _nameless(reason: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in reason.items() if key not in ("rule", "because")}


def _without(value: Any, hidden: AbstractSet[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, hidden) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {
        key: item if key in AS_ASKED else _without(item, hidden) for key, item in value.items()
    }
    if isinstance(diff := value.get("diff"), list):
        shown["diff"] = [op for op in diff if tokens(op["path"])[0] not in hidden]
        shown |= {"redacted": True} if len(shown["diff"]) < len(diff) else {}
    if isinstance(components := value.get("components"), dict):
        shown["components"] = {id: s for id, s in components.items() if id not in hidden}
    return shown
