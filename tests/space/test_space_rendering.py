"""State, proposals and paths as people read them, whatever the data holds."""

import pytest
from chat_space import previews, proposals, render, thread
from chat_space.cards import cards
from chat_space.filters import Filters
from chat_space.labels import humanize, readable_path, show
from chat_space.suggestions import suggest

from tests.space.fake_world import worlds

HOSTILE = '<img src=x onerror="alert(1)">{{constructor}}${alert(1)}</script>'


@pytest.fixture
def demo():
    return worlds()["demo"]


@pytest.fixture
def harbor():
    return worlds()["harbor"]


def test_hostile_state_is_shown_as_text():
    """A state's keys and values, and a component's title, never become markup."""
    registry = {"components": [{"id": "c", "title": HOSTILE, "schema": {}, "description": HOSTILE}]}
    state = {HOSTILE: HOSTILE, "list": [HOSTILE], "deep": {HOSTILE: [{"title": HOSTILE}]}}
    html = render.state(cards(registry, {"c": state, HOSTILE: {}}))
    assert "<img" not in html
    assert "</script>" not in html
    assert html.count("&lt;img") >= 6


def test_hostile_conversation_is_shown_as_text(demo):
    """A message, a suggestion, a path, a value and a refusal never become markup or attributes."""
    steps = [{"action": "memory.remember", "inputs": {"key": HOSTILE, "value": HOSTILE}}]
    card = proposals.propose("demo", steps, demo.preview(steps), demo.registry(), demo.state)
    card["steps"][0]["explanations"] = [HOSTILE]
    card["steps"][0]["sends"] = [{"topic": HOSTILE, "body": HOSTILE}]
    turns = [thread.hello([HOSTILE]), thread.you(HOSTILE), thread.agent(HOSTILE, [HOSTILE]), card]
    html = render.conversation(turns) + render.conversation(turns[:1])
    assert "<img" not in html
    assert 'onerror="' not in html


def test_a_card_says_what_would_be_sent(demo):
    """Nobody confirms or approves a message that they can't see."""
    steps = [{"action": "memory.remember", "inputs": {"key": "k", "value": 1}}]
    preview = demo.preview(steps)
    assert "Sends" not in render.conversation([_proposed(demo, steps, preview)])
    sent = {"topic": "memory.changed", "body": {"key": "k", "value": 1}}
    preview["steps"][0]["messages"] = [sent]
    html = render.conversation([_proposed(demo, steps, preview)])
    assert "Sends <b>" in html
    assert "memory.changed" in html
    assert "{&#34;key&#34;: &#34;k&#34;, &#34;value&#34;: 1}" in html


def _proposed(world, steps, preview):
    return proposals.propose("demo", steps, preview, world.registry(), world.state)


def test_a_hostile_name_in_the_activity_is_shown_as_text():
    """A username or an explanation from the audit log never becomes markup."""
    row = {"seq": 1, "at": "2026-11-22T09:57:03.123456Z", "who": HOSTILE, "what": HOSTILE}
    told = {
        "rows": [row | {"more": HOSTILE, "status": HOSTILE, "cost": 1}], "more": True,
        "wanted": Filters(HOSTILE, HOSTILE, HOSTILE, HOSTILE), "statuses": [(HOSTILE, HOSTILE)],
        "actions": [(HOSTILE, HOSTILE)], "people": [(HOSTILE, HOSTILE)], "said": HOSTILE,
        "project": HOSTILE,
    }  # fmt: skip
    html = render.activity(told, "")
    assert "<img" not in html


