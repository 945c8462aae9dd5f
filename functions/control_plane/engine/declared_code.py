"""Running what actions and components declare: it may do anything but take the engine with it."""

from collections.abc import Callable
from typing import Any


class Broke(Exception):
    """Declared code raised; the message is the error's type, all of it that is recorded."""


def run[Result](code: Callable[..., Result], /, *arguments: Any, **inputs: Any) -> Result:
    """What declared code answers. Raises `Broke` for all that it raises, `exit()` included.

    Ctrl-C still ends the process. How long it takes isn't looked at: no thread can be interrupted.
    """
    try:
        return code(*arguments, **inputs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise Broke(type(error).__name__) from error
