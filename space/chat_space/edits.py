"""A proposal's inputs as fields to edit, and what was typed as inputs again. Pure.

Nothing is checked here: what doesn't fit is sent as it was typed; the preview says what is wrong.
"""

import json
import re
from typing import Any

from chat_space.labels import clip, is_invisible, property_label, property_schema, resolve, show
from chat_space.previews import MOST_ROWS, action_title

Json = dict[str, Any]

LONG = 60  # characters that fit on one line
LONGEST = 2_000  # characters of a value that can be edited


class Twice(Exception):
    """An object that was typed has a member twice, so that one of them would be lost."""


def forms(steps: list[Json], registry: Json) -> list[Json]:
    """The steps that have inputs, as `{"title", "fields"}`; a field's name holds the step's place.

    A field is `{"name", "label", "kind", "text", "options", "needed"}`; its kind is `number`,
    `choice`, `words`, `text` (words that are long) or `json`.
    """
    actions = {item["id"]: item for item in registry.get("actions", [])}
    found = [
        {
            "title": action_title(step["action"], registry),
            "fields": _fields(at, step, actions.get(step["action"], {}).get("inputs") or {}),
        }
        for at, step in enumerate(steps)
    ]
    return [form for form in found if form["fields"]]


def revised(steps: list[Json], forms: list[Json], typed: Json) -> list[Json]:
    """The steps with the inputs that were typed, by the fields' names; what has no field stays.

    So does a value whose field says what it said before: it need not be what its text stands for.
    Raises Twice, with a sentence.
    """
    inputs = {str(at): dict(step["inputs"]) for at, step in enumerate(steps)}
    for field in (field for form in forms for field in form["fields"]):
        at, _, key = field["name"].partition("/")
        text = typed.get(field["name"])
        if at not in inputs or not isinstance(text, str) or _same(text, field["text"]):
            continue
        inputs[at].pop(key, None)
        if text or (field["needed"] and field["kind"] in ("words", "text")):
            inputs[at][key] = _value(text, field["kind"])
    return [
        {"action": step["action"], "inputs": given}
        for step, given in zip(steps, inputs.values(), strict=True)
    ]


def _same(text: str, shown: str) -> bool:
    """Whether two texts are one but for how their lines end, which a browser changes."""
    return text.replace("\r\n", "\n") == shown.replace("\r\n", "\n")


def _fields(at: int, step: Json, root: Json) -> list[Json]:
    schema = resolve(root, root)
    given = step.get("inputs") or {}
    keys = list(dict.fromkeys([*schema.get("properties", {}), *given]))[:MOST_ROWS]
    needed = schema.get("required", [])
    fields = [
        _field(f"{at}/{key}", key, given, schema, root) | {"needed": key in needed} for key in keys
    ]
    return [field for field in fields if _can_be_shown(field["name"] + field["text"])]


def _can_be_shown(text: str) -> bool:
    """Whether a field shows all there is: what is long, or would be unseen, stays as it is."""
    return len(text) <= LONGEST and not any(map(is_invisible, text))


def _field(name: str, key: str, given: Json, schema: Json, root: Json) -> Json:
    sub = property_schema(schema, key, root)
    options = [True, False] if sub.get("type") == "boolean" else sub.get("enum") or []
    kind = "choice" if options else _kind(sub, given.get(key, ""))
    text = _text(given[key], kind) if key in given else ""
    if kind == "choice" and text and text not in map(_json, options):
        options = [*options, given[key]]  # or the browser would choose the first
    return {
        "name": name,
        "label": property_label(schema, key, sub),
        "kind": kind,
        "text": text,
        "options": [(_json(option), show(option)) for option in options],
    }


def _kind(schema: Json, value: Any) -> str:
    type_, lines = schema.get("type"), "\n" in str(value)
    if type_ in ("integer", "number") and not lines:
        return "number"
    if type_ == "string":
        return "text" if len(str(value)) > LONG or lines else "words"
    return "json"


def _text(value: Any, kind: str) -> str:
    """A value as it is typed; text stands for itself unless it would be read as something else."""
    if kind == "choice" or not isinstance(value, str):
        return _json(value)
    return value if kind != "json" or _stands_for_itself(value) else _json(value)


def _stands_for_itself(text: str) -> bool:
    try:
        return bool(_value(text, "json") == text)
    except Twice:
        return False


def _value(text: str, kind: str) -> Any:
    """What was typed, as JSON where it is some; for words it is always text."""
    if kind in ("words", "text") or (kind == "number" and not re.fullmatch(r"\S+", text)):
        return text
    try:
        value = json.loads(text, parse_constant=_refused, object_pairs_hook=_once)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text
    return value


def _refused(_: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


def _once(members: list[tuple[str, Any]]) -> Json:
    """The object of these members. Raises Twice."""
    found: Json = {}
    for key, value in members:
        if key in found:
            raise Twice(f"“{clip(key)}” stands twice in one object. Write each of its names once.")
        found[key] = value
    return found


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
