"""Actions as the tools of a chat completion, and its tool calls as steps."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from control_plane.agent.actions import Action, Misfit
from control_plane.agent.interpretation import Step
from control_plane.canonical import parse
from control_plane.errors import Malformed
from control_plane.models import Json

# The names that the chat completions API takes for functions: [a-zA-Z0-9_-]{1,64}.
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64
_LONGEST_QUOTE = 60


class Call(BaseModel):
    """The function of a tool call, as a model wrote it: `arguments` ought to be JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The caller's actions by tool name."""

    actions: Mapping[str, Action]

    @classmethod
    def of(cls, actions: Iterable[Action]) -> "Toolbox":
        """A box with one tool per action; names that would clash end in a number."""
        named: dict[str, Action] = {}
        for action in actions:
            base = _NOT_IN_NAMES.sub("_", action.id)[:_LONGEST_NAME]
            name, number = base, 2
            while name in named:
                ending = f"-{number}"
                name, number = base[: _LONGEST_NAME - len(ending)] + ending, number + 1
            named[name] = action
        return cls(named)

    def described(self) -> list[dict[str, Any]]:
        """The `tools` of a chat completion; parameters are the actions' own JSON Schemas."""
        return [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": f"{action.title}. {action.description}".strip(),
                    "parameters": {"type": "object", "properties": {}, **action.inputs},
                },
            }
            for name, action in self.actions.items()
        ]

    def steps(self, calls: Sequence[Call]) -> list[Step]:
        """The calls as steps, in order. Raises `Misfit`, naming every call that is none."""
        steps: list[Step] = []
        faults: list[str] = []
        for number, call in enumerate(calls, start=1):
            try:
                steps.append(self._step(call))
            except Misfit as misfit:
                faults.append(f"Call {number}: {misfit}")
        if faults:
            raise Misfit(" ".join(faults))
        return steps

    def _step(self, call: Call) -> Step:
        action = self.actions.get(call.name)
        if action is None:
            raise Misfit(f"There is no tool “{call.name[:_LONGEST_QUOTE]}”.")
        try:
            given = parse(call.arguments.encode() or b"{}")
        except (Malformed, UnicodeEncodeError) as error:
            raise Misfit(f"The arguments of “{call.name}” are not JSON.") from error
        if not isinstance(given, dict):
            raise Misfit(f"The arguments of “{call.name}” are not a JSON object.")
        return action.step(_declared(action, given))


def _declared(action: Action, given: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs that the action declares: whatever else a model writes means nothing."""
    if action.inputs.get("additionalProperties", False) is not False:
        return dict(given)
    return {name: value for name, value in given.items() if name in action.properties}
