"""What docs/audit.md tells people to type works as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import evidence
from tests.conftest import Database
from tests.evidence import World, archived_world
from tests.node import NODE, ROOT
from tests.s3 import S3

PAGE = (ROOT / "docs" / "audit.md").read_text()
pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq: apt-get install jq")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(database: Database, s3: S3, tmp_path: Path) -> Path:
    """A folder with the trail of two organizations in `trail`, and the documents beside it."""
    world = archived_world(World(database, s3))
    evidence.laid_out(world.files(), tmp_path / "trail")
    world.store.disconnect()
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    return tmp_path


def run(block: str, folder: Path) -> str:
    """What a block says, typed in a folder by somebody with no settings; it must not fail."""
    programs = [str(Path(sys.executable).parent), os.environ["PATH"], str(Path(NODE).parent)]
    environment = {"PATH": os.pathsep.join(programs), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_the_page_say_what_the_page_says(folder: Path) -> None:
    """Both verifiers over a folder, and one record by hand."""
    command, script, by_hand = [run(block, folder) for block in BLOCKS]
    assert command.count("In order: ") == script.count("In order: ") == 2
    assert by_hand.splitlines() == [
        *("record holds", "payload holds", "name holds", "anchor lists it", "anchors hold")
    ]


def test_the_commands_fail_where_something_is_wrong(folder: Path) -> None:
    """An altered object is seen by each of them."""
    newest = max(folder.rglob("*.jsonl.gz"))
    newest.write_bytes(newest.read_bytes() + b"\0")
    for block in BLOCKS:
        with pytest.raises(AssertionError):
            run(block, folder)
