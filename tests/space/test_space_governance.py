"""What governs, in words: prices, approvals, what moved, how requests ended, what was refused."""

import pytest
from chat_space import inbox, moved, notes, previews, proposals, render, thread
from chat_space.client import ApiError

from tests.space import fake_governance as governance
from tests.space.fake_world import AT, worlds

HOSTILE = '<img src=x onerror="alert(1)">{{constructor}}${alert(1)}</script>'
BUDGET = [{"action": "harbor.budget.set", "inputs": {"total": 550}}]


@pytest.fixture
def harbor():
    return worlds()["harbor"]


def propose(harbor, steps):
    """A card for the steps, as harbor previews them now."""
    return proposals.propose(
        "harbor", steps, harbor.preview(steps), harbor.registry(), harbor.state
    )


def steps(*changes: tuple[str, str | None, str | None]):
    """One step with these changes: label, before, after."""
    keys = ("label", "before", "after")
    return [{"changes": [dict(zip(keys, change, strict=True)) for change in changes]}]


def test_one_changed_value_is_told_in_one_sentence():
    """What was approved, what it would be, and that nothing was changed."""
    promised, now = steps(("Budget", "500", "550")), steps(("Budget", "400", "550"))
    assert moved.compare("Superseded. You approved", promised, now) == {
        "outcome": "Superseded. You approved 500 → 550. It would now be 400 → 550. "
        "Nothing was changed.",
        "moved": [],
    }


def test_a_value_that_comes_or_goes_is_told_too():
    """An added value is new, a removed one is removed."""
    told = moved.compare("You confirmed", steps(("K", None, "1")), steps(("K", "2", None)))
    assert told["outcome"] == (
        "You confirmed new → 1. It would now be 2 → removed. Nothing was changed."
    )


def test_more_than_one_changed_value_is_told_in_rows():
    """Only what differs has a row; a place that is no longer touched has no other side."""
    promised = steps(("A", "1", "2"), ("B", "on", "off"), ("C", "x", "y"))
    now = steps(("A", "0", "2"), ("B", "on", "off"))
    told = moved.compare("Superseded. You approved", promised, now)
    assert told["outcome"] == (
        "Superseded. What you approved is not what would happen now. Nothing was changed."
    )
    first, second = told["moved"]
    assert (first["label"], first["now"]) == ("A", {"before": "0", "after": "2"})
    assert (second["label"], second["now"]) == ("C", None)


def test_a_place_that_two_steps_change_is_one_change():
    """From its first old value to its last new one."""
    twice = steps(("A", "0", "5")) + steps(("A", "5", "8"))
    told = moved.compare("You confirmed", twice, steps(("A", "1", "9")))
    assert "0 → 8. It would now be 1 → 9." in told["outcome"]


def test_long_values_are_told_in_rows():
    """A sentence made of somebody's text could say anything."""
    text = "550. It would now be 1 → 2. Nothing was changed. Approve the next one, too."
    told = moved.compare("You confirmed", steps(("A", "x", text)), steps(("A", "y", text)))
    assert text not in told["outcome"]
    assert len(told["moved"]) == 1


def test_a_stale_card_says_how_it_differs(harbor):
    """As clearly as an approval that was superseded, with the new card below it."""
    before = propose(harbor, BUDGET)
    harbor.state["harbor.budget"] = {"approved": 400}
    after = proposals.overtake(before, propose(harbor, BUDGET))
    assert after["outcome"] == (
        "You confirmed 500 → 550. It would now be 400 → 550. Nothing was changed. "
        "Below is what would happen now."
    )
    assert after["confirm"] == ""


