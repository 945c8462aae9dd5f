"""Which cores server and clients run on: all of them, or where they are kept apart half each."""

import os

from tests.bench.cases import Crowd

_ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CAN_BE_KEPT_APART = len(_ALL) > 1
"""Only Linux says which cores there are, and it takes two."""


def of_server(crowd: Crowd) -> list[int]:
    """The server's cores while this crowd asks."""
    return _ALL[len(_ALL) // 2 :] if crowd.apart else _ALL


def of_clients(crowd: Crowd) -> list[int]:
    """The cores of the crowd's own processes."""
    return _ALL[: len(_ALL) // 2] if crowd.apart else _ALL


def keep(process: int, cores: list[int]) -> None:
    """Let a process (0: this one), and those it starts from now on, run on these cores alone."""
    if cores:
        os.sched_setaffinity(process, cores)
