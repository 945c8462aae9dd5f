"""Declarations that can't hold are refused when they are loaded, with what to do."""

from collections.abc import Callable
from typing import Any

import pytest
from control_plane.api.bodies import NewProject, Step
from control_plane.registry import Check, DeclarationError, Registry, Template

from tests.unit.test_registry import Box, boxed, do

type Declare = Callable[[], object]


def refused(sentence: str, declare: Declare) -> None:
    """What is declared is refused with a sentence that holds these words."""
    with pytest.raises(DeclarationError) as refusal:
        declare()
    assert sentence in str(refusal.value)


def component(model: Any = Box, initial: Any = None, **more: Any) -> Declare:
    """Declares a component `b`."""
    state = {"number": 0} if initial is None else initial
    return lambda: Template("tests").component("b", model, state, **{"title": "B", **more})


def action(handler: Any = None, **more: Any) -> Declare:
    """Declares an action `box.do`."""
    return lambda: do(boxed(), handler, **more)


def condition(expression: str, **inputs: Any) -> Declare:
    """Declares an action with a precondition, in a registry."""
    return lambda: Registry(do(boxed(), requires=[Check("c", expression, "C.")], **inputs))


def invariant(expression: str, initial: Any = None) -> Declare:
    """Declares a component `b` with an invariant, in a registry."""

    def declare() -> Registry:
        template = boxed()
        checks = [Check("c", expression, "C.")]
        template.component("b", Box, initial or {"number": 0}, title="B", invariants=checks)
        return Registry(template)

    return declare


def removed() -> Template:
    """A template that declares `box` to be gone."""
    template = Template("fewer")
    template.remove_component("box")
    return template


NAMES: list[tuple[str, Declare]] = [
    ("raise its version", lambda: do(do(boxed()))),
    ("name is reserved", lambda: boxed().action("project.x", changes="/box")(lambda state: {})),
    ("at most 256 characters", lambda: boxed().action(257 * "a", changes="/box")),
    ("lower-case words", lambda: boxed().component("Box!", Box, {}, title="B")),
    ("lower-case words", lambda: boxed().component(5, Box, {}, title="B")),  # type: ignore[arg-type]
    ("lower-case words", lambda: boxed().remove_component(None)),  # type: ignore[arg-type]
    ("lower-case words", lambda: boxed().action(5, changes="/box")),  # type: ignore[arg-type]
    ("declared twice", lambda: boxed().component("box", Box, {}, title="B")),
    ("both declare ['box']", lambda: boxed().including(boxed())),
    ("can't be removed", lambda: boxed().remove_component("box")),
    ("is declared and removed", lambda: removed().component("box", Box, {}, title="B")),
    ("is declared and removed", lambda: boxed().including(removed())),
    ("is declared and removed", lambda: removed().including(boxed())),
]


@pytest.mark.parametrize(("sentence", "declare"), NAMES)
def test_names_are_declared_once(sentence: str, declare: Declare) -> None:
    """An id means one thing in a template, and is not gone besides."""
    refused(sentence, declare)


UNNAMED: list[Any] = [None, 5, "", " ", "x\x00", "\ud800", "x" * 65]


@pytest.mark.parametrize("name", UNNAMED)
def test_a_template_has_a_name_that_projects_can_be_made_by(name: Any) -> None:
    """What can't be stored, or asked for, is no name."""
    refused("name it", lambda: Template(name))


def test_names_may_be_as_long_as_what_is_asked_for() -> None:
    """The longest template and the longest action can be."""
    assert Template("x" * 64).name == NewProject(slug="a", template="x" * 64).template
    boxed().action("a" * 256, changes="/box")(lambda state: {})
    assert len(Step(action="a" * 256).action) == 256


def by_name(*, state: Any) -> Any:
    """The engine gives a migration the state by its place."""
    return state


FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("risk must be low, medium or high", {"risk": "huge"}),
    ("required_role must be viewer", {"required_role": "owner"}),
    ("visibility must be user or developer", {"visibility": "everyone"}),
    ("confirmation must be True or False", {"confirmation": 1}),
    ("version must be an integer from 1", {"version": 0}),
    ("version must be an integer from 1", {"version": True}),
    ("version must be an integer from 1", {"version": "2"}),
    ("version must be an integer from 1", {"version": 2**53}),
    ("messages must be a function", {"messages": []}),
    ("title must be a text", {"title": " "}),
    ("title must be a text", {"title": "half a pair \ud800"}),
    ("description must be a text", {"description": None}),
    ("phrases must be a list", {"phrases": "do it"}),
    ("phrases must be a list", {"phrases": [5]}),
    ("phrases must be a list", {"phrases": {"do it"}}),
    ("requires must be a list of Check", {"requires": ["true"]}),
    ("requires must be a list of Check", {"requires": [Check("", "true", "A.")]}),
    ("requires must be a list of Check", {"requires": [Check("a\x00", "true", "A.")]}),
    ("has colour: leave it out", {"colour": "red"}),
    ("has administrative: leave it out", {"administrative": True}),
    ("has inputs: leave it out", {"inputs": Box}),
    ("cost must be an integer from 0", {"cost": -1}),
    ("cost must be an integer from 0", {"cost": 2**53}),
    ("cost must be an integer from 0", {"cost": 1.0}),
    ("cost must be an integer from 0", {"cost": True}),
    ("cost must take the inputs", {"cost": lambda percent: percent}),
    ("messages must take the inputs", {"messages": lambda percent: []}),
    ("phrases must be a list", {"phrases": ["do it", ""]}),
    ("put one input's name", {"phrases": ["do {it"]}),
    ("put one input's name", {"phrases": ["do }it{"]}),
    ("put one input's name", {"phrases": ["do {}"]}),
    ("put one input's name", {"phrases": ["do {x y}"]}),
    ("which is not an input", {"phrases": ["do {word}"]}),
    ("two checks have the same id", {"requires": [Check("a", "true", "A.")] * 2}),
    ("is no JSON Pointer", {"changes": "box"}),
    ("is no JSON Pointer", {"changes": "/box/a~2"}),
    ("is no JSON Pointer", {"changes": ["/box", "/box/a~"]}),
    ("changes must be a JSON Pointer", {"changes": [5]}),
    ("changes must be a JSON Pointer", {"changes": None}),
    ("changes must be a JSON Pointer", {"changes": {"/box"}}),
    ("box has no /box/nmber", {"changes": "/box/nmber"}),
    ("declare that component first", {"changes": "/nowhere/x"}),
    ("declare that component first", {"targets": ["box", "nowhere"]}),
    ("path /box is outside its targets", {"targets": []}),
    ("targets must be a list", {"targets": "box"}),
    ("targets must be a list", {"targets": [5]}),
]


@pytest.mark.parametrize(("sentence", "declared"), FIELDS)
def test_each_field_of_an_action_is_what_it_says(sentence: str, declared: Any) -> None:
    """A wrong value is refused by the name of its field."""
    refused(sentence, action(**declared))


COMPONENTS: list[tuple[str, Declare]] = [
    ("title must be a text", component(title="")),
    ("model must be a class derived from State", component(model=dict)),
    ("model must be a class derived from State", component(model=Box())),
    ("schema_version must be an integer from 1", component(schema_version=0)),
    ("schema_version must be an integer from 1", component(schema_version="1")),
    ("version 1 is migrated", component(schema_version=2)),
    ("version 1 is migrated", component(schema_version=2**50)),
    ("no schema version 2 to migrate", component(migrations={2: dict})),
    ("migrations must be a function", component(migrations={1: "x"}, schema_version=2)),
    ("migrations must be a function", component(migrations=[dict])),
    ("version 1 must take the state", component(migrations={1: lambda: 1}, schema_version=2)),
    ("version 1 must take the state", component(migrations={1: by_name}, schema_version=2)),
    ("readable must be True or False", component(readable=None)),
    ("tags must be a list", component(tags="red")),
    ("tags must be a list", component(tags=["red", ""])),
    ("invariants must be a list of Check", component(invariants=[("a", "true", "A.")])),
    ("has phrases: leave it out", component(phrases=[])),
]


