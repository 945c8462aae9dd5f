"""Sentences for reason codes. Records hold only codes, ids and integers; this renders them."""

from collections.abc import Mapping

from control_plane.models import Json

_SENTENCES = {
    "unknown_action": "There is no such action in this project. Look it up in the registry.",
    "invalid_inputs": "The inputs don't fit the action's declaration: {about}.",
    "role_required": "This needs the role {role}. Ask someone who has it.",
    "scope_required": "The API token lacks the scope {scope}. Sign in, or make one that has it.",
    "precondition_failed": "{sentence}",
    "project_archived": "The project is archived: it can only be read.",
    "project_paused": "The project is paused. An admin can resume it.",
    "organization_paused": "Everything is paused. An admin of the organization can resume it.",
    "rate_exceeded": "At most {limit} asks a {window}; {used} were made. Again from {until}.",
    "quota_exceeded": "At most {limit} changes a day; {used} were made. Again from {until}.",
    "budget_exceeded": "It costs {cost}, and {left} of today's {limit} are left.",
    "action_budget_exceeded": "It costs {cost}; {left} of the action's {limit} a day are left.",
    "outside_window": "The policy allows nothing at this time.{opening}",
    "rule_rejected": "{rule_says}",
    "rule_failed": "A rule couldn't be evaluated, so it denies: {rule}. Tell an admin.",
    "approval_required": "It needs approval: {count} × {role}.",
    "approval_rejected": "The request was rejected.",
    "approval_withdrawn": "The request was withdrawn.",
    "approval_expired": "The request's time has run out.",
    "approval_superseded": "What was approved is not what would now happen. Nothing was changed.",
    "approval_closed": "The request isn't waiting any more: it is {status}.",
    "unknown_approval": "There is no such request in this project.",
    "own_request": "Nobody decides about what they asked for themselves. Ask somebody else.",
    "not_own_request": "Only who asked can withdraw a request.",
    "role_too_new": "Your role {role} is newer than the request. Ask somebody who had it before.",
    "already_decided": "You have decided about this request before.",
    "invalid_policy": "The policy can't hold as it is written: {errors} errors.",
    "policy_too_large": "The policy is larger than {limit} bytes as JSON. Make it shorter.",
    "policy_locks_out": "Under this policy nobody could set another: leave that allowed, and to be"
    " approved by no more others than there are.",
    "needs_its_route": "This is asked for by its own route, which takes the password apart.",
    "not_in_a_plan": "Administration is asked for alone, not as a step of a plan.",
    "unknown_user": "There is no such person, or they are no member.",
    "wrong_slug": "That is not this project's slug. Type it exactly, to show that you mean it.",
    "last_admin": "This is the last active admin. Make another person who is admin first.",
    "invariant_broken": "{sentence} Nothing was changed.",
    "check_failed": "A condition couldn't be evaluated, so it doesn't hold: {check}.",
    "unknown_range": "This project has no such executions.",
    "range_too_large": "At most {limit} executions are erased at once.",
    "nothing_to_erase": "There is nothing to erase: these executions hold nothing, or no more.",
    "still_waiting": "Execution {about} still waits for approval. Decide or withdraw it first.",
    "still_in_state": "At version {version}, {component} still holds what these executions put "
    "there. Remove it first, and erase up to the execution that did.",
    "state_erased": "The state of version {version} was erased.",
    "unknown_version": "This project has no such version.",
    "confirmation_required": "This needs your confirmation: preview it, then confirm its digest.",
    "confirmation_stale": "What was confirmed is no longer what would happen. Look at it again.",
    "handler_error": "The action's own code failed ({error}). Nothing was changed.",
    "handler_timeout": "The action's own code took too long. Nothing was changed.",
    "undeclared_change": "The action tried to change what it didn't declare. Nothing was changed.",
    "invalid_message": "An item of the action's messages is no Message(topic, body). "
    "Nothing was changed.",
    "invalid_state": "The result doesn't fit the declaration of {component}. Nothing was changed.",
    "state_too_large": "The result would be larger than {limit} bytes. Nothing was changed.",
    "effect_too_large": "This would change more than {limit} bytes at once, old values included. "
    "Nothing was changed. {instead}",
}
_IN_STEPS = "Go back in steps, over versions in between."

_PROBLEMS = {  # what pydantic calls errors, of which records hold the names
    "missing": "is missing",
    "extra_forbidden": "one of them isn't declared",  # never with a name: it is the caller's text
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "too_short": "has too few items",
    "too_long": "has too many items",
    "literal_error": "is none of the choices",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "float_type": "is no number",
    "string_type": "is no text",
    "bool_type": "is neither true nor false",
    "list_type": "is no list",
    "dict_type": "is no object",
    "unstorable": "becomes a value that can't be stored",  # ours: what the action makes of it
}


def explain(reason: Mapping[str, Json], declared: Mapping[str, str]) -> str:
    """The sentence for a recorded reason; the code itself where it is not one of ours.

    `declared` has the sentences of declared checks by the check's name.
    """
    check = str(reason.get("check", ""))
    rule = str(reason.get("rule", ""))
    facts = {
        **reason,
        "about": reason.get("about") or _about_input(reason),
        "sentence": declared.get(check, f"A condition doesn't hold: {check}."),
        "rule": rule or "hidden",
        "rule_says": declared.get(f"rule/{rule}") or f"The policy's rule {rule} says no.",
        "left": max(0, int(reason.get("limit", 0)) - int(reason.get("used", 0))),
        "until": _moment(reason.get("until")),
        "instead": _IN_STEPS if "version" in reason else "Do less at once.",
        "opening": f" Again from {_moment(reason['until'])}." if "until" in reason else "",
    }
    template = _SENTENCES.get(str(reason["code"]), str(reason["code"]))
    return template.format_map(facts)


def _moment(until: Json) -> str:
    """A recorded moment for people: `2026-11-24 10:00 UTC`."""
    text = str(until)
    return f"{text[:10]} {text[11:16]} UTC"


def _about_input(reason: Mapping[str, Json]) -> str:
    error = str(reason.get("error", ""))
    problem = _PROBLEMS.get(error, error.replace("_", " "))
    name = f"an item of {reason.get('input')}" if reason.get("item") else reason.get("input")
    return f"{name} {problem}" if name else problem
