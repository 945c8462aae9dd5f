"""Models and initial states that can't hold are refused when they are loaded."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import pytest
from control_plane.engine import outcome
from control_plane.registry import RootState, State, Template, shapes
from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, model_validator

from tests.unit.test_registry import Box
from tests.unit.test_registry_refusals import component, refused


class Anything(RootState[JsonValue]):
    """Any JSON."""


def nested(levels: int) -> Any:
    """So many lists inside one another."""
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def endless() -> Any:
    """A list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


INITIAL = [
    math.nan, math.inf, {1, 2}, {"a": object()}, Box(), b"x",
    "a\x00", {"a\x00": 1}, "\ud800", "x" * 256 * 1024, nested(33), (nested(32),), endless(),
]  # fmt: skip


@pytest.mark.parametrize("initial", INITIAL, ids=lambda value: str(type(value)))
def test_an_initial_state_can_be_stored(initial: Any) -> None:
    """A state to begin with is plain JSON within the limits."""
    refused("its initial state doesn't fit", component(Anything, initial))


def test_an_initial_state_fits_its_model() -> None:
    """A state to begin with is one that the model takes."""
    refused("its initial state doesn't fit", component(Box, {"number": "x"}))
    refused("its initial state doesn't fit", component(Box, {"nmber": 0}))


def test_an_initial_state_is_what_it_was_at_load() -> None:
    """Changing the object that was declared afterwards changes nothing."""
    template, initial = Template("tests"), {"number": 0}
    template.component("box", Box, initial, title="Box")
    initial["number"] = 1
    assert template.components["box"].initial == {"number": 0}
    component(Anything, nested(32))()


def test_the_limit_is_the_engines() -> None:
    """What may be declared to begin with is what a decision may store."""
    assert shapes.MAX_COMPONENT_BYTES == outcome.MAX_COMPONENT_BYTES


class Lax(BaseModel):
    """Takes "5" for 5."""

    number: int = 0


class Strict(BaseModel):
    """Strict, and swallows what it doesn't know."""

    model_config = ConfigDict(strict=True)
    number: int = 0


class LaxRoot(RootModel[dict[str, int]]):
    """Takes "5" for 5."""


class Inside(State):
    """Strict itself."""

    boxes: dict[str, list[Lax | None]]


class Loosened(State):
    """Strict but for one number."""

    number: Annotated[int, Field(strict=False)] = 0


class Called(State):
    """Holds what no JSON Schema describes."""

    number: Callable[[], int] | None = None


class Endless(State):
    """Begins with what JSON can't hold."""

    number: float = math.inf


class Wrong(State):
    """Begins with another type."""

    number: int = "a"  # type: ignore[assignment]


class Around(State):
    """Holds another that begins with another type."""

    wrong: Wrong | None = None


class Unfinished(State):
    """Names a type that isn't there."""

    number: "Nowhere"  # type: ignore[name-defined] # noqa: F821


MODELS: list[tuple[str, Any, Any]] = [
    ("Lax takes wrong types or unknown keys", Lax, {"number": 0}),
    ("Strict takes wrong types or unknown keys", Strict, {"number": 0}),
    ("LaxRoot takes wrong types", LaxRoot, {}),
    ("Lax takes wrong types or unknown keys", Inside, {"boxes": {}}),
    ("int takes wrong types", Loosened, {}),
    ("has no JSON Schema", Called, {}),
    ("correct its defaults", Endless, {}),
    ("correct its defaults", Wrong, {}),
    ("Wrong: correct its defaults", Around, {}),
    ("can't be built", Unfinished, {"number": 0}),
]


@pytest.mark.parametrize(("sentence", "model", "initial"), MODELS)
def test_models_are_strict_and_described(sentence: str, model: Any, initial: Any) -> None:
    """A state's model refuses what isn't declared, all the way down, and has a JSON Schema."""
    refused(sentence, component(model, initial))


@dataclass
class Plain:
    """A dataclass takes the strictness of the model around it."""

    number: int


class Named(TypedDict):
    """So does a typed dictionary."""

    number: int


class Careful(State):
    """Parts of many kinds, each with a default of its own type."""

    plain: Plain | None = None
    named: list[Named] = Field(default_factory=list)
    day: date = date(2026, 1, 1)
    kind: Literal["a", "b"] = "a"
    children: list["Careful"] = Field(default_factory=list)
    more: dict[str, JsonValue] = Field(default={"type": "model"})

    @model_validator(mode="after")
    def _whole(self) -> "Careful":
        return self


class AnyJson(RootModel[JsonValue]):
    """Any JSON has no types to be strict about."""


@pytest.mark.parametrize(("model", "initial"), [(Careful, {}), (AnyJson, [1]), (Anything, None)])
def test_what_is_strict_may_be_of_many_kinds(model: Any, initial: Any) -> None:
    """Nothing that can hold is refused."""
    Template("tests").component("b", model, initial, title="B")
