"""Sentences for reason codes. Records hold only codes, ids and integers; this renders them."""

from collections.abc import Mapping

from control_plane.models import Json

_SENTENCES = {
    "unknown_action": "There is no such action in this project. Look it up in the registry.",
    "invalid_inputs": "The inputs don't fit the action's declaration: {about}.",
    "role_required": "This needs the role {role}. Ask someone who has it.",
    "precondition_failed": "{sentence}",
    "invariant_broken": "{sentence} Nothing was changed.",
    "check_failed": "A condition couldn't be evaluated, so it doesn't hold: {check}.",
    "unknown_version": "This project has no such version.",
    "confirmation_required": "This needs your confirmation: preview it, then confirm its digest.",
    "confirmation_stale": "What was confirmed is no longer what would happen. Look at it again.",
    "handler_error": "The action's own code failed ({error}). Nothing was changed.",
    "handler_timeout": "The action's own code took too long. Nothing was changed.",
    "undeclared_change": "The action tried to change what it didn't declare. Nothing was changed.",
    "invalid_state": "The result doesn't fit the declaration of {component}. Nothing was changed.",
    "state_too_large": "The result would be larger than {limit} bytes. Nothing was changed.",
    "effect_too_large": "This would change more than {limit} bytes at once. Nothing was changed.",
}


def explain(reason: Mapping[str, Json], declared: Mapping[str, str]) -> str:
    """The sentence for a recorded reason; the code itself where it is not one of ours.

    `declared` has the sentences of declared checks by the check's name.
    """
    check = str(reason.get("check", ""))
    sentence = declared.get(check, f"A condition doesn't hold: {check}.")
    facts = {**reason, "about": _about_input(reason), "sentence": sentence}
    template = _SENTENCES.get(str(reason["code"]), str(reason["code"]))
    return template.format_map(facts)


def _about_input(reason: Mapping[str, Json]) -> str:
    problem = str(reason.get("error", "")).replace("_", " ")
    return f"{reason['input']} ({problem})" if "input" in reason else problem
