"""`chat-agent up` that can't start as it was asked to, or is stopped while it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.ports import free_port

SWALLOWED = """
import os, signal, sys, time
from pathlib import Path
from infra.local.stack import Options, up

class Unraisable:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)

def prepare(*_):
    Unraisable()

sys.exit(up(Options(int(sys.argv[1]), int(sys.argv[2]), data=Path(sys.argv[3])), prepare))
"""


def test_a_signal_that_python_swallows_ends_it_all_the_same(tmp_path: Path) -> None:
    """One that comes in a destructor raises nothing; the start ends at the next look around."""
    words = [str(free_port()), str(free_port()), str(tmp_path / "data")]
    started = [sys.executable, "-c", SWALLOWED, *words]
    done = subprocess.run(started, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("chat-agent: Stopped.\n")
    assert "Exception ignored" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--api-port", "0"], "should be greater than or equal to 1"),
        (["--space-port", "70000"], "should be less than or equal to 65535"),
        (["--ephemeral", "--data", "here"], "give one of them"),
        (["--data", "FILE"], "is no folder: File exists. Give --data."),
        (["--data", "FILE/below"], "is no folder: Not a directory. Give --data."),
    ],
)
def test_what_cannot_be_started_is_told(tmp_path: Path, words: list[str], sentence: str) -> None:
    """In a sentence about the option, without a traceback."""
    (tmp_path / "FILE").touch()
    words = [word.replace("FILE", str(tmp_path / "FILE")) for word in words]
    command = [sys.executable, "-c", "from infra.cli import main; main()", "up", *words]
    wide = os.environ | {"COLUMNS": "500"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env=wide
    )
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
