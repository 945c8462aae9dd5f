"""Asks that need nothing thought up: without inputs, or with a few values to choose from."""

from collections.abc import Iterator
from itertools import islice, product
from typing import Any, get_args

from control_plane.engine.context import Context
from control_plane.models import Intent, Json
from control_plane.registry import REVERT, Action

MAX_PREPARATIONS = 24
MAX_VALUES = 4


def preparations(context: Context) -> list[Intent]:
    """The asks that could be tried before another one; whether they'd succeed is not checked."""
    actions = context.registry.actions.values()
    return list(islice((i for a in actions if _offered(a) for i in _intents(a)), MAX_PREPARATIONS))


def _offered(action: Action) -> bool:
    return not action.administrative and action.id != REVERT and action.visibility == "user"


def _intents(action: Action) -> Iterator[Intent]:
    choices = {
        name: _values(field.annotation)
        for name, field in action.inputs.model_fields.items()
        if field.is_required()
    }
    for values in islice(product(*choices.values()), MAX_VALUES):
        yield Intent(action.id, dict(zip(choices, values, strict=True)))


def _values(annotation: Any) -> tuple[Json, ...]:
    """The values of a Literal of strings; nothing for any other type: then no ask is made up."""
    values = get_args(annotation)
    return values if values and all(type(value) is str for value in values) else ()
