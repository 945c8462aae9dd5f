"""A PostgreSQL server that its starter left behind: found, told from others, and stopped."""

import os
import signal
import subprocess
import time
from pathlib import Path

from infra.local.errors import LocalError

STOP_TIMEOUT = 20.0  # seconds for a fast shutdown before an immediate one


def stop_leftover(cluster: Path) -> None:
    """Stop the server that still runs on `cluster`, if any, and clear a misleading pid file.

    A pid file whose number now belongs to another program would make PostgreSQL refuse to
    start. Running backends of a killed server are guarded against by PostgreSQL itself.
    """
    words = read_pid_file(cluster)
    if not words:
        return
    pid = int(words[0])
    for how in (signal.SIGINT, signal.SIGQUIT):
        if not _serves(pid, cluster):
            break
        os.kill(pid, how)
        deadline = time.monotonic() + STOP_TIMEOUT
        while _serves(pid, cluster) and time.monotonic() < deadline:
            time.sleep(0.05)
    if _serves(pid, cluster):
        raise LocalError(f"Another PostgreSQL (process {pid}) uses {cluster} and won't stop.")
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _serves(pid: int, cluster: Path) -> bool:
    """Tell whether process `pid` is a PostgreSQL server of `cluster`."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            command = proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return False
    else:
        answer = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True)
        command = answer.stdout.decode(errors="replace")
    return "postgres" in command and str(cluster) in command


def read_pid_file(cluster: Path) -> list[str]:
    """Return the lines of `postmaster.pid`: pid first, status eighth; [] when there is none."""
    try:
        return [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []
