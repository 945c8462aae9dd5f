"""SAM's command line and Lambda emulator, run apart: their pins conflict with this project's."""

import os
import platform
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASE = "aws-sam-cli==1.170.0"
RUNTIME = "3.13"
"""The Python of the functions' Lambda runtime."""


def uv() -> str:
    """The uv that runs this test, or the one on PATH."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        raise FileNotFoundError("These tests need uv: run them as `uv run pytest`.")
    return found


def run(*command: str, path: Path | None = None) -> str:
    """What a command answers on standard output; its error output becomes the failure's text.

    `path` goes before PATH. Runs in the repository, without AWS credentials.
    """
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": "us-east-1"}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def tool(*command: str, path: Path | None = None) -> str:
    """Run a program of SAM's own environment: `sam`, `cfn-lint` or `python`."""
    return run(uv(), "tool", "run", "--quiet", "--from", RELEASE, *command, path=path)


def seeded_python(directory: Path) -> Path:
    """Make an environment with pip, which `sam build` needs; returns its folder of programs."""
    run(uv(), "venv", "--quiet", "--seed", "--python", RUNTIME, str(directory))
    return directory / "bin"


def build(directory: Path, programs: Path, architecture: str) -> Path:
    """`sam build` into a directory, with the Python in `programs`. Returns the built template."""
    built = directory / "build"
    tool(
        *("sam", "build", "--build-dir", str(built), "--cache-dir", str(directory / "cache")),
        *("--parameter-overrides", f"Architecture={architecture}"),
        path=programs,
    )
    return built / "template.yaml"


def architecture() -> str:
    """This machine's processor, as Lambda calls it."""
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


@cache
def emulator() -> str:
    """AWS's runtime interface emulator for this machine, as the SAM wheel ships it."""
    where = "import pathlib, samcli; print(pathlib.Path(samcli.__file__).parent / 'local/rapid')"
    folder = Path(tool("python", "-c", where).strip())
    return str(folder / f"aws-lambda-rie-{architecture()}")


def is_linux() -> bool:
    """The emulator and the built wheels are Linux programs."""
    return sys.platform == "linux"
