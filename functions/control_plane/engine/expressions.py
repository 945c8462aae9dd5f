"""CEL expressions behind one small interface: compiled once, bounded statically, errors deny."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

from control_plane.models import Json

VARIABLES = frozenset({"state", "inputs", "principal", "action", "project", "usage", "now"})
MAX_CHARACTERS = 1000
MAX_DEPTH = 32

_LITERAL_COMPONENT = re.compile(r"""\bstate\[(?:"([^"\\]*)"|'([^'\\]*)')\]""")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')


class ExpressionRefused(ValueError):
    """An expression that can't be used; the message says what to do."""


class ExpressionFailed(Exception):
    """An expression that couldn't be evaluated to a boolean: whoever asked, denies."""


@cache
def _cel() -> ModuleType:
    """The extension alone: the package around it imports its own command line for 0.2 s."""
    package = importlib.util.find_spec("cel")
    if package is None or package.origin is None:
        raise ImportError("common-expression-language is not installed")
    folder = Path(package.origin).parent
    path = next(p for suffix in EXTENSION_SUFFIXES if (p := folder / f"cel{suffix}").exists())
    spec = importlib.util.spec_from_file_location("cel.cel", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Scope:
    """What expressions of one decision see; converted once, components when they are asked for."""

    def __init__(self, state: Mapping[str, Json], now: str, **variables: Json) -> None:
        self._state = state
        self._context = _cel().Context()
        self._filled: frozenset[str] = frozenset()
        self._context.add_variable("state", {})
        self._context.add_variable("now", datetime.fromisoformat(now))
        for name, value in variables.items():
            self._context.add_variable(name, value)

    def context(self, components: frozenset[str] | None) -> Any:
        """The CEL context with these components, or all, in `state`."""
        wanted = frozenset(self._state) if components is None else components
        if not wanted <= self._filled:
            self._filled |= wanted
            known = {id: self._state[id] for id in self._filled if id in self._state}
            self._context.add_variable("state", known)
        return self._context


@dataclass(frozen=True)
class Expression:
    """A compiled expression. `components` are those named as `state["id"]`; None: any may be."""

    text: str
    components: frozenset[str] | None
    program: Any

    def evaluate(self, scope: Scope) -> bool:
        """Whether it holds; raises `ExpressionFailed` for any error and any other value."""
        try:
            value = self.program.execute(scope.context(self.components))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise ExpressionFailed(f"{self.text}: {error}") from error
        if value is not True and value is not False:
            raise ExpressionFailed(f"{self.text}: it is no boolean")
        return bool(value)


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Compile a condition; raises `ExpressionRefused` for one that is wrong or unbounded."""
    _check_bounds(text)
    try:
        program = _cel().compile(text)
        used = set(program.variables())
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ExpressionRefused(f"{text!r} is no CEL expression: {error}") from error
    literal = {first or second for first, second in _LITERAL_COMPONENT.findall(text)}
    rest = _LITERAL_COMPONENT.sub("", text)
    dynamic = re.search(r"\bstate\b", _TEXT.sub('""', rest)) is not None
    components = None if dynamic else frozenset(literal if "state" in used else ())
    return Expression(text, components, program)


def _check_bounds(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionRefused(f"An expression has at most {MAX_CHARACTERS} characters.")
    depth = deepest = 0
    for character in _TEXT.sub("", text):
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise ExpressionRefused(f"An expression is nested at most {MAX_DEPTH} deep.")
