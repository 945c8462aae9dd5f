"""Policies as people write them: strictly read, and each error on its line."""

import json
import time
from typing import Any

import pytest
from control_plane.engine.policy import MAX_BYTES, PolicyRefused
from control_plane.policy_text import Media, read_policy, read_text
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_policy_document import WHOLE

MEDIA: list[Media | None] = ["yaml", "json", None]


def errors_of(text: str, media: Media | None = None) -> list[dict[str, Any]]:
    """What a refused text is told."""
    with pytest.raises(PolicyRefused) as refused:
        read_policy(text, media)
    return refused.value.errors


def errors_if_any(text: str, media: Media | None) -> list[tuple[int, str]]:
    """Line and key of each error of a text that may be in order."""
    try:
        read_policy(text, media)
    except PolicyRefused as refused:
        return places(refused.errors)
    return []


def places(errors: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Line and key of each error."""
    return [(error["line"], error["key"]) for error in errors]


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_is_read_as_it_was_written(media: Media | None, indent: int | None) -> None:
    """JSON is read as itself, and as the YAML that it is."""
    assert read_policy(json.dumps(WHOLE, indent=indent), media) == WHOLE


def test_json_may_be_indented_by_tabs() -> None:
    """What YAML would refuse is read, where it is JSON."""
    assert read_policy(json.dumps(WHOLE, indent="\t"), "json") == WHOLE
    assert read_policy(json.dumps(WHOLE, indent="\t")) == WHOLE


YAML_ERRORS = """\
limits:
  rate: {per_minite: 5}
  budget:

    daily: "100"
action_budgets:
  budget.set: {}
rules:
  - id: first
    condition: "true"
    effect: reject
  # a comment
  - id: first
    effect: reject
    condition: >-
      action.id ==
      nothing.known
  - effect: deny
    id: third
    condition: "true"
execution_windows:
  allowed:
    - days: [mon,
             tues]
"""


def test_every_error_of_a_yaml_text_has_its_line() -> None:
    """A wrong value is on its key's line or its own in a list, a missing key where its owner is."""
    assert places(errors_of(YAML_ERRORS, "yaml")) == [
        (2, "limits.rate.per_minite"),
        (5, "limits.budget.daily"),
        (7, 'action_budgets["budget.set"].daily'),
        (13, "rules[1].id"),
        (15, "rules[1].condition"),
        (18, "rules[2].effect"),
        (24, "execution_windows.allowed[0].days[1]"),
    ]


def test_every_error_of_a_json_text_has_its_line() -> None:
    """Quoted braces and escapes don't disturb the count."""
    condition = r"project.id != \"}{\\n\""
    rule = f'{{"id": "x", "condition": "{condition}",\n\n  "effect": 1}}'
    text = f'{{"rules": [\n {rule},\n []]}}'
    assert places(errors_of(text, "json")) == [(4, "rules[0].effect"), (5, "rules[1]")]


def test_a_condition_that_never_has_an_answer_has_its_line() -> None:
    """As every other error."""
    rule = '{id: a, effect: reject,\n     condition: principal.role == "admin"}'
    assert places(errors_of(f"rules:\n  - {rule}\n", "yaml")) == [(3, "rules[0].condition")]


@pytest.mark.parametrize(
    ("text", "media", "line"),
    [
        ("limits:\n  rate: [1\n", "yaml", 3),
        ("a: b: c", "yaml", 1),
        ("limits:\n\trate: {}", "yaml", 2),
        ("# fine\nlimits: \x07", "yaml", 2),
        ('{"limits":\n {},\n}', "json", 2),
        ("limits: {}", "json", 1),
        ('{"limits": {"budget":\n {"daily": NaN}}}', "json", 2),
        ("{}\n---\n{}", "yaml", 3),
    ],
)
def test_a_syntax_error_has_its_line(text: str, media: Media, line: int) -> None:
    """The text's own error comes alone, on the line where it is noticed."""
    assert places(errors_of(text, media)) == [(line, "")]


LAUGHS = "a0: &a0 [ha, ha]\n" + "\n".join(
    f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 99)
)
BEYOND_JSON = [
    "rules: &all []",
    "rules: *all",
    "rules: !!python/object:os.system []",
    "rules: !x []",
]


@pytest.mark.parametrize("text", [*BEYOND_JSON, LAUGHS])
def test_anchors_aliases_and_tags_are_refused(text: str) -> None:
    """What JSON can't say isn't said in YAML, either."""
    assert places(errors_of(text, "yaml")) == [(1, "")]


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("limits: {}\nlimits: {}", "yaml"),
        ('limits: {}\n"limits": {}', "yaml"),
        ('{"limits": {},\n"limits": {}}', "json"),
        ('{"limits": {},\n"\\u006cimits": {}}', "json"),
    ],
)
def test_a_key_twice_is_refused(text: str, media: Media) -> None:
    """No earlier value is silently overwritten."""
    (error,) = errors_of(text, media)
    assert error == {"line": 2, "key": "limits", "error": "It stands on line 1 already: keep one."}


