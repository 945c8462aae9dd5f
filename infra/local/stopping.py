"""How the local stack is asked to end: by a signal."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(KeyboardInterrupt):
    """SIGTERM, SIGHUP or Ctrl-C: the stack is to end, in order."""


def say(message: str) -> None:
    """Tell the person at the keyboard."""
    print(f"chat-agent: {message}", file=sys.stderr, flush=True)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Let the first signal raise `StopRequested`, and set what is yielded.

    Python drops an exception that comes up in a destructor or in a weak reference's callback.
    """
    asked = threading.Event()

    def stop(*_: object) -> None:
        ignore_signals()
        asked.set()
        say("Stopping.")
        raise StopRequested

    kept = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """No signal asks the stack to end any more: it is ending."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)  # SIG_IGN quarrels with one that has come already
