"""Cut a message into words that remember where they stood, in time linear in its length."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

type Words = Sequence["Word"]

_NOT_SPACE = re.compile(r"\S")
_PLAIN = re.compile(r"=|[^\s=]+")
_PUNCTUATION = ",;:.!?…"
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}
_DECODER = json.JSONDecoder()
# An opening bracket that never closes is looked at to the message's end, so only so many are.
_UNCLOSED_BRACKETS = 8

ARTICLES = frozenset({"the", "a", "an"})


@dataclass(frozen=True, slots=True)
class Word:
    """A word, punctuation mark, quotation or JSON value: `key` to compare by, place in the text."""

    key: str
    start: int
    end: int
    starts_line: bool = False


def cut(text: str) -> list[Word]:
    """The words of a text; quotations, JSON objects and arrays stay whole.

    `=` and punctuation before a space are words of their own.
    """
    words: list[Word] = []
    position, unclosed = 0, 0
    while found := _NOT_SPACE.search(text, position):
        start = found.start()
        end = _end_of_quotation(text, start)
        if end is None and text[start] in "{[" and unclosed < _UNCLOSED_BRACKETS:
            end = _end_of_json(text, start)
            unclosed += end is None
        fresh_line = "\n" in text[position:start]
        spans = [(start, end)] if end else _plain_spans(text, start)
        for index, (first, last) in enumerate(spans):
            words.append(Word(_key(text[first:last]), first, last, fresh_line and index == 0))
        position = spans[-1][1]
    return words


def source(text: str, words: Words) -> str:
    """The piece of the text from which these words were cut, as it was written."""
    return text[words[0].start : words[-1].end] if words else ""


def is_quotation(text: str, word: Word) -> bool:
    """Whether the word, as written in the text, is a whole quotation."""
    written = text[word.start : word.end]
    return unquoted(written) != written


def unquoted(text: str) -> str:
    """A text without the one pair of quotes around it; other quotes stay."""
    closing = _QUOTES.get(text[:1])
    whole = closing is not None and text.find(closing, 1) == len(text) - 1
    return text[1:-1] if whole and len(text) > 1 else text


def without_articles(words: Words) -> tuple[str, ...]:
    """The words' keys, articles left out."""
    return tuple(word.key for word in words if word.key not in ARTICLES)


def _key(written: str) -> str:
    return written.lower().replace("’", "'")


def _end_of_quotation(text: str, start: int) -> int | None:
    closing = _QUOTES.get(text[start])
    if closing is None:
        return None
    end = _end_of_json(text, start) if text[start] == '"' else None
    if end is None:
        end = text.find(closing, start + 1) + 1
    return end if end and _is_boundary(text, end) else None


def _end_of_json(text: str, start: int) -> int | None:
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return end if _is_boundary(text, end) else None


def _is_boundary(text: str, end: int) -> bool:
    if text[end : end + 1] == ":":  # as in `"a":1`, which goes on
        return _is_last(text, end + 1)
    return _is_last(text, end) or text[end] in _PUNCTUATION + "="


def _plain_spans(text: str, start: int) -> list[tuple[int, int]]:
    found = _PLAIN.match(text, start)
    assert found is not None  # noqa: S101  # start is not a space, so one of both branches matches
    written = found.group()
    bare = len(written.rstrip(_PUNCTUATION)) if _is_last(text, found.end()) else len(written)
    spans = [(start, start + bare)] if bare else []
    return spans + [(start + at, start + at + 1) for at in range(bare, len(written))]


def _is_last(text: str, end: int) -> bool:
    return end == len(text) or text[end].isspace()
