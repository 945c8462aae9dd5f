"""How to start PostgreSQL, which refuses to run as root, whoever is asking."""

import functools
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from infra.local.errors import LocalError


@functools.cache
def unprivileged_uid() -> int:
    """Return the uid of an existing account that is not root (initdb looks its own name up)."""
    return pwd.getpwnam("nobody").pw_uid


def launch_prefix() -> list[str]:
    """Return the words to put before a server program of PostgreSQL.

    They make it run as somebody other than root and, on Linux, end with the thread that
    started it (SIGINT, PostgreSQL's fast shutdown). Without `setpriv` only the first holds.
    """
    return [*_leave_root(), *_die_with_parent()]


def give_to_server_account(directory: Path) -> None:
    """Make `directory` and everything in it the server account's, where that is another uid."""
    if os.geteuid() != 0 or _user_namespaces_work():
        return
    uid = unprivileged_uid()
    for path in (directory, *directory.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


def _leave_root() -> list[str]:
    if os.geteuid() != 0:
        return []
    if _user_namespaces_work():
        return _namespace_words()
    if not shutil.which("setpriv"):
        raise LocalError(
            "PostgreSQL refuses to run as root, and neither unshare nor setpriv works here. "
            "Start the command as an ordinary user, or install util-linux."
        )
    # Containers often forbid user namespaces. dac_override lets the account pass through
    # folders that only root may enter, such as /root.
    uid = unprivileged_uid()
    caps = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *caps]


def _die_with_parent() -> list[str]:
    # Last, because a change of account clears the signal.
    if sys.platform != "linux" or not shutil.which("setpriv"):
        return []
    return ["setpriv", "--pdeathsig", "INT"]


def _namespace_words() -> list[str]:
    uid = unprivileged_uid()
    return ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}"]


@functools.cache
def _user_namespaces_work() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*_namespace_words(), "true"], capture_output=True).returncode == 0
