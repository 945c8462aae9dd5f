"""What scripts send to endpoints, checked: `ApiError` 422 for what doesn't fit."""

import re
from typing import Any

from chat_space.client import ApiError

Json = dict[str, Any]

STEPS = {"interactive": 1, "assisted": 5, "autonomous": 10}  # per mode


def need_text(value: Any, name: str) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise ApiError(422, "invalid_body", f"{name} must be text.")


def need_mode(mode: Any, count: int) -> None:
    """Refuse a mode that there isn't, and more steps than it allows."""
    if not isinstance(mode, str) or mode not in STEPS:
        raise ApiError(422, "invalid_body", f"mode must be one of {', '.join(STEPS)}.")
    if count > STEPS[mode]:
        raise ApiError(422, "invalid_body", f"Mode {mode} allows {STEPS[mode]} steps, not {count}.")


def step_of(action: Any, inputs: Any) -> Json:
    """One step as the API takes it."""
    if not isinstance(action, str) or not isinstance(inputs or {}, dict):
        raise ApiError(422, "invalid_body", "A step is an action's id and an object of inputs.")
    return {"action": action, "inputs": inputs or {}}


def steps_of(plan: Any, mode: str) -> list[Json]:
    """A plan's steps: each names its action by `action_id` or `action`."""
    steps = plan.get("steps") if isinstance(plan, dict) else None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ApiError(422, "invalid_body", 'A plan is {"steps": [{"action_id", "inputs"}]}.')
    need_mode(mode, len(steps))
    return [
        step_of(step.get("action_id", step.get("action")), step.get("inputs")) for step in steps
    ]


def snapshot_of(given: Any) -> int | str:
    """A version, as a number or in digits; or an execution's id."""
    if type(given) is int or (isinstance(given, str) and re.fullmatch("[0-9]{1,16}", given)):
        return int(given)
    if isinstance(given, str) and re.fullmatch("[0-9a-f-]{36}", given):
        return given
    raise ApiError(422, "invalid_body", "snapshot_id must be a version or an execution's id.")
