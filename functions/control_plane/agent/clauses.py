"""Where a message may be parted into steps, and the words around a step that ask politely."""

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.agent.words import Words

_MARKS = frozenset({",", ";", ".", "!", "?", "…"})
_LINKS = frozenset({"and", "then"})


def phrases(text: str) -> list[tuple[str, ...]]:
    """The phrases between the bars of a text, cut into words, longest first."""
    return sorted((tuple(phrase.split()) for phrase in text.split("|")), key=len, reverse=True)


_LEADING = phrases(
    "please|kindly|hey|hello|hi|ok|okay|well|now|so|just|also|next|first|finally|lastly|"
    "afterwards|after that|and|then|can you|could you|would you|will you|can i|may i|"
    "could we|can we|let's|let us|i want to|i want you to|i would like to|i'd like to|"
    "i would like you to|i'd like you to|go ahead and|i need to|i need you to|"
    "you should|we should|you must|we must"
)
_TRAILING = phrases("please|thanks|thank you|thank you very much|many thanks|if you please")
# What may as well belong to a text, as in "remember that the plan is good for now".
_TRAILING_MAYBE = phrases("for me|for us|now|right now|would you|will you|if you can|if you could")
SMALL_WORDS = _LINKS.union(*_LEADING, *_TRAILING, *_TRAILING_MAYBE)
"""The words that part steps or ask politely: none of them is a mistyped one."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Separating words `begin:end`. A strong one always parts steps; a weak one may be a text's."""

    begin: int
    end: int
    strong: bool


def gaps(words: Words) -> list[Gap]:
    """Every run of separating words: `;`, `, then`, `and then` and line ends are strong ones.

    A comma, a full stop, `and` and `then` alone are weak.
    """
    found: list[Gap] = []
    position = 0
    while position < len(words):
        end = position
        while end < len(words) and words[end].key in _MARKS | _LINKS:
            end += 1
        new_line = any(word.starts_line for word in words[position : end + 1])
        if end > position or new_line:
            found.append(Gap(position, end, new_line or _is_strong(words[position:end])))
        position = end + 1
    return found


def _is_strong(words: Words) -> bool:
    keys = [word.key for word in words]
    return ";" in keys or ("then" in keys and len(keys) > 1)


def requests(words: Words) -> Iterator[Words]:
    """A step's words without the polite ones, likeliest first, ending with all of them."""
    whole = without_marks(words)
    seen: set[tuple[int, int]] = set()
    for begin in dict.fromkeys((_end_of_leading(whole), 0)):
        bare = whole[begin:]
        for polite in (_TRAILING, [], _TRAILING + _TRAILING_MAYBE):
            request = _without_trailing(bare, polite)
            if (begin, len(request)) not in seen:
                seen.add((begin, len(request)))
                yield request


def without_marks(words: Words) -> Words:
    """The words without punctuation marks at their ends."""
    begin, end = 0, len(words)
    while begin < end and words[begin].key in _MARKS:
        begin += 1
    while begin < end and words[end - 1].key in _MARKS:
        end -= 1
    return words[begin:end]


def _end_of_leading(words: Words) -> int:
    begin = 0
    while begin < len(words):
        keys = _keys(words[begin : begin + 6])
        length = next((len(phrase) for phrase in _LEADING if keys[: len(phrase)] == phrase), 0)
        if not length and (begin == 0 or words[begin].key not in _MARKS | {":"}):
            break
        begin += length or 1
    return begin


def _without_trailing(words: Words, polite: list[tuple[str, ...]]) -> Words:
    """Words without these phrases at the end, and without any polite phrase after a comma."""
    while words:
        keys = _keys(words[-6:])
        both = (*_TRAILING, *_TRAILING_MAYBE)
        found = [phrase for phrase in both if keys[-len(phrase) :] == phrase]
        after_comma = [
            phrase for phrase in found if keys[-len(phrase) - 1 : -len(phrase)] == (",",)
        ]
        length = max(
            (len(each) for each in found if each in polite or each in after_comma), default=0
        )
        if not length:
            break
        words = without_marks(words[:-length])
    return words


def _keys(words: Words) -> tuple[str, ...]:
    return tuple(word.key for word in words)
