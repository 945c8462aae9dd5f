"""Errors as they may be logged: what they are and where they came from, never what they say.

A message may quote what was sent: PostgreSQL's DETAIL quotes rows, a connection error its URL,
validators their inputs.
"""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from control_plane.observing.current import add, say

ROOT = Path(__file__).parents[2]
_MOST_FRAMES = 40
_MOST_CAUSES = 5


def described(error: BaseException) -> dict[str, Any]:
    """`{"error", "sqlstate"?, "stack", "causes"?}`; the stack has the innermost frame last."""
    causes = [" at ".join([named(cause), *_stack(cause)[-1:]]) for cause in _causes(error)]
    return {
        "error": named(error),
        "stack": _stack(error),
        **({"causes": causes} if causes else {}),
    }


def named(error: BaseException) -> str:
    """An error's type, with its SQLSTATE where PostgreSQL gave one."""
    sqlstate = getattr(error, "sqlstate", None)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return f"{name} {sqlstate}" if sqlstate else name


def database_failed(error: BaseException) -> None:
    """Say that the database gave no answer that could be used, and of what kind the last one was.

    The request may succeed all the same, when the database is asked again.
    """
    say(database_error=named(error))
    add(database_failures=1)


def _stack(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "/".join(path.parts[-3:])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error, one after the other; those that a group holds."""
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions[:_MOST_CAUSES]
        return
    for _ in range(_MOST_CAUSES):
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        yield cause
        error = cause
