"""A record put together from an answer has the text that was hashed, to the byte."""

import json

import httpx
import pytest
import rfc8785
from chat_space import proof, trail

from tests.space.fake_trail import chained
from tests.space.fake_world import worlds

BEARER = {"Authorization": "Bearer script-token"}


@pytest.mark.parametrize(
    "value",
    [
        {"b": 1, "a": [True, None, -5, 2**53 - 1], "": {}},
        {"\U0001f600": 1, "\ufb33": 2, "é": '\u20ac\u0000\u001f\u007f\u2028"\\/\b\f\n\r\t'},
        {"nested": [{"z": {"y": 1, "x": []}}], "A": "a", "a": "A"},
    ],
)
def test_canonical_text_is_that_of_rfc_8785(value):
    """Keys in UTF-16's order, the same escapes, no space."""
    assert proof.canonical(value).encode() == rfc8785.dumps(value)


def test_facts_are_the_records_but_for_personal_ones():
    """Names, addresses and attributes stand in the payload."""
    execution = {"seq": 1, "hash": "h", "facts": {"usage": {"day": 1}, "email": "a@b"}, "diff": []}
    assert json.loads(proof.record_text(execution)) == {"seq": 1, "facts": {"usage": {"day": 1}}}
    execution["facts"] = {"username": "ada"}
    assert json.loads(proof.record_text(execution)) == {"seq": 1}


def test_a_changed_digit_is_noticed():
    """In any member of the record."""
    demo = worlds()["demo"]
    demo.record("demo.counter.reset", "ada", cost=3)
    execution = chained(demo)[0]
    assert proof.holds(execution)
    assert not proof.holds(execution | {"cost": 4})


def test_a_neighbour_that_does_not_fit_breaks_the_link():
    """On both sides; without a neighbour nothing is claimed."""
    demo = worlds()["demo"]
    for _ in range(3):
        demo.record("demo.counter.reset", "ada")
    before, this, after = chained(demo)
    strip = trail.strip(this, trail.Around(before, after))
    assert (strip["to_before"], strip["to_after"]) == (True, True)
    odd = trail.Around(before | {"hash": "0" * 64}, after | {"prev_hash": "0" * 64})
    strip = trail.strip(this, odd)
    assert (strip["to_before"], strip["to_after"]) == (False, False)
    strip = trail.strip(this, trail.Around())
    assert (strip["to_before"], strip["to_after"]) == (None, None)


def test_steps_of_one_plan_are_linked_and_others_are_not():
    """Before and after it, and what an execution is about."""
    steps = [
        {
            "seq": seq,
            "action": "a",
            "plan": {"id": id, "step": seq, "of": 2},
            "about": 7 * (seq == 2),
        }
        for seq, id in ((1, "p"), (2, "p"), (3, "q"))
    ]
    around = trail.Around(steps[0], steps[2])
    assert trail.links(steps[1], around) == [("About", 7), ("Step before", 1)]
    granted = steps[1] | {"approval": {"id": "x"}, "plan": None}
    assert trail.links(granted, around) == [("Outcome of", 7)]


@pytest.mark.parametrize("path", ["/executions/1?project=none", "/audit?project=none", "/audit"])
def test_a_project_that_is_not_there_is_told(space_url, path):
    """As a page to people, as JSON to the page's script."""
    told = httpx.get(f"{space_url}{path}", headers=BEARER)
    assert (told.status_code, told.json()["detail"]) == (404, "There is no such project.")
    page = httpx.get(f"{space_url}{path}", headers=BEARER | {"accept": "text/html"})
    assert page.status_code == 404
    assert "There is no such project." in page.text
