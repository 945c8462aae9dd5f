"""Sentences that do work, to offer where a message didn't."""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, takewhile

from control_plane.agent.actions import Action, Misfit
from control_plane.agent.clauses import SMALL_WORDS
from control_plane.agent.reading import Reader
from control_plane.agent.templates import vocabulary_of
from control_plane.agent.values import Schema, kinds
from control_plane.agent.words import ARTICLES, Words, cut

MOST_SUGGESTIONS = 3
# Comparing words costs their lengths multiplied, so only short messages are corrected.
_MOST_WORDS = 40
_SHORTEST_WORD = 5  # in a shorter word one letter makes too much of a difference
_LONGEST_WORD = 24

_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|nobody|neither|nor|cannot|without|unless|except|instead|"
    r"avoid|refrain|forbid|forbidden|[a-z]+n['’]t|"
    r"(?:ai|are|ca|could|did|do|does|had|has|have|is|must|need|should|was|were|wo|would)nt)\b",
    re.IGNORECASE,
)
# Words that mean what they say, however near to a word of a phrase.
_USUAL_WORDS = """
about after attach block change charge clear clock close count create deploy detach eight
empty erase export extend first force grant group import least leave limit lower other point
reboot record reduce refuse reject relay release reload remote remove repay repeat replay
reserve resize restart restate restore resume retain retire retry return revert revoke right
seven share shift should sleep spend split start state store there these thing think third
those three touch trace track under unload unlock unset until upload where which while would
"""
_NEVER_MISTYPED = frozenset(_USUAL_WORDS.split())

_SAMPLES = {
    "integer": ("5", "1", "0", "10", "100"),
    "number": ("2.5", "1", "0", "10", "100"),
    "boolean": ("true",),
    "string": ("blue", "a", "example"),
    "null": ("null",),
    "object": ("{}",),
    "array": ("[]", '["blue"]', "[5]"),
}
_SAMPLES_BY_NAME = {"key": ("colour",), "name": ("Ada",)}


def examples(reader: Reader, words: Words = ()) -> tuple[str, ...]:
    """Up to three sentences with one reading each, those nearest to the words first."""
    keys = {word.key for word in words} - ARTICLES
    ranked = sorted(
        reader.actions, key=lambda action: len(keys & vocabulary_of(action)), reverse=True
    )
    found = (example for action in ranked if (example := example_of(reader, action)))
    return tuple(islice(found, MOST_SUGGESTIONS))


def example_of(reader: Reader, action: Action) -> str | None:
    """One sentence that asks for this action and nothing else, filled with plausible values."""
    for phrase in (*action.phrases, _spelled_out(action)):
        sentence = _filled(action, phrase)
        if sentence is None:
            continue
        readings = reader.readings(sentence, cut(sentence))
        if len(readings) == 1 and [step.action for step in readings[0]] == [action.id]:
            return sentence
    return None


def is_negated(text: str) -> bool:
    """Whether a message holds a word such as “not”, and so may say what not to do."""
    return _NEGATION.search(text) is not None


def corrected(reader: Reader, text: str, words: Words) -> str | None:
    """The message with mistyped words of phrases put right, if that gives it one reading.

    None for a message that says what not to do: put right, it could ask for just that.
    """
    if len(words) > _MOST_WORDS or is_negated(text):
        return None
    known = reader.templates.vocabulary | ARTICLES | SMALL_WORDS
    pieces, position = [], 0
    for word in words:
        if meant := _meant(word.key, known):
            pieces += [text[position : word.start], meant]
            position = word.end
    sentence = "".join([*pieces, text[position:]]).strip()
    found = reader.readings(sentence, cut(sentence)) if sentence != text.strip() else []
    return sentence if len(found) == 1 else None


def _meant(written: str, known: Collection[str]) -> str | None:
    """The one known word that somebody who wrote this can have meant; None for a word as it is."""
    if written in known or written in _NEVER_MISTYPED:
        return None
    if not _SHORTEST_WORD <= len(written) <= _LONGEST_WORD:
        return None
    alike = [word for word in known if word[:1] == written[0] and _is_one_slip(written, word)]
    return alike[0] if len(alike) == 1 else None


def _is_one_slip(written: str, meant: str) -> bool:
    """Whether one letter is missing, added or another, or two neighbours stand the wrong way."""
    begin = _shared(written, meant)
    one, other = written[begin:], meant[begin:]
    end = _shared(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    return max(len(one), len(other)) == 1 or (len(one) == 2 and one == other[::-1])


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _spelled_out(action: Action) -> str:
    return " ".join([action.id, *(f"{name}={{{name}}}" for name in action.required)])


def _filled(action: Action, phrase: str) -> str | None:
    for name, schema in action.properties.items():
        if f"{{{name}}}" in phrase:
            sample = next(_samples(action, name, schema), None)
            if sample is None:
                return None
            phrase = phrase.replace(f"{{{name}}}", sample)
    return phrase


def _samples(action: Action, name: str, schema: Schema) -> Iterator[str]:
    """Words for one input that its schema accepts."""
    allowed = kinds(schema, action.inputs) or {"string"}
    declared: Sequence[object] = [*schema.get("examples", ()), *schema.get("enum", ())]
    bounds = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    usual = [sample for kind, samples in _SAMPLES.items() if kind in allowed for sample in samples]
    for sample in (*declared, *_SAMPLES_BY_NAME.get(name, ()), *usual, *bounds):
        try:
            action.read(name, str(sample))
        except Misfit:
            continue
        yield str(sample)
