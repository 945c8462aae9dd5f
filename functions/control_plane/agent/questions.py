"""Answer the few questions that need no model: what can be asked, and what is the state."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from control_plane.agent.clauses import phrases, requests, without_marks
from control_plane.agent.interpretation import Answer
from control_plane.agent.reading import Reader
from control_plane.agent.suggestions import example_of
from control_plane.agent.words import ARTICLES, Words, without_articles
from control_plane.canonical import canonical
from control_plane.models import Json

type State = Mapping[str, Any]
"""The answer of `GET /v1/projects/{p}/state`: `{"version", "components": {id: state}, …}`."""
type ReadState = Callable[[], State]

_MOST_EXAMPLES = 10
_MOST_FACTS = 5
_LONGEST_VALUE = 300

_HELP = frozenset(
    phrases(
        "help|help me|what can you do|what can i do|what can i say|what can i ask|"
        "what can i ask for|what do you do|what are you able to do|how does this work|"
        "which actions are there|what actions are there|list actions|show actions|commands|"
        "hi|hello"
    )
)
_EVERYTHING = {(), ("state",), ("everything",), ("project",), ("status",), ("components",)}
_ASKING = phrases(
    "what is|what's|whats|what are|what was|show|show me|tell me|tell me about|read|get|"
    "how much is|how high is|how many is|do you remember|what do you remember about|"
    "what do you know about|what do you remember|what do you know|value of|status of|"
    "state of|value in|current|in|now|about"
)


def answer(
    words: Words, reader: Reader, registry: Mapping[str, Any], read_state: ReadState | None
) -> Answer | None:
    """The answer to a question about what can be asked or about the state; None for any other.

    `read_state` is called only for a question about the state.
    """
    asked = without_articles(next(requests(words), ()))
    if not _HELP.isdisjoint({asked, without_articles(without_marks(words))}):
        return Answer(_what_can_be_asked(reader))
    subject = _subject(asked)
    if subject == asked or read_state is None:
        return None
    facts = list(_facts(subject, registry, read_state()))
    return Answer(" ".join(facts[:_MOST_FACTS])) if facts else None


def _what_can_be_asked(reader: Reader) -> str:
    found = [example for action in reader.actions if (example := example_of(reader, action))]
    if not found:
        return "There is no action here that you may ask for."
    sentences = ", ".join(f"“{sentence}”" for sentence in found[:_MOST_EXAMPLES])
    return f"You can say, for example: {sentences}. I only propose; you confirm."


def _subject(asked: tuple[str, ...]) -> tuple[str, ...]:
    """What a question is about: its words without the asking ones at its beginning."""
    while found := next((each for each in _ASKING if asked[: len(each)] == each), None):
        asked = asked[len(found) :]
    return asked


def _facts(subject: tuple[str, ...], registry: Mapping[str, Any], state: State) -> Iterator[str]:
    declared = {each["id"]: each for each in registry["components"]}
    for id, value in state["components"].items():
        component = declared.get(id, {})
        title, labels = component.get("title", id), _labels(component)
        if subject in _EVERYTHING or subject in _names(id, title):
            yield _told(title, _only_member(value, labels), labels, state["version"])
        elif isinstance(value, dict):
            for key, item in value.items():
                label = labels.get(key, str(key))
                if subject in _names(str(key), label):
                    yield f"{title}: {label} is {_shown(item)}."


def _labels(component: Mapping[str, Any]) -> Mapping[str, str]:
    """What the declared members of a state go by; keys of somebody's own choice aren't in it."""
    members = component.get("schema", {}).get("properties", {})
    return {key: schema.get("title", key) for key, schema in members.items()}


def _told(title: str, value: Json, labels: Mapping[str, str], version: int) -> str:
    """A state in words: a value by itself, an object by its members."""
    if not isinstance(value, dict) or not value:
        return f"{title} is {_shown(value) if value != {} else 'empty'} at version {version}."
    members = "; ".join(f"{labels.get(key, key)} is {_shown(item)}" for key, item in value.items())
    return f"{title} at version {version}: {_cut(members)}."


def _only_member(value: Json, labels: Mapping[str, str]) -> Json:
    """The one member of a state that is declared to have one; any other state whole."""
    alone = len(labels) == 1 and isinstance(value, dict) and value.keys() == labels.keys()
    return value[next(iter(labels))] if alone else value


def _names(*names: str) -> set[tuple[str, ...]]:
    parts = {*names, *(name.rpartition(".")[2] for name in names)}
    return {tuple(key for key in name.lower().split() if key not in ARTICLES) for name in parts}


def _shown(value: Json) -> str:
    return _cut(value if isinstance(value, str) else canonical(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
