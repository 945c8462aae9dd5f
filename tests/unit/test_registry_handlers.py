"""Handlers, phrases and packages that can't hold are refused when they are loaded."""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from control_plane.engine.decide import decide
from control_plane.models import Intent, Message
from control_plane.registry import Changed, DeclarationError, Template, View, registry
from pydantic import Field

from tests.unit.conftest import MakeContext
from tests.unit.test_registry import boxed, do
from tests.unit.test_registry_models import Lax
from tests.unit.test_registry_refusals import action, component, refused


def no_view():
    """No parameter at all."""


def no_view_but_an_input(number: int):
    """Forgets the view."""


def view_by_name(*, state: View):
    """The engine gives the view by its place."""


def untyped(state, value):
    """An input without a type."""


def unresolvable(state: View, value: "Nowhere"):  # type: ignore[name-defined] # noqa: F821
    """A type that isn't there."""


def positional(state: View, value: int, /):
    """The engine gives inputs by their names."""


def starred(state: View, *values: int):
    """No input has a name."""


def keywords(state: View, **values: int):
    """No input has a name."""


def underscored(state: View, _value: int):
    """A private name."""


def wrong_default(state: View, value: int = "a"):  # type: ignore[assignment]
    """A default of another type."""


def endless_default(state: View, value: float = math.inf):
    """A default that JSON can't hold."""


def called(state: View, value: Callable[[], int]):
    """An input that no JSON Schema describes."""


def no_schema(state: View, value: object()):  # type: ignore[valid-type]
    """A type that is none."""


def renamed(state: View, value: Annotated[int, Field(alias="worth")]):
    """An input of two names."""


def lax(state: View, value: Lax):
    """An input that swallows what it doesn't know."""


async def awaited(_: View) -> Changed:
    """Answers with a coroutine."""
    return {}


async def both(_: View) -> AsyncIterator[Changed]:
    """Answers with an asynchronous generator."""
    yield {}


def generated(_: View):
    """Answers with a generator."""
    yield {}


def reserved(state: View, model_config: int):
    """An input that the model made of it takes for its settings."""


HANDLERS: list[tuple[str, Any]] = [
    ("take the view as its first parameter", no_view),
    ("take the view as its first parameter", no_view_but_an_input),
    ("take the view as its first parameter", view_by_name),
    ("give input value a type", untyped),
    ("import the types", unresolvable),
    ("let input value be given by its name", positional),
    ("let input values be given by its name", starred),
    ("let input values be given by its name", keywords),
    ("begin the name of input _value with a letter", underscored),
    ("correct its defaults", wrong_default),
    ("correct its defaults", endless_default),
    ("has no JSON Schema", called),
    ("correct its inputs' types", no_schema),
    ("let input value have one name", renamed),
    ("Lax takes wrong types", lax),
    ("a plain function", awaited),
    ("a plain function", both),
    ("a plain function", generated),
    ("a plain function", lambda state: (yield)),
    ("a plain function", 5),
    ("rename input model_config", reserved),
]


@pytest.mark.parametrize(("sentence", "handler"), HANDLERS)
def test_handlers_can_be_called(sentence: str, handler: Any) -> None:
    """A handler takes the view by its place and typed inputs by their names."""
    refused(sentence, action(handler))


def say(_: View, word: str, times: "int" = 1) -> Changed:
    """Count what was said."""
    return {"box": {"number": len(word) * times}}


def test_a_phrase_names_inputs_once_beside_words() -> None:
    """A phrase that is nothing but an input would be everything that anybody says."""
    refused("say it with a word", action(say, phrases=["{word}!"]))
    refused("names an input twice", action(say, phrases=["say {word} {word}"]))
    action(say, phrases=["say {word} {times} times", "say it"])()


def test_annotations_may_be_texts() -> None:
    """A handler under `from __future__ import annotations` declares the same inputs."""
    declared = do(boxed(), say).actions["box.do@v1"]
    assert declared.described["inputs"]["properties"]["times"]["type"] == "integer"


def test_functions_of_the_inputs_take_them_all() -> None:
    """A cost is asked with every input by its name, those with defaults included."""
    action(say, cost=lambda word, times: times)()
    action(say, cost=lambda **inputs: inputs["times"])()
    refused("cost must take the inputs", action(say, cost=lambda word: 1))
    action(say, cost=max)()  # tells no signature


def test_messages_may_be_yielded(context_of: MakeContext) -> None:
    """They are gone through anyway; a cost or a migration is not."""

    def told(word: str, times: int) -> Iterator[Message]:
        yield Message("said", word * times)

    context = context_of(do(boxed(), say, messages=told))
    assert decide(Intent("box.do", {"word": "a"}), context, confirmed=True).messages
    refused("cost must be an integer", action(say, cost=told))
    refused("migrations must be a function", component(schema_version=2, migrations={1: told}))


def test_inputs_may_be_named_as_they_like(context_of: MakeContext) -> None:
    """None is taken for a parameter of the code that calls handler, cost or messages."""

    def named(_: View, code: int, function: int, sentence: int, self: int) -> Changed:
        return {"box": {"number": code + function + sentence + self}}

    template = do(boxed(), named, cost=lambda **inputs: len(inputs), messages=lambda **_: [])
    inputs = {"code": 1, "function": 1, "sentence": 1, "self": 1}
    decision = decide(Intent("box.do", inputs), context_of(template), confirmed=True)
    assert (decision.status, decision.cost, decision.diff[0]["value"]) == ("success", 4, 4)


class Point:
    """An entry point, as `importlib.metadata` finds it."""

    name, value, dist = "pantry", "pantry:pantry", None

    def __init__(self, load: Callable[[], Any]) -> None:
        self.load = load


def install(monkeypatch: pytest.MonkeyPatch, *loads: Callable[[], Any]) -> None:
    """Packages whose entry points load so."""
    monkeypatch.setattr(registry, "entry_points", lambda group: [Point(load) for load in loads])


def test_a_package_that_can_not_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts the product learns which package is broken, and why."""

    def broken() -> Any:
        raise ImportError("no shelf")

    install(monkeypatch, broken)
    with pytest.raises(DeclarationError, match=r"pantry \(pantry:pantry\) of .* no shelf") as error:
        registry.load_registries()
    assert isinstance(error.value.__cause__, ImportError)


def test_an_entry_point_is_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that names something else is told so."""
    install(monkeypatch, lambda: 5)
    refused("is no Template", registry.load_registries)


def test_a_template_is_installed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages can't both say what `demo` or `extra` is."""
    install(monkeypatch, lambda: Template("extra"))
    assert "extra" in registry.load_registries()
    for names in (("demo",), ("extra", "extra")):
        install(monkeypatch, *[lambda name=name: Template(name) for name in names])
        refused("is installed twice: remove one", registry.load_registries)
