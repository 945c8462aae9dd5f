"""Errors of the local stack, told to the person at the keyboard."""


class LocalError(RuntimeError):
    """Something on this machine is in the way; the message says what, and what to do."""
