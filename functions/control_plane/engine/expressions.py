"""Conditions in CEL, bounded before they run: an evaluation can't be interrupted.

CEL promises an end, not a soon one, and this implementation (common-expression-language 0.10)
copies what `.field` selects, what `+` joins, and for each item that `filter` keeps all it has kept.
So an expression is refused for its form, or fails for the work that it would be on this data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

import orjson

from control_plane.canonical import MAX_DEPTH
from control_plane.engine.expression_form import (
    TYPES,
    VARIABLES,
    ExpressionRefused,
    Form,
    Loop,
    Path,
    Steps,
    pairs_of,
    tokens_of,
)
from control_plane.engine.expression_parts import Selection, part, selections_of, tree_of
from control_plane.models import Json

__all__ = ["Expression", "ExpressionFailed", "ExpressionRefused", "Scope", "compile_expression"]

MAX_CHARACTERS = 1_000
MAX_UNITS = 300_000
"""What one scope hands over: a value is a unit, and so are 16 characters. It takes about 50 ms."""
MAX_WORK = 1_000_000
"""Units touched by one evaluation, each in at most 100 ns."""
_PLAIN = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_PATTERN_WORK = 8_000
"""A pattern is compiled each time that it is asked."""


class ExpressionFailed(Exception):
    """The expression has no answer for this data: whoever asked denies."""


_SAID: dict[type[Exception], str] = {
    ExpressionRefused: "Correct it, it is no CEL expression",
    ExpressionFailed: "The expression has no answer for this data",
}


class Scope:
    """What the expressions of one decision see, converted once and only as far as they need it.

    All values are plain JSON: `state` maps component ids to states and is asked only for the ids
    that expressions name; `usage` is an object too; `now` is RFC 3339 text with an offset. Nothing
    may change while the scope is in use, nor may two threads use it. No rights are checked here.
    `sizes` tells how many bytes of canonical JSON a component's state is, where that is known and
    the state was checked for its depth: then it isn't walked through to find out that it is small.
    """

    def __init__(
        self,
        state: Mapping[str, Json],
        now: str,
        *,
        sizes: Callable[[str], int] | None = None,
        **variables: Json,
    ) -> None:
        self._state = state
        self._sizes = sizes
        self._ceiling = MAX_UNITS
        self._held: dict[str, Json] = {}
        self._read: frozenset[Selection] = frozenset()
        self._values: dict[str, Json] = {**variables, "now": now}
        self._units: dict[int, int] = {}
        self._followed: dict[Any, tuple[int, int, int, int]] = {}
        self._context: Any = None

    def prepare(self, *expressions: "Expression") -> None:
        """Convert at once what several expressions need. Raises ExpressionFailed if it can't be."""
        read = self._read.union(*[each.selections for each in expressions])
        if self._context is None or read != self._read:
            _guarded(
                ExpressionFailed, self._prepare, read, [each.components for each in expressions]
            )

    def _prepare(self, read: frozenset[Selection], named: list[frozenset[str] | None]) -> None:
        wanted = set(self._state) if None in named else frozenset().union(*filter(None, named))
        new = {id: self._state[id] for id in wanted if id not in self._held and id in self._state}
        held = {**self._held, **new}
        values = {**self._values, "state": held}
        self._ceiling = self._at_most(held)
        if self._ceiling > MAX_UNITS:
            self._ceiling = self.units(list(values.values()), keep=False)
        if self._ceiling > MAX_UNITS:
            raise ExpressionFailed("The expression needs too much data; name fewer components.")
        now = datetime.fromisoformat(values["now"])
        if now.tzinfo is None:
            raise ExpressionFailed("The time has no offset from UTC.")
        self._context = _cel().Context(part({**values, "now": now}, tree_of(read)))
        self._held, self._read, self._followed = held, read, {}

    def _at_most(self, held: Mapping[str, Json]) -> int:
        """More units than everything together has: a byte of JSON holds one at the most."""
        if self._sizes is None:
            return self.units([*self._values.values(), dict(held)], keep=False)
        try:
            text = orjson.dumps(self._values, option=_PLAIN)
        except orjson.JSONEncodeError:
            text = b""
        if not text or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            variables = self.units(list(self._values.values()), keep=False)
        else:
            variables = len(text)
        return variables + sum(len(id) + self._sizes(id) for id in held)

    def surely_cheap(self, form: Form) -> bool:
        """Whether no evaluation of this could be too much work, without looking at the data."""
        if form.most_copies is None:
            return False
        return len(form.tokens) + form.most_copies * self._ceiling <= MAX_WORK

    def units(self, value: Json, levels: int = MAX_DEPTH + 2, *, keep: bool = True) -> int:
        """How much a value holds. Nested too deep, it would crash the library: it fails."""
        if isinstance(value, str):
            return 1 + len(value) // 16
        if value is None or isinstance(value, int | float):
            return 1
        if not isinstance(value, dict | list):
            raise ExpressionFailed("The data is not plain JSON.")
        if levels == 0:
            raise ExpressionFailed(f"The data is nested deeper than {MAX_DEPTH} levels.")
        if id(value) in self._units:
            return self._units[id(value)]
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        units = 1 + sum(self.units(part, levels - 1, keep=False) for part in parts)
        if keep:
            self._units[id(value)] = units
        return units

    def follow(self, path: Path) -> tuple[int, int, int, int]:
        """Of a variable's path: units copied on the way, items, units, and the largest item's."""
        key = (path.root, path.steps)
        if key not in self._followed:
            value = self._held if path.root == "state" else self._values.get(path.root)
            self._followed[key] = self._follow(value, path.steps)
        return self._followed[key]

    def _follow(self, value: Json, steps: Steps) -> tuple[int, int, int, int]:
        copied, known = 0, True
        for dotted, key in steps:
            try:
                value = value[key] if known and key is not None else value
            except (KeyError, IndexError, TypeError):
                return copied, 0, 0, 0
            known = known and key is not None
            copied += self.units(value) if dotted else 0
        units = self.units(value)
        if not known or not isinstance(value, dict | list):
            return copied, units, units, units
        return copied, len(value), units, self._largest(value)

    def _largest(self, value: dict[str, Json] | list[Json]) -> int:
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        return max((self.units(part, keep=False) for part in parts), default=0)

    def run(self, program: Any) -> Any:
        """The library's answer."""
        return program.execute(self._context)