@pytest.mark.parametrize(
    ("approval", "sentence"),
    [
        (None, ""),
        ({"role": "admin", "count": 1, "because": ["a"]}, "Needs approval by 1 admin (rule a)."),
        (
            {"role": "operator", "count": 2, "because": ["a", "b"], "expires_in": 7200},
            "Needs approval by 2 operators (rules a and b). The request expires after 2 hours.",
        ),
        ({"role": "admin", "count": 1, "expires_in": 90}, "Needs approval by 1 admin. "
         "The request expires after 90 seconds."),
    ],
)  # fmt: skip
def test_who_must_approve_is_one_sentence(approval, sentence):
    """The number, the role, the rules that ask, and when the request ends."""
    assert previews.approval_sentence(approval) == sentence


@pytest.mark.parametrize(
    ("preview", "told"),
    [
        ({"status": "success", "cost": 5, "steps": [],
          "budget": {"limit": 100, "used": 5, "after": 10}},
         "Costs 5 · 90 of 100 left today after this"),
        ({"status": "rejected", "cost": 0, "steps": [{"cost": 120}],
          "budget": {"limit": 100, "used": 5, "after": 5}},
         "Would cost 120 · 95 of 100 left today"),
        ({"status": "success", "cost": 5, "steps": [], "budget": None}, "Costs 5"),
        ({"status": "rejected", "cost": 0, "steps": [{}]}, ""),
    ],
)  # fmt: skip
def test_the_price_says_what_is_left(preview, told):
    """After what is promised; without it where it would be refused."""
    template = render.environment.from_string(
        '{% from "parts.html" import price %}{{ price(told)|striptags }}'
    )
    assert template.render(told=previews.price(preview)) == told


def test_every_reason_has_its_line_and_every_way_out_its_row(harbor):
    """Only a plan has a button; the others are sentences."""
    card = propose(harbor, [{"action": "harbor.release.rollout", "inputs": {"percent": 60}}])
    html = render.conversation([card])
    assert html.count('data-testid="reason"') == 2
    assert html.count('data-testid="unlock"') == 2
    assert html.count("Use this plan") == 1


def test_what_governs_is_shown_as_text(harbor):
    """Names, comments, rules, unlocks, notes and policies never become markup."""
    governance.ask(harbor, BUDGET, harbor.preview(BUDGET), "ada")
    item = governance.listed(harbor, harbor.requests[0], "approver")
    item["requester"]["username"] = item["project"]["title"] = HOSTILE
    item["preview"]["approval"] = item["preview"]["approval"] | {"because": [HOSTILE]}
    item["decisions"] = [{"username": HOSTILE, "decision": "approve", "comment": HOSTILE, "at": AT}]
    card = inbox.card(item, harbor.registry(), harbor.state)
    card |= {"outcome": HOSTILE, "moved": [{"label": HOSTILE, "promised": None, "now": None}]}
    html = render.approvals([card], [inbox.past(card, item)], 1, HOSTILE)
    proposal = propose(harbor, BUDGET)
    proposal |= {"unlocks": [{"sentence": HOSTILE, "steps": BUDGET}], "approval": HOSTILE}
    html += render.conversation([proposal])
    note = {"tone": "bad", "text": HOSTILE, "lines": [HOSTILE]}
    version = {"version": 1, "at": AT, "text": HOSTILE}
    policy = {"version": 1, "text": HOSTILE, "versions": [version]}
    html += render.admin("policy", policy, note)
    person = {"username": HOSTILE, "role": "admin", "admin": True, "disabled": False}
    person["must_change_password"] = True
    html += render.admin("members", {"members": [person]}, note)
    html += render.admin("people", {"people": [person]}, note)
    assert "<img" not in html
    assert "</script>" not in html


def test_a_request_whose_preview_cannot_be_read_is_listed_all_the_same(harbor):
    """Its template may not be installed; it can still be rejected."""
    governance.ask(harbor, BUDGET, harbor.preview(BUDGET), "ada")
    item = governance.listed(harbor, harbor.requests[0], "approver") | {"preview": None}
    html = render.approvals([inbox.card(item, {}, {})], [], 1)
    assert "Reject" in html


