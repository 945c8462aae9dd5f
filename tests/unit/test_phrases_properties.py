"""What holds for every message and every registry, tried with generated ones."""

from typing import Any

from control_plane.agent.interpretation import Clarification, Proposal, Step
from control_plane.agent.phrases import interpret
from control_plane.canonical import canonical
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.chat_parts import REGISTRY, STATE

_FRAGMENTS = """
add 3 five 60 percent to the counter set reset increment by remember that is = forget sky please
and then , ; . ? ! " ' { } [ ] {"a":1} memory.remember key= value=
demo.counter.set don't what help lamp dim red true null -1 1,000 thanks
"""
FRAGMENTS = [*_FRAGMENTS.split(), "\n", "and then", ", then", '"quoted text"']
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MESSAGES = TEXT | st.lists(st.sampled_from(FRAGMENTS) | TEXT, max_size=14).map(" ".join)

SCHEMAS: list[dict[str, Any]] = [
    {},
    {"type": "string"},
    {"type": "string", "maxLength": 3},
    {"type": "integer", "minimum": 1, "maximum": 9},
    {"type": "number"},
    {"type": "boolean"},
    {"enum": ["red", "green", 3]},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"type": "array", "items": {"type": "integer"}},
    {"type": ["object", "string"]},
]


@st.composite
def registries(draw: st.DrawFn) -> dict[str, Any]:
    """A registry of a few actions with odd phrases."""
    ids = draw(
        st.lists(st.from_regex(r"[a-z]{1,6}(\.[a-z_]{1,6}){0,2}", fullmatch=True), max_size=4)
    )
    actions = []
    for id in dict.fromkeys(ids):
        properties = draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from(SCHEMAS)))
        pieces = st.sampled_from([*FRAGMENTS, "{a}", "{b}", "{c}", "{d}"])
        phrases = draw(st.lists(st.lists(pieces, max_size=5).map(" ".join), max_size=3))
        required = [name for name in properties if draw(st.booleans())]
        inputs = {"type": "object", "properties": properties, "required": required}
        described = {"id": id, "title": draw(TEXT), "description": "", "phrases": phrases}
        actions.append({**described, "inputs": {**inputs, "additionalProperties": False}})
    return {"components": REGISTRY["components"], "actions": actions}


@given(MESSAGES, registries() | st.just(REGISTRY), st.sampled_from([1, 5, 10]))
def test_only_known_actions_with_fitting_inputs_are_ever_proposed(
    message: str, registry: dict[str, Any], limit: int
) -> None:
    """No message raises; what it proposes is known, fits its schema, and is within the limit."""
    understood = interpret(message, registry, limit, lambda: STATE)
    schemas = {action["id"]: action["inputs"] for action in registry["actions"]}
    if isinstance(understood, Proposal):
        assert 1 <= len(understood.steps) <= limit
        for step in understood.steps:
            assert canonical(step.inputs)
            Draft202012Validator(schemas[step.action]).validate(step.inputs)


@given(MESSAGES, registries() | st.just(REGISTRY), st.sampled_from([1, 5, 10]))
def test_every_suggestion_works(message: str, registry: dict[str, Any], limit: int) -> None:
    """What a clarification suggests, sent as it is, makes a proposal."""
    understood = interpret(message, registry, limit, lambda: STATE)
    if isinstance(understood, Clarification):
        assert len(understood.suggestions) <= 3
        for suggestion in understood.suggestions:
            assert isinstance(interpret(suggestion, registry, limit), Proposal)


# Beyond 2^53 a number's canonical text is that of an integer which is refused, so none is made.
_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15)
_STORABLE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30
)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _STORABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_STORABLE, inner, max_size=3),
    max_leaves=8,
)


@given(_STORABLE.filter(bool), _JSON, st.integers(-(2**53) + 1, 2**53 - 1))
def test_a_step_spelled_out_is_read_back_as_it_was(key: str, value: Any, amount: int) -> None:
    """Steps written as `action.id key=value` have exactly one reading: themselves."""
    steps = (
        Step("memory.remember", {"key": key, "value": value}),
        Step("demo.counter.set", {"value": amount}),
    )
    sentence = "; ".join(step.spelled_out() for step in steps)
    assert interpret(sentence, REGISTRY, 5) == Proposal(steps)