class _Run(NamedTuple):
    """At most: turns in all, units of the items in all, turns of one entry, units of one item."""

    turns: int
    total: int
    longest: int
    largest: int


def _work(form: Form, scope: Scope) -> int:
    """At most so many units are touched by an evaluation, however it goes."""
    runs: dict[Loop | None, _Run] = {None: _Run(1, 0, 1, 0)}
    work = len(form.tokens) + _PATTERN_WORK * form.tokens.count("matches")
    for loop in form.loops:
        runs[loop] = run = _run(form, loop, runs, scope)
        body = form.tokens[loop.bound : loop.end]
        work += run.turns * (4 + len(body) + _PATTERN_WORK * body.count("matches")) + run.total
        work += run.total * run.longest if loop.name == "filter" else 0
    return work + form.copies * sum(_touched(path, runs, scope) for path in form.paths)


def _run(form: Form, loop: Loop, runs: dict[Loop | None, _Run], scope: Scope) -> _Run:
    """How often a loop's body may run. All items of all items are no more than the outer total."""
    outer, written = runs[loop.outer], loop.dot - loop.first
    turns = total = outer.turns * written
    longest, largest = written, 1
    for path in form.paths:
        if not loop.first <= path.place < loop.dot or path.loop != loop.outer:
            continue
        if path.owner is not None:
            items = most = runs[path.owner].largest
            turns, total = turns + runs[path.owner].total, total + runs[path.owner].total
        else:
            _, items, units, most = scope.follow(path)
            turns, total = turns + outer.turns * items, total + outer.turns * units
        longest, largest = longest + items, max(largest, most)
    return _Run(turns, total, longest, largest)


def _touched(path: Path, runs: dict[Loop | None, _Run], scope: Scope) -> int:
    if path.owner is None:
        copied, _, units, _ = scope.follow(path)
        return runs[path.loop].turns * (copied or units)
    inner = runs[path.loop].longest if path.loop != path.owner else 1
    return runs[path.owner].total * inner * max(1, len(path.steps))


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    `components` holds the ids that it names literally, as `state["id"]`; it is None where `state`
    is used in any other way: then all are needed. `selections` tell more closely what it reads.
    """

    text: str
    components: frozenset[str] | None
    selections: frozenset[Selection]
    _form: Form = field(repr=False, compare=False)
    _program: Any = field(repr=False, compare=False)

    def reads(self, variable: str) -> bool:
        """Whether it mentions a variable, such as `inputs`."""
        return any(path.root == variable for path in self._form.paths)

    def evaluate(self, scope: Scope) -> bool:
        """The answer. Raises ExpressionFailed on any error and where it is no bool.

        As CEL defines it, `||` and `&&` overlook an error on one side where the other decides.
        """
        answer = _guarded(ExpressionFailed, self._answer, scope)
        if not isinstance(answer, bool):
            raise ExpressionFailed(f"The expression gives {type(answer).__name__}, not bool.")
        return answer

    def _answer(self, scope: Scope) -> Any:
        scope.prepare(self)
        if not scope.surely_cheap(self._form) and _work(self._form, scope) > MAX_WORK:
            raise ExpressionFailed("The expression is too much work for this much data.")
        return scope.run(self._program)


@lru_cache(maxsize=1_024)
def compile_expression(text: str) -> Expression:
    """The expression that a text says. Raises ExpressionRefused, whose sentence says what to do."""
    if len(text) > MAX_CHARACTERS:
        raise ExpressionRefused(f"Say it in at most {MAX_CHARACTERS:,} characters.")
    tokens = tokens_of(text)
    pairs = pairs_of(tokens)
    program = _guarded(ExpressionRefused, lambda: _cel().compile(text))
    form = Form(tokens, pairs)
    bound = {form.tokens[loop.bound] for loop in form.loops}
    if not {*program.variables()} <= VARIABLES | TYPES | bound:
        raise ExpressionRefused(f"Use no other names than {', '.join(sorted(VARIABLES))}.")
    return Expression(text, form.components(), selections_of(form), form, program)


def _guarded(refusal: type[Exception], call: Callable[..., Any], *arguments: Any) -> Any:
    """The call's answer; every error becomes `refusal`, and so does a panic of the library."""
    try:
        return call(*arguments)
    except (ExpressionRefused, ExpressionFailed):
        raise
    except Exception as error:
        raise refusal(f"{_SAID[refusal]}: {str(error)[:200]}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise refusal(f"{_SAID[refusal]}: it breaks the library.") from error


def _cel() -> ModuleType:
    """The library, imported when the first expression is compiled: it stays off the cold path."""
    from control_plane.engine import cel_extension

    return cel_extension
