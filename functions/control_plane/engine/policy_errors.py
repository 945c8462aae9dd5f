"""What is wrong with a policy document: where, and what to do about it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from control_plane.models import Json

type Place = tuple[str | int, ...]
"""The keys and indexes that lead to a value from the document's root."""

MAX_PROBLEMS = 50
"""So many are told at once: who mends these will see the rest."""


class Problem(NamedTuple):
    """One thing that is wrong; `line`, from 1, is known only of a text."""

    place: Place
    error: str
    line: int | None = None

    def record(self) -> dict[str, Json]:
        """As answers hold it."""
        line = {} if self.line is None else {"line": self.line}
        return {**line, "key": key_of(self.place), "error": self.error}


class PolicyRefused(Exception):
    """The policy document can't hold. Correct what `errors` names."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)[:MAX_PROBLEMS]
        super().__init__(self.__doc__)

    @property
    def errors(self) -> list[dict[str, Json]]:
        """Each error as `{"line"?, "key", "error"}`; the key of the whole document is empty."""
        return [problem.record() for problem in self.problems]


def key_of(place: Place) -> str:
    """A place as people write it: `rules[2].condition`, `action_budgets["budget.set"].daily`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier():
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def problems_of(error: ValidationError, schema: Mapping[str, Any]) -> list[Problem]:
    """Everything that a validation found, in sentences that say what to do."""
    return [
        Problem(_place(item["loc"]), _sentence(item, schema))
        for item in error.errors(include_url=False)
    ]


def _place(loc: Place) -> Place:
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


_SENTENCES = {
    "missing": "Add this key: it is needed.",
    "int_type": "Give an integer, without quotes.",
    "string_type": "Give a text; in quotes, if it looks like a number.",
    "list_type": "Give a list.",
    "dict_type": "Give keys with values.",
    "model_type": "Give keys with values.",
    "greater_than_equal": "Give at least {ge}.",
    "less_than_equal": "Give at most {le}.",
    "literal_error": "Give one of {expected}.",
    "too_long": "List at most {max_length}.",
    "too_short": "List at least {min_length}.",
    "string_too_long": "Say it in at most {max_length} characters.",
    "string_too_short": "Give a text that isn't empty.",
    "value_error": "{error}",
}

_PATTERNS = {
    "id": "Give an id of lower-case letters, digits and dashes, beginning with a letter.",
    "days": "Give days as mon, tue, wed, thu, fri, sat, sun or a range such as mon-fri.",
    "hours": 'Give a time from "00:00" to "24:00", in quotes.',
    "timezone": 'Name a time zone as IANA does, such as "Europe/Berlin".',
    "actions": 'Give an action\'s id, or "prefix.*" for all below it.',
    "action_budgets": "Give an action's id: lower-case words joined by dots.",
}


def _sentence(item: Any, schema: Mapping[str, Any]) -> str:
    place, kind = item["loc"], item["type"]
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), _keys_at(place[:-1], schema))
    if not place:
        return "Give keys with values; what says nothing is written as {}."
    if item.get("input") is None and kind != "missing":
        return "Give a value here, or leave the key out."
    if kind == "string_pattern_mismatch":
        return next(_PATTERNS[step] for step in reversed(place) if step in _PATTERNS)
    if kind not in _SENTENCES:
        return f"{item['msg']}."
    return _SENTENCES[kind].format_map(item.get("ctx", {}))


def _unknown(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    if near:
        return f"There is no such key. Do you mean {near[0]}?"
    return f"There is no such key. Remove it, or use one of {', '.join(known)}."


def _keys_at(place: Place, schema: Mapping[str, Any]) -> list[str]:
    """The keys that the schema knows at a place."""
    part: Any = schema
    for step in place:
        part = part["items"] if isinstance(step, int) else _below(part, step)
        part = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    return list(part["properties"])


def _below(part: Mapping[str, Any], key: str) -> Any:
    """The schema of a key's value; that of any key where the schema leaves keys open."""
    if key in part.get("properties", {}):
        return part["properties"][key]
    return part.get("additionalProperties") or next(iter(part["patternProperties"].values()))
