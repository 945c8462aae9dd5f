"""What an expression's text says about the work that it will be; what has no bound is refused.

Reads tokens, not a tree: only texts that the library has parsed come as far as `Form`.
"""

import re
from itertools import pairwise
from typing import NamedTuple

MAX_NESTING, MAX_LOOPS, MAX_LITERAL, MAX_PATTERN = 32, 2, 100, 50

VARIABLES = frozenset({"state", "inputs", "principal", "action", "project", "usage", "now"})
TYPES = frozenset({"int", "uint", "double", "string", "bool", "list", "map", "null_type"})
_WORDS = frozenset({"true", "false", "null", "in"})
_LOOPS = frozenset({"all", "exists", "exists_one", "filter"})
_TIMES = "FullYear Month Date DayOfMonth DayOfWeek DayOfYear Hours Minutes Seconds Milliseconds"
_METHODS = {*_LOOPS, "size", "contains", "startsWith", "endsWith", "matches"}
_METHODS |= {f"get{part}" for part in _TIMES.split()}
_FUNCTIONS = {"size", "has", "type", "int", "uint", "double", "string", "timestamp", "duration"}
_TOKEN = re.compile(
    r"""\s+|([rR]"[^"\n\r]*"|[rR]'[^'\n\r]*'|"(?:\\.|[^\\"\n\r])*"|'(?:\\.|[^\\'\n\r])*'
    |0[xX][0-9a-fA-F]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?|[A-Za-z_]\w*
    |&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.ASCII,
)
_LITERAL = re.compile(r"""[rR]["'](.*)["']|["']([^\\]*)["']""")


type Steps = tuple[tuple[bool, str | int | None], ...]


class ExpressionRefused(ValueError):
    """The text is no expression that may run; the sentence says what to do."""


class Loop(NamedTuple):
    """`range.name(bound, body)`: where its range, its dot, its bound name and its end are."""

    name: str
    first: int
    dot: int
    bound: int
    end: int
    outer: "Loop | None"


class Path(NamedTuple):
    """A name and the `(is a field, key)` selected from it; a key that only data knows is None."""

    place: int
    root: str
    steps: Steps
    loop: Loop | None  # the innermost one whose body holds it
    owner: Loop | None  # the one that binds the root; None for a variable of the scope


def tokens_of(text: str) -> list[str]:
    """The tokens of a text. Refuses what this reader and the library might read differently."""
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionRefused(f"Remove what stands at character {at + 1}: it has no meaning.")
        at = match.end()
        if match[1]:
            tokens.append(match[1])
    for left, right in pairwise(tokens):
        if left[-1] in "\"'" and right[0] in "\"'":
            raise ExpressionRefused("Write a text in one pair of quotes, not in three.")
        if left == right == "/":
            raise ExpressionRefused("Leave comments out.")
        if left.isidentifier() and left not in _WORDS and right == "{":
            raise ExpressionRefused("Write a map without a type's name before it.")
    return tokens


def pairs_of(tokens: list[str]) -> dict[int, int]:
    """Each bracket's place with its other's, both ways."""
    pairs: dict[int, int] = {}
    open: list[list[int]] = []
    for place, sign in enumerate(tokens):
        if sign in ("(", "[", "{"):
            open.append([place, 0])
        elif sign in (")", "]", "}") and open:
            first, _ = open.pop()
            pairs |= {first: place, place: first}
        elif sign == "," and open:
            open[-1][1] += 1
        if len(open) > MAX_NESTING:
            raise ExpressionRefused(f"Nest at most {MAX_NESTING} brackets.")
        if open and open[-1][1] >= MAX_LITERAL:
            raise ExpressionRefused(f"List at most {MAX_LITERAL} values.")
    return pairs


class Form:
    """The loops and paths of a well-formed expression, and how often it may copy a value."""

    def __init__(self, tokens: list[str], pairs: dict[int, int]) -> None:
        self.tokens, self._pairs = [*tokens, "", ""], pairs
        self.loops: list[Loop] = []
        self.paths: list[Path] = []
        for place in range(len(tokens)):
            self._read(place)
        fields = sum(sign == "." and self.tokens[i + 2] != "(" for i, sign in enumerate(tokens))
        if fields != sum(dotted for path in self.paths for dotted, _ in path.steps):
            raise ExpressionRefused("Select a field from a name, not from brackets or a call.")
        self.copies = 1 + tokens.count("+") + sum(map(self._copies, range(len(tokens))))
        self.most_copies = self._most_copies()

    def _most_copies(self) -> int | None:
        """How often everything is copied at the most; None where a loop or a pattern runs."""
        if self.loops or "matches" in self.tokens:
            return None
        return self.copies * sum(max(1, len(path.steps)) for path in self.paths)

    def components(self) -> frozenset[str] | None:
        """The components named literally, or None where all are needed."""
        keys = {path.steps[:1] for path in self.paths if path.root == "state"}
        named = {step[0][1] for step in keys if step and not step[0][0]}
        found = frozenset(key for key in named if isinstance(key, str))
        return found if len(found) == len(keys) else None

    def _copies(self, place: int) -> bool:
        """Whether a list or map is written here that names a variable."""
        if self.tokens[place] not in "[{" or self._closed(place - 1):
            return False
        return any(place < path.place < self._pairs[place] for path in self.paths)

    def _closed(self, place: int) -> bool:
        """Whether a value ends here, so that a bracket behind it belongs to it."""
        word = self.tokens[place]
        return word[-1:] in tuple(")]}\"'") or (word not in _WORDS and word.isidentifier())

    def _read(self, place: int) -> None:
        word, field = self.tokens[place], self.tokens[place - 1] == "."
        if not word.isidentifier() or word in _WORDS:
            return
        if self.tokens[place + 1] == "(":
            if word not in (_METHODS if field else _FUNCTIONS):
                raise ExpressionRefused(f"There is no {word}() here; say it with other words.")
            if word == "matches":
                _check_pattern(self.tokens[place + 2 : self._pairs[place + 1]])
            elif word in _LOOPS:
                self._open(place)
        elif not field and all(loop.bound != place for loop in self.loops):
            self._name(place)

    def _around(self, place: int) -> list[Loop]:
        """The loops whose body holds a place, the outermost first."""
        return [loop for loop in self.loops if loop.bound < place < loop.end]

    def _open(self, place: int) -> None:
        around, bound = self._around(place), self.tokens[place + 2]
        if len(around) == MAX_LOOPS:
            raise ExpressionRefused(f"Nest at most {MAX_LOOPS} loops.")
        if bound in VARIABLES | TYPES or bound in [self.tokens[loop.bound] for loop in around]:
            raise ExpressionRefused(f"Give the items another name than {bound}, which is taken.")
        first = self._first(place - 1)
        outer = around[-1] if around else None
        end = self._pairs[place + 1]
        self.loops.append(Loop(self.tokens[place], first, place - 1, place + 2, end, outer))

    def _first(self, end: int) -> int:
        """Where the value begins whose last token is before `end`."""
        while True:
            end = self._pairs.get(end - 1, end - 1)
            if self.tokens[end] in ("(", "[") and self._closed(end - 1):
                continue
            if self.tokens[end - 1] != ".":
                return end
            end -= 1

    def _name(self, place: int) -> None:
        root, around = self.tokens[place], self._around(place)
        owner = next((loop for loop in around if self.tokens[loop.bound] == root), None)
        if root in TYPES:
            return
        if owner is None and root not in VARIABLES:
            raise ExpressionRefused(f"Nothing is named {root}; use {', '.join(sorted(VARIABLES))}.")
        inner = around[-1] if around else None
        self.paths.append(Path(place, root, self._steps(place + 1), inner, owner))

    def _steps(self, place: int) -> Steps:
        steps: list[tuple[bool, str | int | None]] = []
        while self.tokens[place] in (".", "["):
            if self.tokens[place] == "[":
                end = self._pairs[place]
                steps.append((False, _key(self.tokens[place + 1 : end])))
                place = end + 1
            elif self.tokens[place + 2] == "(":
                break
            else:
                steps.append((True, self.tokens[place + 1]))
                place += 2
        return tuple(steps)


def _key(tokens: list[str]) -> str | int | None:
    """The key that stands literally between two brackets, if one does."""
    if len(tokens) != 1:
        return None
    text = _LITERAL.fullmatch(tokens[0])
    if text is not None:
        return text[1] if text[1] is not None else text[2]
    return int(tokens[0]) if tokens[0].isdecimal() else None


def _check_pattern(tokens: list[str]) -> None:
    r"""Keep compiling a pattern cheap: `(\w{100}){10}` takes 65 ms, `\w` is 700 ranges long."""
    pattern = _key([token.replace("\\\\", "/") for token in tokens])
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise ExpressionRefused(f"Match a literal pattern of at most {MAX_PATTERN} characters.")
    if "{" in pattern or re.search(r"[\\/][^\W_ds]", pattern):
        raise ExpressionRefused(r"Use no {}, and of classes only \d, \s and [], in a pattern.")
