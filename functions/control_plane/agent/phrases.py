"""The deterministic interpreter: messages are read by the actions' declared example phrases.

A message is understood only if it has exactly one reading; everything else is asked back. It
costs time linear in the message's length and never calls anything but `read_state`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from control_plane.agent.actions import read_actions
from control_plane.agent.interpretation import (
    Clarification,
    Interpretation,
    propose,
    spelled_out,
)
from control_plane.agent.questions import ReadState, answer
from control_plane.agent.reading import Reader, Reading
from control_plane.agent.suggestions import MOST_SUGGESTIONS, corrected, examples, is_negated
from control_plane.agent.words import Words, cut, source

NAME = "example phrases"
LONGEST_MESSAGE = 4_000  # characters


def interpret(
    message: str,
    registry: Mapping[str, Any],
    limit: int,
    read_state: ReadState | None = None,
) -> Interpretation:
    """What a message asks for, by the phrases in the answer of `GET …/registry`.

    `limit` is the most steps that the mode allows. Every proposed step names an action of the
    registry and fits its JSON Schema; whether it is allowed is not checked here. Raises nothing
    of its own; `read_state` may.
    """
    reader = Reader(read_actions(registry))
    understood = _understood(reader, message, registry, limit, read_state)
    if isinstance(understood, Clarification):
        return _with_working_suggestions(reader, understood, limit)
    return understood


def _understood(
    reader: Reader,
    message: str,
    registry: Mapping[str, Any],
    limit: int,
    read_state: ReadState | None,
) -> Interpretation:
    if fault := _unreadable(message):
        return Clarification(fault, examples(reader))
    words = cut(message)
    readings = reader.readings(message, words)
    if len(readings) > 1:
        return _ambiguous(reader, readings)
    if readings:
        return propose(readings[0], limit)
    found = answer(words, reader, registry, read_state)
    return found or _not_understood(reader, message, words)


def _unreadable(message: str) -> str | None:
    if len(message) > LONGEST_MESSAGE:
        return f"That is too long to read: write at most {LONGEST_MESSAGE:,} characters."
    if "\x00" in message or any("\ud800" <= character <= "\udfff" for character in message):
        return "That holds characters that can't be stored (U+0000 or half a surrogate pair)."
    return None


def _ambiguous(reader: Reader, readings: Sequence[Reading]) -> Clarification:
    sentences = [spelled_out(steps) for steps in readings]
    titles = {action.id: action.title for action in reader.actions}
    ways = [" then ".join(f"“{titles[step.action]}”" for step in steps) for steps in readings]
    listed = "; ".join(f"{number}. {way}" for number, way in enumerate(ways, start=1))
    message = (
        f"That can be read in more than one way: {listed}. "
        "Say which; a text with “and” or a comma in it is clearer in quotes."
    )
    return Clarification(message, tuple(sentences))


def _not_understood(reader: Reader, text: str, words: Words) -> Clarification:
    part = reader.unread(text, words)
    misfit = max(reader.misfits, key=lambda each: reader.misfits[each], default=None)
    message = misfit or _unread(source(text, part))
    suggestion = corrected(reader, text, words)
    offered = [suggestion] if suggestion else []
    if suggestion:
        message = f"Did you mean “{suggestion}”?"
    # What is nearest to “don't reset” is the reset.
    near = () if is_negated(text) else words
    return Clarification(message, (*offered, *examples(reader, near)))


def _unread(part: str) -> str:
    if not part:
        return "Say what to do."
    shown = part if len(part) <= 80 else part[:80] + "…"
    return (
        f"I don't understand “{shown}” as an action of this project. "
        "If it belongs to a text, put that text in quotes."
    )


def _with_working_suggestions(reader: Reader, question: Clarification, limit: int) -> Clarification:
    """The question with only those suggestions that, sent as they are, make a proposal."""
    working = (
        sentence
        for sentence in dict.fromkeys(question.suggestions)
        if len(sentence) <= LONGEST_MESSAGE and _has_one_reading(reader, sentence, limit)
    )
    return Clarification(question.message, tuple(working)[:MOST_SUGGESTIONS])


def _has_one_reading(reader: Reader, sentence: str, limit: int) -> bool:
    readings = reader.readings(sentence, cut(sentence))
    return len(readings) == 1 and len(readings[0]) <= limit