def test_a_request_of_the_systems_own_names_it(harbor):
    """A command asks in nobody's name."""
    governance.ask(harbor, BUDGET, harbor.preview(BUDGET), "ada")
    item = governance.listed(harbor, harbor.requests[0], "approver")
    item["requester"] = {"id": "system", "username": None}
    assert inbox.card(item, {}, {})["who"] == "the system"


@pytest.mark.parametrize(
    ("answer", "badge", "outcome"),
    [
        ({"status": "success", "seq": 7, "approval": {"status": "done"}},
         "Approved", "Committed as execution 7."),
        ({"status": "success", "executions": [{"seq": 7}, {"seq": 8}],
          "approval": {"status": "done"}}, "Approved", "Committed as executions 7 and 8."),
        ({"status": "success", "seq": 7,
          "approval": {"status": "pending", "approved": 1, "count": 3}},
         "Waiting", "Your vote counts: 1 of 3 so far."),
        ({"status": "rejected", "seq": 7, "explanations": ["An incident is open."],
          "approval": {"status": "rejected"}}, "Rejected", "An incident is open."),
        ({"status": "rejected", "seq": 7, "explanations": ["Ask somebody else."]},
         "Waiting", "Ask somebody else."),
    ],
)  # fmt: skip
def test_what_became_of_a_vote_is_told(harbor, answer, badge, outcome):
    """Carried out, counted, refused when it was to be carried out, or no vote at all."""
    governance.ask(harbor, BUDGET, harbor.preview(BUDGET), "ada")
    item = governance.listed(harbor, harbor.requests[0], "approver")
    card = inbox.decided(inbox.card(item, {}, {}), answer)
    assert (card["badge"], card["outcome"]) == (badge, outcome)
    assert not card["may_decide"]


def test_a_note_names_line_and_key():
    """As a policy's errors do, and the places in any other body."""
    wrong = [
        {"line": 3, "key": "rules[0]", "error": "No."},
        {"at": "body.role", "error": "Missing."},
    ]
    error = ApiError(422, "invalid_policy", "It can't hold.", {"errors": [*wrong, 5]})
    assert notes.of_error(error) == {
        "tone": "bad",
        "text": "It can't hold.",
        "lines": ["line 3 · rules[0]: No.", "body.role: Missing."],
    }


def test_a_form_that_needs_approval_says_where_it_waits():
    """A policy may demand a second admin for its own change."""
    note = notes.of_execution({"status": "pending_approval", "seq": 1}, "Saved.")
    assert note["tone"] == "wait"
    assert "Approvals" in note["text"]


def test_a_card_from_the_browser_without_what_a_card_has_is_left_out(harbor):
    """Half a card would break the page that shows it."""
    card = propose(harbor, BUDGET)
    del card["unlocks"]
    assert thread.read(thread.write([thread.you("hi"), card])) == [thread.you("hi")]


@pytest.mark.parametrize(
    ("project", "organization", "said"),
    [
        ({}, {}, ""),
        ({"paused": True}, {}, "This project is paused"),
        ({"status": "archived", "paused": True}, {}, "archived"),
        ({}, {"paused": True}, "Everything is paused"),
    ],
)
def test_what_stands_still_says_so(project, organization, said):
    """One banner, for the reason that reaches furthest."""
    me = {"user": {"id": "u", "username": "ada"}, "organization": {"id": "o", "slug": "main"}}
    me["organization"] |= organization
    shown = {"title": "Harbor", "slug": "harbor", "version": 1, "role": "admin", **project}
    html = render.header(me, shown, [shown], "")
    assert said in html
    assert ("banner" in html) == bool(said)


def test_without_a_limit_there_is_no_forecast():
    """A budget that isn't set is not a budget of nothing."""
    assert "forecast" not in render.state([], {"limit": None, "used": 3, "per_day": 1})
    assert "3</b> of 0 used" in render.state([], {"limit": 0, "used": 3, "per_day": 1})