WORDS = ["22:00", "1:30:00", "on", "off", "yes", "No", "y", "2026-01-01", "010", "-08", "0x1F"]
WORDS += ["0o17", "0b1", "1_000", "=", "<<", "2001-12-14t21:59:43.10-05:00", "Infinity", "NaN"]


@pytest.mark.parametrize("word", WORDS)
def test_yaml_1_1_surprises_nobody(word: str) -> None:
    """Words that YAML 1.1 bends into numbers, dates or booleans stay texts."""
    assert read_text(f"key: {word}", "yaml").document == {"key": word}
    assert read_text(f"{word}: x", "yaml").document == {word: "x"}


MEANT: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "False": False}
MEANT |= {"0": 0, "-12": -12, "+3": 3, "1.5": 1.5, "1e3": 1000.0, "'5'": "5", '"true"': "true"}


@pytest.mark.parametrize(("word", "value"), MEANT.items())
def test_plain_words_are_resolved_as_yaml_1_2_does(word: str, value: Any) -> None:
    """Null, booleans and numbers are those of the core schema; what is quoted is a text."""
    found = read_text(f"key: {word}", "yaml").document["key"]
    assert found == value
    assert type(found) is type(value)


def test_hours_need_no_quotes() -> None:
    """A window can be written as one would say it."""
    text = "execution_windows: {allowed: [{hours: [22:00, 06:00], timezone: UTC}]}"
    assert read_policy(text)["execution_windows"]["allowed"][0]["hours"] == ["22:00", "06:00"]


@pytest.mark.parametrize(
    "word", [".inf", "-.INF", ".nan", "1e999", "9007199254740992", "-" + "9" * 99]
)
def test_numbers_that_cannot_be_kept_are_refused(word: str) -> None:
    """No infinity, no NaN, no integer beyond 2^53−1."""
    text = f"limits:\n  budget:\n    daily: {word}"
    assert places(errors_of(text, "yaml")) == [(3, "limits.budget.daily")]


@pytest.mark.parametrize("digits", ["9007199254740992", "9" * 99])
def test_long_integers_of_json_are_refused(digits: str) -> None:
    """JSON's integers have the same bounds."""
    text = f'{{"limits": {{"budget":\n{{"daily": {digits}}}}}}}'
    assert places(errors_of(text, "json")) == [(2, "limits.budget.daily")]


@pytest.mark.parametrize(
    ("text", "media"),
    [('rules: "\\0"', "yaml"), ('rules: "\\ud800"', "yaml"), ('{"rules": "\\u0000"}', "json")],
)
def test_characters_that_cannot_be_stored_are_refused(text: str, media: Media) -> None:
    """No U+0000 and no lone surrogate gets in by an escape."""
    assert places(errors_of(text, media)) == [(1, "rules")]


def test_an_empty_text_is_no_policy() -> None:
    """A file that was emptied by mistake doesn't lift every limit; `{}` does."""
    assert places(errors_of("")) == places(errors_of("# nothing\n", "yaml")) == [(1, "")]
    assert read_policy("{}") == {}


def test_a_text_has_at_most_64_kib() -> None:
    """Bytes are counted, not characters."""
    assert read_policy("{}" + " " * (MAX_BYTES - 2)) == {}
    assert places(errors_of("{}" + " " * (MAX_BYTES - 1))) == [(1, "")]
    assert places(errors_of("# " + "é" * (MAX_BYTES // 2) + "\n{}")) == [(1, "")]


@pytest.mark.parametrize("media", ["yaml", "json"])
@pytest.mark.parametrize("text", ["[" * 33 + "]" * 33, "[" * 900 + "]" * 900, "[" * 60_000])
def test_deep_nesting_is_refused(text: str, media: Media) -> None:
    """32 levels are read; more end the reading, not the process."""
    assert len(errors_of(text, media)) == 1
    assert read_text("[" * 32 + "]" * 32, media).document


HOSTILE = ["{" * 60_000, "? " * 30_000, "- " * 30_000, "[a," * 20_000, "a: |\n" + " x\n" * 20_000]
HOSTILE += ["k" * 65_000, "'" * 65_000, "&a " * 20_000, "%" * 60_000, "[" + "x: y," * 12_000]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_refused_soon(text: str) -> None:
    """Nothing of 64 KiB costs more than a second or two of the processor."""
    began = time.process_time()
    assert errors_of(text)
    assert time.process_time() - began < 5


@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!|>\"' \n#?%a1", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text ends in another error, and each error has a line of the text."""
    for media in MEDIA:
        lines = [line for line, _ in errors_if_any(text, media)]
        assert all(1 <= line <= len(text) + 1 for line in lines)


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.text('ab{}[],:"\\\n é')
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
)


@given(VALUES, st.sampled_from([None, 1]))
def test_json_is_read_as_any_reader_does(value: Any, indent: int | None) -> None:
    """The reader that knows the lines reads what json wrote."""
    assert read_text(json.dumps(value, indent=indent), "json").document == value
