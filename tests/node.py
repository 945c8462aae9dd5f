"""JavaScript in tests: the system's Node.js, or else the one that Playwright brings."""

import shutil
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).parents[1]
NODE = shutil.which("node") or compute_driver_executable()[0]


def node(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Node.js in the repository's folder, with a text as its standard input."""
    return subprocess.run(
        [NODE, *map(str, arguments)], cwd=ROOT, input=given, capture_output=True, text=True
    )
