"""State that a caller has already is not sent again, and never another caller's."""

import httpx
import pytest
from control_plane.api import shared

from tests.handlers.people import People

DEMO = "/v1/projects/demo"
STATE = f"{DEMO}/state"
ADD = {"action": "demo.counter.increment", "inputs": {"amount": 1}}


def asked(client: httpx.Client, tag: str, url: str = STATE) -> httpx.Response:
    """The answer to a request that says which state it has."""
    return client.get(url, headers={"if-none-match": tag})


def test_a_known_state_is_not_sent_again(client: httpx.Client) -> None:
    """304 with the tag and no body, until something changes."""
    first = client.get(STATE)
    tag = first.headers["etag"]
    again = asked(client, tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "private, no-cache"
    client.post(f"{DEMO}/executions", json=ADD)
    moved = asked(client, tag)
    assert moved.status_code == 200
    assert moved.headers["etag"] != tag
    assert moved.json()["version"] == first.json()["version"] + 1


@pytest.mark.parametrize("pattern", ["{}", "W/{}", '"a", {}', '"a",W/{} , "b"', "*", " {} "])
def test_a_tag_may_stand_in_a_list(client: httpx.Client, pattern: str) -> None:
    """As RFC 9110 writes lists, weakly compared; a star is any."""
    tag = client.get(STATE).headers["etag"]
    assert asked(client, pattern.format(tag)).status_code == 304


@pytest.mark.parametrize("pattern", ["", '""', '"a"', "{}x", "x", '"*"', "{0}{0}"])
def test_another_tag_changes_nothing(client: httpx.Client, pattern: str) -> None:
    """What doesn't name this very state gets it."""
    tag = client.get(STATE).headers["etag"].strip('"')
    assert asked(client, pattern.format(tag)).status_code == 200


def test_each_version_has_its_own_tag(client: httpx.Client) -> None:
    """`?version=` and `?at=` are other representations, unless they are the same one."""
    before = client.get(STATE).json()
    client.post(f"{DEMO}/executions", json=ADD)
    now = client.get(STATE)
    then = client.get(STATE, params={"version": before["version"]})
    assert then.headers["etag"] != now.headers["etag"]
    assert (
        asked(client, now.headers["etag"], f"{STATE}?version={before['version']}").json() == before
    )
    same = client.get(STATE, params={"version": now.json()["version"]})
    assert (same.content == now.content) == (same.headers["etag"] == now.headers["etag"])


def test_what_changes_nothing_leaves_the_tag(client: httpx.Client) -> None:
    """Refusals are executions, and the state is the same, the moment of its version too."""
    first = client.get(STATE)
    for step in ({"action": "nope"}, {"action": "demo.counter.reset"}):
        assert client.post(f"{DEMO}/executions", json=step).json()["status"] == "rejected"
    assert asked(client, first.headers["etag"]).status_code == 304
    assert client.get(STATE).json() == first.json()
    assert client.get(STATE, params={"version": first.json()["version"]}).json() == first.json()


def test_who_sees_less_has_another_tag(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component that only admins may see makes two states, and two tags."""
    budget = shared.registries()["harbor"].components["budget"]
    monkeypatch.setitem(vars(budget), "readable", False)
    whole, part = people("admin", "GET", "/state"), people("viewer", "GET", "/state")
    assert "budget" in whole.body["components"]
    assert "budget" not in part.body["components"]
    mixed_up = people("viewer", "GET", "/state", **{"if-none-match": whole.headers["ETag"]})
    assert (mixed_up.status, mixed_up.body) == (200, part.body)
    known = people("viewer", "GET", "/state", **{"if-none-match": part.headers["ETag"]})
    assert (known.status, known.body) == (304, None)


def test_a_tag_opens_nothing(client: httpx.Client) -> None:
    """Who may not see the state learns nothing from a tag, nor from a star."""
    tag = client.get(STATE).headers["etag"]
    assert asked(client, tag, "/v1/projects/absent/state").status_code == 404
    assert asked(client, "*", f"{STATE}?version=99").status_code == 404
    del client.headers["authorization"]
    assert asked(client, tag).status_code == 401
