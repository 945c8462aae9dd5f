"""Sentences that do work, to offer where a message didn't."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from control_plane.agent.actions import Action, Misfit
from control_plane.agent.clauses import SMALL_WORDS
from control_plane.agent.reading import Reader
from control_plane.agent.templates import vocabulary_of
from control_plane.agent.values import Schema, kinds
from control_plane.agent.words import ARTICLES, Words, cut

MOST_SUGGESTIONS = 3
# Comparing words costs their lengths multiplied, so only short messages are corrected.
_MOST_WORDS = 40
_LONGEST_WORD = 24
_ALIKE = 0.66  # lets “teh” through

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


def corrected(reader: Reader, text: str, words: Words) -> str | None:
    """The message with mistyped words of phrases put right, if that gives it one reading."""
    if len(words) > _MOST_WORDS:
        return None
    known = sorted(reader.templates.vocabulary | ARTICLES | SMALL_WORDS)
    pieces, position = [], 0
    for word in words:
        if word.key not in known and 3 <= len(word.key) <= _LONGEST_WORD:
            alike = get_close_matches(word.key, known, n=1, cutoff=_ALIKE)
            pieces += [text[position : word.start], *(alike or [text[word.start : word.end]])]
            position = word.end
    sentence = "".join([*pieces, text[position:]]).strip()
    found = reader.readings(sentence, cut(sentence)) if sentence != text.strip() else []
    return sentence if len(found) == 1 else None


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
