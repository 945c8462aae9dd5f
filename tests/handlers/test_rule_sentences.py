"""What a policy's rule says to whom it refuses is said again wherever the execution is read."""

import json
from typing import Any

import httpx
import pytest
from control_plane.store import Store

from tests.handlers.people import People

DEMO = "/v1/projects/demo"
ADD = {"action": "demo.counter.increment", "inputs": {"amount": 1}}


def refusing(**messages: str) -> dict[str, Any]:
    """A policy whose rules refuse to count, each with its message."""
    rule = {"condition": f'action.id == "{ADD["action"]}"', "effect": "reject"}
    return {"rules": [{**rule, "id": id, "message": said} for id, said in messages.items()]}


def refused(client: httpx.Client, **messages: str) -> Any:
    """The execution that such a policy refused."""
    assert client.put(f"{DEMO}/policy", json=refusing(**messages)).json()["status"] == "success"
    return client.post(f"{DEMO}/executions", json=ADD).json()


def test_each_refusal_is_explained_by_the_policy_of_its_time(client: httpx.Client) -> None:
    """In the list and alone, whatever the rules have come to say since."""
    done = [
        refused(client, zebra="Zebra says no.", quiet=""),
        refused(client, zebra="Zebra says no once more."),
        refused(client, quiet="Quiet speaks."),
    ]
    assert done[0]["explanations"] == ["Zebra says no.", "The policy's rule quiet says no."]
    client.put(f"{DEMO}/policy", json={})
    listed = {item["seq"]: item for item in client.get(f"{DEMO}/executions").json()["items"]}
    for first in done:
        again = client.get(f"{DEMO}/executions/{first['seq']}").json()
        assert again["explanations"] == first["explanations"]
        assert listed[first["seq"]] == again


def test_viewers_are_told_no_more_than_at_first(people: People) -> None:
    """That a rule says no, neither which nor what."""
    document = refusing(zebra="Zebra says no.")
    assert people("admin", "PUT", f"{DEMO}/policy", document).body["status"] == "success"
    done = people("admin", "POST", f"{DEMO}/executions", ADD).body
    people("admin", "PUT", f"{DEMO}/members/viewer", {"role": "viewer"})
    for path in (f"{DEMO}/executions", f"{DEMO}/executions/{done['seq']}"):
        seen = json.dumps(people("viewer", "GET", path).body)
        assert "A rule of this project's policy says no." in seen
        assert "zebra" not in seen.lower()


def test_a_page_takes_as_many_trips_as_one_refusal(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many policies refused what is on it."""
    trips: list[str] = []
    read = Store.read

    def counted(store: Store, org: str, name: str, **values: Any) -> Any:
        trips.append(name)
        return read(store, org, name, **values)

    for number in range(3):
        refused(client, zebra=f"No {number}.")
    monkeypatch.setattr(Store, "read", counted)
    client.get(f"{DEMO}/executions", params={"limit": 1})
    one = trips.copy()
    trips.clear()
    client.get(f"{DEMO}/executions", params={"limit": 6})
    assert trips == one
    assert trips.count("rule_messages") == 1


def test_a_page_ends_with_the_bytes_of_what_rules_say(client: httpx.Client) -> None:
    """Sentences are not stored with an execution, and count all the same."""
    many = 90
    refused(client, **{f"r{number}": "\u0436" * 1_000 for number in range(28)})
    for _ in range(many):
        client.post(f"{DEMO}/executions", json=ADD)
    seqs: list[int] = []
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = client.get(f"{DEMO}/executions", params={"limit": "200", **cursor})
        assert len(page.content) < 4 * 1024 * 1024
        seqs += [item["seq"] for item in page.json()["items"]]
        more = page.json()["next_cursor"]
        cursor = {"cursor": more} if more else None
    assert seqs == list(range(many + 4, 0, -1))
