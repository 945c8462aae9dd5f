"""What the expressions of one decision see, handed to the CEL library once, and how much it is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import ModuleType
from typing import Any, Protocol

import orjson

from control_plane.canonical import MAX_DEPTH
from control_plane.engine.expression_form import ExpressionRefused, Form, Path, Steps
from control_plane.engine.expression_parts import Selection, part, tree_of
from control_plane.models import Json

MAX_UNITS = 300_000
"""What one scope hands over: a value is a unit, and so are 16 characters. It takes about 50 ms."""
MAX_WORK = 1_000_000
"""Units touched by one evaluation, each in at most 100 ns."""
_PLAIN = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


class ExpressionFailed(Exception):
    """The expression has no answer for this data: whoever asked denies."""


_SAID: dict[type[Exception], str] = {
    ExpressionRefused: "Correct it, it is no CEL expression",
    ExpressionFailed: "The expression has no answer for this data",
}


class Reads(Protocol):
    """What an expression reads of a scope; `components` None for any of the state."""

    @property
    def components(self) -> frozenset[str] | None: ...
    @property
    def selections(self) -> frozenset[Selection]: ...


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

    def prepare(self, *expressions: Reads) -> None:
        """Convert at once what several expressions need. Raises ExpressionFailed if it can't be."""
        read = self._read.union(*[each.selections for each in expressions])
        if self._context is None or read != self._read:
            guarded(
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
        self._context = cel().Context(part({**values, "now": now}, tree_of(read)))
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


def guarded(refusal: type[Exception], call: Callable[..., Any], *arguments: Any) -> Any:
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


def cel() -> ModuleType:
    """The library, imported when the first expression is compiled: it stays off the cold path."""
    from control_plane.engine import cel_extension

    return cel_extension