@pytest.mark.parametrize(
    ("pointer", "readable"),
    [
        ("/harbor.release/frozen", "Release 24.11 · Frozen"),
        ("/harbor.readiness/items/0/done", "Readiness · Security review"),
        ("/harbor.readiness/items/0/title", "Readiness · Security review · title"),
        ("/harbor.readiness/items/-", "Readiness · Items · new item"),
        ("/harbor.readiness/items/9", "Readiness · Items · #10"),
        ("/harbor.unknown/some_key", "Harbor unknown · some_key"),
        ("/harbor.budget/a~1b~0c", "Launch budget · a/b~c"),
        ("", "Everything"),
    ],
)
def test_a_pointer_reads_as_a_path_of_titles(harbor, pointer, readable):
    """Titles come from component and schema, list items go by their own name."""
    assert readable_path(pointer, harbor.registry(), harbor.state) == readable


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "on"),
        (5, "5"),
        ("5", "“5”"),
        ("on", "“on”"),
        ("", "“”"),
        ("stable", "stable"),
        (None, "nothing"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_a_value_is_shown_so_that_it_cannot_be_mistaken(value, shown):
    """The text "5" and the number 5 look different, since one of them is what gets confirmed."""
    assert show(value) == shown


def test_keys_are_put_in_words():
    """Snake case and camel case become words; what is no word stays."""
    assert [humanize(key) for key in ("security_review", "dryRun", "SEV", "")] == [
        "Security review",
        "Dry run",
        "SEV",
        "(empty)",
    ]


def test_each_kind_of_value_gets_its_own_shape(harbor):
    """A lone number is large, a bounded one has a bar, booleans are switches, checklists lists."""
    release, budget, readiness, _ = cards(harbor.registry(), harbor.state)
    assert [node.kind for node in release.nodes] == ["switch", "number", "text"]
    assert release.nodes[1].percent == 20
    assert budget.nodes[0].kind == "hero"
    assert (readiness.nodes[0].kind, readiness.nodes[0].percent) == ("checks", 50)


@pytest.mark.parametrize(
    ("bounds", "percent"),
    [
        ({"minimum": 0, "maximum": 100}, 3),
        ({"minimum": 0, "maximum": 4}, 75),
        ({"minimum": 1, "maximum": 4}, None),
        ({"minimum": 0, "maximum": 1_000_000}, None),
        ({"minimum": 0}, None),
    ],
)
def test_only_a_share_has_a_bar(bounds, percent):
    """A scale from one, and a bound that only keeps nonsense out, say nothing of how full it is."""
    schema = {"type": "object", "properties": {"n": {"type": "integer", **bounds}}}
    [card] = cards({"components": [{"id": "c", "schema": schema}]}, {"c": {"n": 3}})
    assert card.nodes[0].percent == percent


@pytest.mark.parametrize(
    ("diff", "line"),
    [
        ([], ""),
        (
            [{"op": "replace", "path": "/harbor.release/rollout", "before": 20, "value": 60}],
            "Release 24.11 · Rollout 20 → 60",
        ),
        (
            [{"op": "add", "path": "/harbor.budget/new", "value": "on"}],
            "Launch budget · new → “on”",
        ),
        (
            [
                {"op": "remove", "path": "/harbor.budget/old", "before": 1},
                {"op": "remove", "path": "/harbor.budget/older", "before": 2},
            ],
            "Launch budget · old removed, and 1 more",
        ),
        (
            [{"op": "add", "path": "/harbor.budget/note", "value": "x" * 500}],
            f"Launch budget · note → {'x' * 40}…",
        ),
    ],
)
def test_a_diff_in_one_line(harbor, diff, line):
    """The log tells each execution's first change, and how many more there are."""
    assert previews.brief(diff, harbor.registry()) == line


def test_a_step_that_would_be_refused_leaves_no_confirm(harbor):
    """A plan with a step predicted to fail says why and offers Discard only."""
    steps = [
        {"action": "harbor.release.freeze", "inputs": {}},
        {"action": "harbor.release.rollout", "inputs": {"percent": 60}},
        {"action": "harbor.release.freeze", "inputs": {}},
    ]
    preview = harbor.preview(steps)
    card = proposals.propose("harbor", steps, preview, harbor.registry(), harbor.state)
    html = render.conversation([card])
    assert "Would be refused" in html
    assert "An incident is open" in html
    assert 'data-testid="confirm"' not in html
    assert len(card["steps"]) == 3


def test_what_the_browser_carries_back_is_read_with_care():
    """Text that is no list of turns is as good as nothing, and broken turns are left out."""
    assert thread.read("{") == thread.read('{"kind": "you"}') == thread.read("null") == []
    assert thread.read('[{"kind": "you"}, {"kind": ["x"]}, 5, {"kind": "you", "text": "hi"}]') == [
        thread.you("hi")
    ]


def test_the_first_sentences_come_from_the_registry(demo):
    """The demo offers three sentences to click, the first with two steps."""
    registry = demo.registry()
    for actions in (registry["actions"], list(reversed(registry["actions"]))):
        assert suggest({"actions": actions})[:2] == [
            "set the counter to 5, then add 3",
            "remember that owner is Ada",
        ]
    assert suggest(registry)[2] == "reset the counter"


def test_somebody_who_may_do_nothing_is_offered_nothing():
    """Without actions there are no sentences; with one action there is one."""
    assert suggest({"actions": []}) == []
    one = {"id": "a", "phrases": ["go"], "inputs": {}, "targets": []}
    assert suggest({"actions": [one]}) == ["go"]


def test_going_back_is_no_sentence_to_begin_with():
    """It is listed for admins, and has a phrase; which version there is the page can't know."""
    back = {"id": "project.revert", "phrases": ["go back to version {version}"], "inputs": {}}
    assert suggest({"actions": [back]}) == []


def big(value) -> str:
    """The page's state and a card for a memory that gets this value."""
    demo = worlds()["demo"]
    steps = [{"action": "memory.remember", "inputs": {"key": "k", "value": value}}]
    card = proposals.propose("demo", steps, demo.preview(steps), demo.registry(), demo.state)
    assert card["ask"] == steps
    state = cards(demo.registry(), {"memory": {"k": value}})
    return render.state(state) + render.conversation([card])


@pytest.mark.parametrize(
    "value", ["x" * 50_000, ["y" * 50_000], {"deep": "z" * 50_000}, {"k" * 50_000: 1}]
)
def test_a_long_value_is_shown_by_its_beginning_and_its_length(value):
    """What Confirm asks for stays whole; the page carries a few hundred characters of it."""
    html = big(value)
    assert len(html) < 5_000
    assert "characters" in html
    assert 'data-testid="confirm"' in html


@pytest.mark.parametrize(
    "state",
    [
        {f"k{number}": number for number in range(10_000)},
        {"items": [{"a": {"b": number}} for number in range(10_000)]},
        {"items": [{"title": "t", "done": False}] * 10_000},
        {f"a{a}": {f"b{b}": {f"c{c}": [{}] for c in range(9)} for b in range(9)} for a in range(9)},
        {"numbers": list(range(10_000))},
    ],
)  # fmt: skip
def test_a_component_has_few_rows_and_counts_the_rest(state):
    """Fifty rows at most, however its items nest."""
    html = render.state(cards({}, {"c": state}))
    assert "more" in html
    assert len(html) < 15_000
    if len(state) == 10_000:
        assert "… and 9,950 more" in html


def test_a_step_with_many_changes_counts_the_rest(demo):
    """The first fifty are shown."""
    diff = [{"op": "add", "path": f"/memory/k{at}", "value": at} for at in range(10_000)]
    steps = [{"action": "memory.remember", "inputs": {"key": "k", "value": 1}}]
    preview = demo.preview(steps)
    preview["steps"][0]["diff"] = diff
    html = render.conversation([proposals.propose("demo", steps, preview, demo.registry(), {})])
    assert html.count('data-testid="change"') == 50
    assert "… and 9,950 more" in html


def test_keys_of_somebodys_own_choice_are_shown_verbatim(demo):
    """Two keys that differ look different; only declared ones are put in words."""
    memory = {"prod_db": "a", "prod.db": "b", "Prod db": "c", "": "d"}
    nodes = cards(demo.registry(), {"memory": memory})[0].nodes
    assert [node.label for node in nodes] == ["prod_db", "prod.db", "Prod db", "(empty)"]
    assert readable_path("/memory/prod_db", demo.registry(), {}).endswith(" · prod_db")
    loose = {"id": "c", "schema": {"additionalProperties": {"title": "Value", "type": "integer"}}}
    shown = cards({"components": [loose]}, {"c": {"Prod_DB": 5}})[0].nodes
    assert [(node.kind, node.label) for node in shown] == [("hero", "Prod_DB")]
    steps = [{"action": "memory.remember", "inputs": {"key": "k", "my_own": "v"}}]
    preview = {"digest": "d", "status": "rejected", "steps": [{**steps[0], "status": "rejected"}]}
    card = proposals.propose("demo", steps, preview, demo.registry(), {})
    assert [item["label"] for item in card["steps"][0]["inputs"]] == ["Key", "my_own"]


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u0007"])
def test_characters_that_direct_or_hide_are_marked(demo, character):
    """In keys and values, each isolated from what stands around it."""
    text = f"ab{character}cd"
    steps = [{"action": "memory.remember", "inputs": {"key": text, "value": text}}]
    card = proposals.propose("demo", steps, demo.preview(steps), demo.registry(), {})
    html = render.conversation([card]) + render.state(cards({}, {"c": {text: text}}))
    assert character not in html
    mark = f'ab<small class="cs-sign">U+{ord(character):04X}</small>cd'
    assert html.count(mark) >= 4
    assert f"<bdi>{mark}</bdi>" in html
