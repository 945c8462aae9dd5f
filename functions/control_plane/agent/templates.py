"""Phrases such as `add {amount} to the counter`, matched against words without backtracking."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from control_plane.agent.actions import Action
from control_plane.agent.words import ARTICLES, Words, cut, without_articles

_SLOT = re.compile(r"\{(\w+)\}")
_PREPOSITIONS = ("", " to", " by")


@dataclass(frozen=True, slots=True)
class Template:
    """A phrase of an action, cut at its slots: always one more run of words than slots.

    Articles are optional everywhere, so none stands in `runs`; `articled` tells which slots have
    one before them, which is then no part of what is said.
    """

    action: Action
    runs: tuple[tuple[str, ...], ...]
    slots: tuple[str, ...]
    articled: tuple[bool, ...]
    declared: bool

    @property
    def weight(self) -> tuple[int, bool]:
        """What it outranks others by: its words, then being declared and not derived."""
        return sum(map(len, self.runs)), self.declared

    def match(self, words: Words) -> dict[str, Words] | None:
        """The words in each slot, or None. Every slot but the last takes as few as it can."""
        position = _after(words, 0, self.runs[0])
        captured: dict[str, Words] = {}
        for index, slot in enumerate(self.slots, start=1):
            if position is None:
                return None
            position += self._skipped(words, position, index)
            end, following = self._find(words, position + 1, index)
            captured[slot] = words[position:end]
            position = following
        return captured if position == len(words) else None

    def _skipped(self, words: Words, position: int, index: int) -> int:
        """1 where an article stands before a slot that the phrase itself writes one for."""
        written = self.articled[index - 1] and position + 1 < len(words)
        return int(written and words[position].key in ARTICLES)

    def _find(self, words: Words, earliest: int, index: int) -> tuple[int, int | None]:
        """Where run `index` begins, not before `earliest`, and where it ends (None: nowhere)."""
        run, is_last = self.runs[index], index == len(self.slots)
        if not run and is_last:
            return len(words), len(words) if earliest <= len(words) else None
        for begin in range(earliest, len(words) + 1):
            end = _after(words, begin, run)
            if end is not None and (not is_last or end == len(words)):
                return begin, end
        return len(words), None


def _after(words: Words, position: int, run: Sequence[str]) -> int | None:
    """The place after `run`, if it stands at `position`."""
    for key in run:
        while position < len(words) and words[position].key in ARTICLES:
            position += 1
        if position == len(words) or words[position].key != key:
            return None
        position += 1
    return position


class Templates:
    """All phrases of some actions, found by their first word."""

    def __init__(self, actions: Sequence[Action]) -> None:
        self._by_first: dict[str | None, list[Template]] = {}
        for template in (each for action in actions for each in _templates(action)):
            first = next(iter(template.runs[0]), None)
            self._by_first.setdefault(first, []).append(template)

    def matching(self, words: Words) -> Iterator[tuple[Template, Mapping[str, Words]]]:
        """Each template that fits these words from end to end, with the words in its slots."""
        first = next(iter(without_articles(words[:4])), None)
        for template in [*self._by_first.get(first, ()), *self._by_first.get(None, ())]:
            if (captured := template.match(words)) is not None:
                yield template, captured

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word that stands in a phrase outside its slots."""
        return _vocabulary(chain.from_iterable(self._by_first.values()))


def vocabulary_of(action: Action) -> frozenset[str]:
    """Every word that stands in one of an action's phrases outside its slots."""
    return _vocabulary(_templates(action))


def _vocabulary(templates: Iterable[Template]) -> frozenset[str]:
    return frozenset(key for template in templates for run in template.runs for key in run)


def _templates(action: Action) -> Iterator[Template]:
    for phrase in action.phrases:
        template = _compiled(action, phrase, declared=True)
        if set(template.slots) <= set(action.properties) and any(template.runs):
            yield template
    for phrase in sorted(set(_derived(action))):
        template = _compiled(action, phrase, declared=False)
        if any(template.runs):
            yield template


def _derived(action: Action) -> Iterator[str]:
    """Phrases made of an action's title and id, for at most one input."""
    *path, verb = action.id.replace("_", " ").split(".")
    names = [action.title, verb, f"{verb} {path[-1]}" if path else verb]
    for name in names:
        if not action.required:
            yield name
        if len(action.properties) == 1:
            (slot,) = action.properties
            yield from (f"{name}{preposition} {{{slot}}}" for preposition in _PREPOSITIONS)


def _compiled(action: Action, phrase: str, *, declared: bool) -> Template:
    found = list(_SLOT.finditer(phrase))
    edges = [0, *(edge for slot in found for edge in slot.span()), len(phrase)]
    outside = [phrase[begin:end] for begin, end in list(pairwise(edges))[::2]]
    pieces = [cut(_bare(piece)) for piece in outside]
    runs = tuple(map(without_articles, pieces))
    articled = tuple(bool(piece) and piece[-1].key in ARTICLES for piece in pieces[:-1])
    return Template(action, runs, tuple(slot[1] for slot in found), articled, declared)


def _bare(piece: str) -> str:
    """A piece without final punctuation and without quotes, which belong to what is written."""
    return re.sub('["“”]', " ", piece).rstrip(" .!?")
