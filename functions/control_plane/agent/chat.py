"""Chat: a message becomes steps, and the API previews them; nothing is changed here."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from control_plane.agent import model, phrases
from control_plane.agent.interpretation import (
    Answer,
    Clarification,
    Interpretation,
    Proposal,
    Step,
)
from control_plane.agent.model import ModelUnreachable
from control_plane.canonical import canonical
from control_plane.conversation import ChatRequest, Mode
from control_plane.observing.current import add, say
from control_plane.settings import Settings

MOST_STEPS: Mapping[Mode, int] = {"interactive": 1, "assisted": 5, "autonomous": 10}
# Seconds to leave for the preview after the model has answered.
_FOR_PREVIEW = 5.0
_LONGEST_INPUT = 80
# The API takes bodies of 256 KiB; what a plan holds beside its steps has room in the rest.
_LARGEST_STEPS = 255 * 1024  # bytes

_NO_KEY = "No model key is set: messages are read by the actions' example phrases."
_TOO_LARGE = "Those steps are larger than 255 KiB together. Ask for fewer, or for smaller values."


class Api(Protocol):
    """What chat needs of the API, in the caller's name; see `api_client.ApiClient`."""

    def registry(self, project: str) -> dict[str, Any]: ...
    def state(self, project: str) -> dict[str, Any]: ...
    def preview(self, project: str, steps: Sequence[Step]) -> dict[str, Any]: ...
    def seconds_left(self) -> float: ...


def chat(api: Api, project: str, request: ChatRequest, settings: Settings) -> dict[str, Any]:
    """The answer to a message: a proposal with its preview, an answer, or a question back.

    A proposal has one to ten steps, as the mode allows, and binds nobody: to run it, the caller
    confirms the preview's digest. Raises what `api` raises.
    """
    registry = api.registry(project)
    say(project=registry.get("project", {}).get("id"))
    understood, interpreter = _interpret(api, project, request, registry, settings)
    if isinstance(understood, Proposal) and _size(understood.steps) > _LARGEST_STEPS:
        understood = Clarification(_TOO_LARGE)
    shared = {"interpreter": interpreter, "conversation_id": None}
    if isinstance(understood, Answer):
        return {"kind": "answer", "message": understood.message, **shared}
    if isinstance(understood, Clarification):
        suggestions = list(understood.suggestions)
        said = {"kind": "clarification", "message": understood.message, "suggestions": suggestions}
        return {**said, **shared}
    preview = api.preview(project, understood.steps)
    return {
        "kind": "proposal",
        "message": _sentence(understood.steps, registry, preview),
        "steps": [step.asked() for step in understood.steps],
        "preview": preview,
        **shared,
    }


def _interpret(
    api: Api, project: str, request: ChatRequest, registry: Mapping[str, Any], settings: Settings
) -> tuple[Interpretation, dict[str, str]]:
    """What the message was understood as, and by whom; phrases stand in for a silent model."""
    limit, note = MOST_STEPS[request.mode], _NO_KEY
    if model.is_configured(settings):
        name = model.name_of(settings)
        try:
            understood = _ask_model(api, project, request.message, registry, limit, settings)
        except ModelUnreachable as silent:
            add(model_failures=1)
            note = (
                f"The model {name} could not be reached ({silent}): "
                "this message was read by the actions' example phrases."
            )
        else:
            return understood, {"kind": "model", "name": name, "note": ""}
    read_state = partial(api.state, project)
    understood = phrases.interpret(request.message, registry, limit, read_state)
    return understood, {"kind": "phrases", "name": phrases.NAME, "note": note}


def _ask_model(
    api: Api,
    project: str,
    message: str,
    registry: Mapping[str, Any],
    limit: int,
    settings: Settings,
) -> Interpretation:
    state = api.state(project)
    seconds = min(model.DEADLINE, api.seconds_left() - _FOR_PREVIEW)
    return model.propose_steps(message, registry, state, limit, settings, seconds)


def _size(steps: Sequence[Step]) -> int:
    """Bytes of the steps as a request carries them."""
    asked = [step.asked() for step in steps]
    return len(json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode())


def _sentence(
    steps: Sequence[Step], registry: Mapping[str, Any], preview: Mapping[str, Any]
) -> str:
    titles = {action["id"]: action["title"] for action in registry["actions"]}
    listed = ", then ".join(_named(titles[step.action], step) for step in steps)
    match preview["status"]:
        case "success":
            follows = "Nothing has changed yet: confirm to run it."
        case "pending_approval":
            follows = "Nothing has changed yet: it needs somebody's approval."
        case _:
            why = " ".join(preview["steps"][-1]["explanations"])
            follows = f"As things stand it would not be done. {why}".rstrip()
    return f"I propose {listed}. {follows}"


def _named(title: str, step: Step) -> str:
    inputs = ", ".join(f"{name} {_shown(value)}" for name, value in step.inputs.items())
    return f"“{title}” ({inputs})" if inputs else f"“{title}”"


def _shown(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= _LONGEST_INPUT else text[:_LONGEST_INPUT] + "…"
