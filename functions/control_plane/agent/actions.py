"""The actions that a caller may see, as the registry's answer declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry

from control_plane.agent.interpretation import Step
from control_plane.agent.values import Schema, expected, kinds, readings
from control_plane.canonical import canonical
from control_plane.errors import Malformed
from control_plane.models import Json

# Schemas come from the API; none of them may make this process fetch another.
_NOTHING_REMOTE: Registry[Any] = Registry()
_LONGEST_FAULT = 200


class Misfit(ValueError):
    """Inputs, or the words for one, don't fit an action's schema; the message says how."""


@dataclass(frozen=True)
class Action:
    """One visible action: `inputs` is the JSON Schema of its inputs, an object."""

    id: str
    title: str
    description: str
    phrases: tuple[str, ...]
    inputs: Schema

    @cached_property
    def properties(self) -> Mapping[str, Schema]:
        """The JSON Schema of each declared input, by name."""
        properties: Mapping[str, Schema] = self.inputs.get("properties", {})
        return properties

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the inputs that have no default."""
        return tuple(self.inputs.get("required", ()))

    def step(self, inputs: Mapping[str, Json]) -> Step:
        """A step of this action. Raises `Misfit` for inputs that don't fit its schema."""
        given = dict(inputs)
        error = next(self._validator.iter_errors(given), None)
        if error is not None:
            raise Misfit(f"“{self.title}”: {error.message[:_LONGEST_FAULT]}.")
        try:
            canonical(given)
        except Malformed as refused:
            raise Misfit(f"“{self.title}”: {refused.detail}") from refused
        return Step(self.id, given)

    def read(self, name: str, text: str) -> Json:
        """The value of input `name` that a text stands for. Raises `Misfit` if it fits none."""
        schema = self.properties[name]
        allowed = kinds(schema, self.inputs)
        validator = self._validators[name]
        for value in readings(text, schema, allowed, name):
            if validator.is_valid(value):
                return value
        wanted = expected(schema, allowed)
        raise Misfit(f"“{self.title}”: {name} can't be “{text[:60]}”; it takes {wanted}.")

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator(dict(self.inputs), registry=_NOTHING_REMOTE)

    @cached_property
    def _validators(self) -> Mapping[str, Draft202012Validator]:
        definitions = {"$defs": self.inputs.get("$defs", {})}
        return {
            name: Draft202012Validator({**definitions, **schema}, registry=_NOTHING_REMOTE)
            for name, schema in self.properties.items()
        }


def read_actions(registry: Mapping[str, Any]) -> tuple[Action, ...]:
    """The actions in the answer of `GET /v1/projects/{p}/registry`, in its order."""
    return tuple(
        Action(
            id=action["id"],
            title=action["title"],
            description=action["description"],
            phrases=tuple(action["phrases"]),
            inputs=action["inputs"],
        )
        for action in registry["actions"]
    )
