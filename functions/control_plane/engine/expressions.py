"""Conditions in CEL, bounded before they run: an evaluation can't be interrupted.

CEL promises an end, not a soon one, and this implementation (common-expression-language 0.10)
copies what `.field` selects, what `+` joins, and for each item that `filter` keeps all it has kept.
So an expression is refused for its form, or fails for the work that it would be on this data.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from control_plane.engine.expression_form import (
    TYPES,
    VARIABLES,
    ExpressionRefused,
    Form,
    Loop,
    Path,
    pairs_of,
    tokens_of,
)
from control_plane.engine.expression_parts import Selection, selections_of
from control_plane.engine.expression_scope import (
    MAX_WORK,
    ExpressionFailed,
    Scope,
    cel,
    guarded,
)

__all__ = ["Expression", "ExpressionFailed", "ExpressionRefused", "Scope", "compile_expression"]

MAX_CHARACTERS = 1_000
_PATTERN_WORK = 8_000
"""A pattern is compiled each time that it is asked."""


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

    def keys(self, variable: str) -> frozenset[str]:
        """The keys that it selects literally from a variable."""
        return frozenset(keys[1] for keys in self.selections if keys[0] == variable and keys[1:])

    def evaluate(self, scope: Scope) -> bool:
        """The answer. Raises ExpressionFailed on any error and where it is no bool.

        As CEL defines it, `||` and `&&` overlook an error on one side where the other decides.
        """
        answer = guarded(ExpressionFailed, self._answer, scope)
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
    program = guarded(ExpressionRefused, lambda: cel().compile(text))
    form = Form(tokens, pairs)
    bound = {form.tokens[loop.bound] for loop in form.loops}
    if not {*program.variables()} <= VARIABLES | TYPES | bound:
        raise ExpressionRefused(f"Use no other names than {', '.join(sorted(VARIABLES))}.")
    return Expression(text, form.components(), selections_of(form), form, program)