@pytest.mark.parametrize(("sentence", "declare"), COMPONENTS)
def test_each_field_of_a_component_is_what_it_says(sentence: str, declare: Declare) -> None:
    """A wrong value is refused by the name of its field."""
    refused(sentence, declare)


CONDITIONS: list[tuple[str, Declare]] = [
    ("no CEL expression", condition("1 +")),
    ('reads state["nope"]: declare', condition('state["nope"].number > 1')),
    ('reads state["nope"]: declare', condition("state.nope > 1")),
    ('reads state["nope"]: declare', condition('size(state) > 0 && state["nope"] == 1')),
    ('reads state["nope"]: declare', invariant('state["b"] == state["nope"]')),
    ("reads inputs.nope: name one", condition("inputs.nope > 1")),
    ("reads inputs.nope: name one", condition('inputs["nope"] > 1')),
    ("can't read inputs", invariant('state["b"].number < inputs.number')),
    ("can't read inputs", invariant("size(inputs) > 0")),
    ("so it gives a bool. The expression gives int", condition("1 + 1")),
    ("so it gives a bool. The expression has no answer", condition("1 / 0 > 1")),
    ("so it gives a bool. The expression gives str", invariant('"yes"')),
    ("Nothing is named principal.role; use", condition('principal.role == "admin"')),
    ("Nothing is named usage.cost; use usage.budget,", invariant("usage.cost < 1")),
    ("gives a bool", condition('state["box"].number')),
    ("c is broken from the beginning", invariant('state["b"].number > 0')),
    ("gives a bool", invariant('state["b"].number')),
    ("c is broken from the beginning", invariant('state["b"].nmber > 0')),
    ("c is broken from the beginning", invariant("false")),
    (
        "invariant c is broken from the beginning",
        invariant('state["b"].number > state["box"].number'),
    ),
    (
        "invariant c is broken from the beginning",
        invariant("state.exists(id, state[id].number > 0)"),
    ),
]


@pytest.mark.parametrize(("sentence", "declare"), CONDITIONS)
def test_conditions_that_never_hold_are_refused(sentence: str, declare: Declare) -> None:
    """A condition names what there is, gives a bool, and an invariant holds from the beginning."""
    refused(sentence, declare)


def test_conditions_may_read_what_asks_have() -> None:
    """Known keys and those that only data knows, and whatever a loop calls its items."""
    condition('principal["kind"] == "user" && usage.day < 9 && project.version > 0')()
    condition('[{"role": 1}].exists(p, p.role == 1) && "admin" in principal["ro" + "les"]')()


def test_what_a_beginning_alone_does_not_tell_is_left_to_decisions() -> None:
    """Who asks and when isn't known at load."""
    invariant("state.b.number < usage.day")()
    invariant('now.getFullYear() < 2000 || principal.kind == "system"')()
    invariant('state["b"].number == state["box"].number && state.all(id, id != "c")')()


def test_conditions_may_read_what_comes_later() -> None:
    """What a condition names is looked for when all is declared; `box` and `b` see each other."""
    template = Template("tests")
    checks = [Check("c", 'state["box"].number <= state["b"].number', "C.")]
    template.component("box", Box, {"number": 0}, title="Box", invariants=checks)
    with pytest.raises(DeclarationError, match="declare that component"):
        Registry(template)
    other = Template("other")
    other.component("b", Box, {"number": 0}, title="B")
    assert set(Registry(template.including(other)).components) == {"box", "b"}


def test_a_check_is_told_from_every_other() -> None:
    """A component and an action of one id can't both have a check of one id."""
    template = boxed()
    template.action("b", changes="/box", requires=[Check("c", "true", "A.")])(lambda state: {})
    checks = [Check("c", 'state["b"].number == 0', "B.")]
    template.component("b", Box, {"number": 0}, title="B", invariants=checks)
    refused("both have the check b/c: rename one", lambda: Registry(template))
