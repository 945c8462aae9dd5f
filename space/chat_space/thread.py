"""The conversation as plain data, carried by the browser as JSON text.

Text, because Gradio reads dicts with a `path` as files, and a diff is full of them.
"""

import json
from typing import Any

Json = dict[str, Any]

MOST_TURNS = 60  # older ones leave the page; the audit log keeps what was done
NEEDED = {
    "hello": {"suggestions"},
    "you": {"text"},
    "agent": {"text", "suggestions"},
    "note": {"text"},
    "card": {
        "id", "project", "ask", "digest", "title", "steps", "status", "badge", "tone", "outcome",
        "confirm", "moved", "request", "replaces", "forms", "price", "approval", "unlocks",
    },
}  # fmt: skip


def read(text: str | None) -> list[Json]:
    """The turns that `text` holds. It comes from the browser: what isn't a turn is left out."""
    try:
        turns = json.loads(text or "[]")
    except ValueError:
        return []
    if not isinstance(turns, list):
        return []
    return [turn for turn in turns if isinstance(turn, dict) and _is_turn(turn)]


def write(turns: list[Json]) -> str:
    """The newest turns as JSON text, the greeting always among them."""
    kept = turns if len(turns) <= MOST_TURNS else turns[:1] + turns[1 - MOST_TURNS :]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def hello(suggestions: list[str]) -> Json:
    """The first turn: what the agent can't do, and sentences to begin with."""
    return {"kind": "hello", "suggestions": suggestions}


def you(text: str) -> Json:
    """What the person said."""
    return {"kind": "you", "text": text}


def agent(text: str, suggestions: list[str] | None = None) -> Json:
    """An answer or a question, with sentences to pick from."""
    return {"kind": "agent", "text": text, "suggestions": suggestions or []}


def note(text: str) -> Json:
    """A remark on how messages are read, such as "No model key is set"."""
    return {"kind": "note", "text": text}


def find_card(turns: list[Json], card_id: str) -> Json | None:
    """The card with this id, or None."""
    return next((turn for turn in turns if turn.get("id") == card_id), None)


def replace_card(turns: list[Json], card: Json) -> list[Json]:
    """The turns with the card of the same id replaced."""
    return [card if turn.get("id") == card["id"] else turn for turn in turns]


def said(turns: list[Json], text: str) -> bool:
    """Whether a note with this text was made already."""
    return any(turn["kind"] == "note" and turn["text"] == text for turn in turns)


def _is_turn(turn: Json) -> bool:
    kind = turn.get("kind")
    return isinstance(kind, str) and kind in NEEDED and turn.keys() >= NEEDED[kind]
