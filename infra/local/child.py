"""The start of every Python process of the stack: it never outlives its supervisor.

    python -m infra.local.child infra.local.s3 --dir DIR --port PORT
    python -m infra.local.child path/to/app.py

Standard input is a pipe that the supervisor holds open. When the supervisor is gone, however it
went, the pipe ends and so does this process; on Linux the kernel sees to it as well.
"""

import ctypes
import os
import runpy
import signal
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def tie_to_parent() -> None:
    """End this process, at once, when its parent ends; standard input is the parent's pipe."""
    lifeline = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # whoever reads standard input finds nothing, not the lifeline
    os.close(null)
    die_with_parent()
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()


def die_with_parent() -> None:
    """Where the kernel can see to it (Linux), end this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os._exit(1)


def main() -> None:
    """Run the module or the script that the command line names, as if it had been started."""
    tie_to_parent()
    target = sys.argv[1]
    sys.argv = sys.argv[1:]
    if target.endswith(".py"):
        sys.path[0] = str(Path(target).parent.absolute())
        runpy.run_path(target, run_name="__main__")
    else:
        runpy.run_module(target, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
