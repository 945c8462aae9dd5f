"""What may be stored can be read: the largest answers go through Lambda and the gateway whole."""

import httpx
import pytest
from control_plane.api import shared
from control_plane.registry import Changed, Registry, RootState, Template, View

DEMO = "/v1/projects/demo"
WIDE = "/v1/projects/wide"
COMPONENTS = 16
HALF = 128 * 1024 - 1
"""Characters that fill a component, where each takes two bytes in JSON."""


class Text(RootState[str]):
    """A component that is one text."""


def wide() -> Registry:
    """As many components as a project can hold full ones; `fill.<n>` fills the n-th."""
    template = Template("wide")
    for number in range(COMPONENTS):
        template.component(f"text{number:02}", Text, "", title=f"Text {number}")
        _fill(template, number)
    return Registry(template)


def _fill(template: Template, number: int) -> None:
    id = f"text{number:02}"

    def handler(_: View, character: str, count: int) -> Changed:
        return {id: character * count}

    template.action(f"fill.n{number}", changes=f"/{id}", title=id)(handler)


@pytest.mark.parametrize("character", ['"', "\u0436"], ids=["quotation marks", "Cyrillic letters"])
def test_a_full_state_is_answered_whole(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, character: str
) -> None:
    """4 MiB of whatever is written longer on its way, now and at an earlier version."""
    monkeypatch.setitem(shared.registries(), "wide", wide())
    client.post("/v1/projects", json={"slug": "wide", "template": "wide"})
    for number in range(COMPONENTS):
        step = {"action": f"fill.n{number}", "inputs": {"character": character, "count": HALF}}
        assert client.post(f"{WIDE}/executions", json=step).json()["status"] == "success"
    state = client.get(f"{WIDE}/state")
    assert state.status_code == 200
    assert set(state.json()["components"].values()) == {character * HALF}
    then = client.get(f"{WIDE}/state", params={"version": state.json()["version"]})
    assert then.json() == state.json()
    known = {"if-none-match": state.headers["etag"]}
    assert client.get(f"{WIDE}/state", headers=known).status_code == 304
    assert client.head(f"{WIDE}/state").content == b""


def test_a_trail_of_any_language_is_read_and_taken_away(client: httpx.Client) -> None:
    """Letters that ASCII would write in six bytes count what they are in UTF-8."""
    for number in range(14):
        inputs = {"key": f"k{number}", "value": "\u0436" * 60_000}
        step = {"action": "memory.remember", "inputs": inputs}
        client.post(f"{DEMO}/executions", json=step)
    listed = client.get(f"{DEMO}/executions", params={"limit": 50})
    taken = client.get(f"{DEMO}/export")
    assert (listed.status_code, taken.status_code) == (200, 200)
    assert len(listed.json()["items"]) > 1
    assert taken.text.count("\u0436") > 60_000
