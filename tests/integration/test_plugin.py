"""Templates from other packages, found by their entry point."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASKS = """
from control_plane.registry import load_registries
registry = load_registries()["pantry"]
listed = [item["id"] for item in registry.listed(admin=True)["actions"]]
print(listed, registry.needed(["shelf.take"]))
"""


def test_an_installed_package_brings_its_template(tmp_path: Path) -> None:
    """The example package is built and installed as anybody's would be, and is then there."""
    install = ["uv", "pip", "install", "--quiet", "--target", str(tmp_path)]
    subprocess.run([*install, str(ROOT / "examples" / "pantry")], check=True)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}){ASKS}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['project.revert', 'shelf.put', 'shelf.take'] ['shelf']"
