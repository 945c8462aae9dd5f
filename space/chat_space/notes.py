"""What became of something that was asked for on a form: a tone, a sentence, and lines. Pure."""

from typing import Any

from chat_space.client import ApiError
from chat_space.previews import numbers

Json = dict[str, Any]

MOST_LINES = 50  # places in a document that are complained of


def of_execution(execution: Json, done: str) -> Json:
    """The note for an execution; `done` is the sentence where it succeeded."""
    explained = " ".join(execution.get("explanations") or [])
    if execution["status"] == "success":
        return _note("good", f"{done} ({numbers([execution])})")
    if execution["status"] == "pending_approval":
        return _note("wait", f"{explained} It waits under Approvals; nothing has changed yet.")
    return _note("bad", explained or "That was refused. Nothing was changed.")


def of_error(error: ApiError) -> Json:
    """The note for a refusal, with the line and the key of each mistake in a document."""
    errors = error.members.get("errors")
    found = errors if isinstance(errors, list) else []
    lines = [_line(item) for item in found[:MOST_LINES] if isinstance(item, dict)]
    return _note("bad", error.detail, lines)


def _note(tone: str, text: str, lines: list[str] | None = None) -> Json:
    return {"tone": tone, "text": text, "lines": lines or []}


def _line(item: Json) -> str:
    """One of the API's `errors` as "line 3 · rules[0].condition: what is wrong"."""
    where = [f"line {item['line']}"] if item.get("line") else []
    where += [str(item[name]) for name in ("key", "at") if item.get(name)][:1]
    return ": ".join(text for text in (" · ".join(where), str(item.get("error", ""))) if text)
