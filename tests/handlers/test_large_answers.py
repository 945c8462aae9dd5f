"""What may be stored can be read: the largest answers go through Lambda and the gateway whole."""

from typing import Any

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


@pytest.fixture
def desk(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    """A client with a project of such components."""
    monkeypatch.setitem(shared.registries(), "wide", wide())
    client.post("/v1/projects", json={"slug": "wide", "template": "wide"})
    return client


def fill(desk: httpx.Client, character: str, components: int = COMPONENTS) -> int:
    """Fill so many components; the version that they are full at."""
    for number in range(components):
        step = {"action": f"fill.n{number}", "inputs": {"character": character, "count": HALF}}
        done = desk.post(f"{WIDE}/executions", json=step).json()
        assert done["status"] == "success"
    return int(done["version"])


def reverted(desk: httpx.Client, version: int) -> Any:
    """What is answered to going back."""
    return desk.post(f"{WIDE}/revert", json={"version": version}).json()


@pytest.mark.parametrize("character", ['"', "\u0436"], ids=["quotation marks", "Cyrillic letters"])
def test_a_full_state_is_answered_whole(desk: httpx.Client, character: str) -> None:
    """4 MiB of whatever is written longer on its way, now and at an earlier version."""
    version = fill(desk, character)
    state = desk.get(f"{WIDE}/state")
    assert state.status_code == 200
    assert set(state.json()["components"].values()) == {character * HALF}
    assert desk.get(f"{WIDE}/state", params={"version": version}).json() == state.json()
    known = {"if-none-match": state.headers["etag"]}
    assert desk.get(f"{WIDE}/state", headers=known).status_code == 304
    assert desk.head(f"{WIDE}/state").content == b""


def test_going_back_may_change_four_times_what_an_action_may(desk: httpx.Client) -> None:
    """Whatever version it is; and it is previewed, listed and taken away like anything else."""
    version = fill(desk, "\u0436", 7)
    fill(desk, '"', 7)
    steps = [{"action": "project.revert", "inputs": {"version": version}}]
    preview = desk.post(f"{WIDE}/previews", json={"steps": steps}).json()
    done = desk.post(f"{WIDE}/executions", json={**steps[0], "confirm": preview["digest"]}).json()
    assert (preview["status"], done["status"], len(done["diff"])) == ("success", "success", 7)
    assert desk.get(f"{WIDE}/executions/{done['seq']}").json()["diff"] == done["diff"]
    assert desk.get(f"{WIDE}/executions").json()["items"][0]["diff"] == done["diff"]
    assert desk.get(f"{WIDE}/state").json()["components"]["text06"] == "\u0436" * HALF


def test_what_is_larger_is_gone_back_to_in_steps(desk: httpx.Client) -> None:
    """The refusal says so, and a version in between can be reached."""
    version = fill(desk, "\u0436", 9)
    last = fill(desk, '"', 9)
    refused = reverted(desk, version)
    assert refused["reasons"] == [
        {"code": "effect_too_large", "limit": 4 * 1024 * 1024, "version": version}
    ]
    assert refused["explanations"][0].endswith("Go back in steps, over versions in between.")
    assert [reverted(desk, each)["status"] for each in (last - 5, version)] == ["success"] * 2
    assert desk.get(f"{WIDE}/state").json()["components"]["text08"] == "\u0436" * HALF


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
