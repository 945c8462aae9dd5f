"""docs/api.md shows what works."""

import re
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.conftest import ADMIN_PASSWORD
from tests.handlers.conftest import Call
from tests.handlers.gateway import InProcess

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_its_lines_run(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One block after another, on a new project, as a reader would type them."""
    assert call("GET", "/readyz").status == 200
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 6
    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=InProcess()))
    exec("\n".join(blocks), {"password": ADMIN_PASSWORD})
