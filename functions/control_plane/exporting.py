"""A project's executions for taking away: JSONL as it is archived, or CSV; oldest first."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

from control_plane.archive.reader import Archive
from control_plane.audit import as_line, merged
from control_plane.canonical import canonical, stored
from control_plane.models import Json
from control_plane.reading import MAX_PAGE_BYTES, MAX_RANGES, decoded, encoded, position
from control_plane.store import Row, Store
from control_plane.target import Target
from control_plane.visibility import shown_to

FORMATS = ("jsonl", "csv")

MOST_ROWS = 5_000
"""Live executions that one page reads at most."""
COLUMNS = (
    "seq", "version", "at", "execution_id", "request_id", "status", "action", "action_version",
    "principal_kind", "principal_id", "principal_owner", "trigger", "cost", "reasons", "inputs",
    "diff", "about", "hash", "prev_hash",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take a cell's first character for; such cells begin with an apostrophe here."""


@dataclass(frozen=True)
class Page:
    """Whole lines, where the next page goes on (None: this is the last), and the last seq."""

    text: str
    next_cursor: str | None
    last_seq: int


def page(
    store: Store,
    archived: Archive,
    target: Target,
    form: str,
    cursor: str | None = None,
    **time: str | None,
) -> Page:
    """A page in one of `FORMATS` of executions of `since` and `until`, across the border.

    Only the first page of a CSV has its head: the pages one after the other are one file.
    """
    after = decoded(cursor, position) or 0
    head = [_cells(COLUMNS)] if form == "csv" and cursor is None else []
    line = _csv_line if form == "csv" else _json_line
    lines, size = list(head), 0
    for row, more in _following(store, archived, target, after, time):
        if row is not None:
            made = line(target, row)
            size += len(made.encode())
            if len(lines) > len(head) and size > MAX_PAGE_BYTES:
                return Page("".join(lines), encoded(str(after)), after)
            lines.append(made)
        after = after if row is None else row["seq"]
        if more is not None:
            return Page("".join(lines), encoded(str(more)), after)
    return Page("".join(lines), None, after)


def _following(
    store: Store, archived: Archive, target: Target, after: int, time: Mapping[str, str | None]
) -> Iterator[tuple[Row | None, int | None]]:
    """Rows after a seq; and, with the last of them, where to go on where this request has to end.

    What moves into the archive meanwhile is read there: live rows count only if nothing has moved.
    """
    where = (target.org, target.project)
    times = {"since": time.get("since"), "until": time.get("until")}
    for _ in range(MAX_RANGES):
        spans = archived.following(*where, after, times)
        if spans:
            yield from (
                (row, None) for row in archived.rows_after(spans[0], after) if _in(row, times)
            )
            after = spans[0]["last_seq"]
            continue
        named = {"project": target.project, "after": after, **times}
        live = store.read(
            target.org, "executions_following", limit=MOST_ROWS, bytes=MAX_PAGE_BYTES, **named
        )
        if archived.following(*where, after, times):
            continue
        yield from ((row, None) for row in live[:-1])
        for last in live[-1:]:
            more = len(live) < last["found"] or len(live) == MOST_ROWS
            yield last, last["seq"] if more else None
        return
    yield None, after


def _in(row: Row, times: Mapping[str, str | None]) -> bool:
    since, until = times["since"], times["until"]
    if since is None and until is None:
        return True
    at = stored(row["record"])["at"]
    return (since is None or at >= since) and (until is None or at < until)


def _json_line(target: Target, row: Row) -> str:
    """The archived line; where its reader may not see all of it, what they may, and no salt.

    Such a line says `redacted`; its hash is still that of the whole, which it doesn't show.
    """
    record, payload = _shown(target, row)
    whole = {"record": stored(row["record"]), "payload": _payload(row)}
    if whole == {"record": record, "payload": payload}:
        return as_line(row) + "\n"
    line = {"hash": row["hash"], "payload": payload, "record": record}
    return canonical({**line, "redacted": True, "salt": None}) + "\n"


def _payload(row: Row) -> dict[str, Json] | None:
    return None if row["payload"] is None else stored(row["payload"])


def _shown(target: Target, row: Row) -> tuple[dict[str, Json], dict[str, Json] | None]:
    """Record and payload without what the execution list hides from this reader as well."""
    record, payload = stored(row["record"]), _payload(row)
    shown = shown_to(target, merged(record, payload or {}))
    return _left(record, shown), None if payload is None else _left(payload, shown)


def _left(part: dict[str, Json], shown: Mapping[str, Json]) -> dict[str, Json]:
    """What of a record or payload is shown; of facts, which both have, its own."""
    left = {name: shown[name] for name in part if name in shown}
    if "facts" in left:
        left["facts"] = {name: f for name, f in part["facts"].items() if name in shown["facts"]}
    return left


def _csv_line(target: Target, row: Row) -> str:
    record, payload = _shown(target, row)
    principal = {f"principal_{name}": value for name, value in record["principal"].items()}
    texts = {name: canonical(value) for name, value in (payload or {}).items()}
    reasons = " ".join(str(reason["code"]) for reason in record["reasons"])
    flat = {**record, **principal, **texts, "reasons": reasons, "hash": row["hash"]}
    return _cells(flat.get(name, "") for name in COLUMNS)


def _cells(values: Any) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([_safe(str(value)) for value in values])
    return text.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def pages(
    store: Store,
    archived: Archive,
    target: Target,
    form: str,
    progress: Callable[[int], None],
    **time: str | None,
) -> Iterator[str]:
    """All pages' texts, one after the other; `progress` is told each page's last seq."""
    cursor = None
    while True:
        found = page(store, archived, target, form, cursor, **time)
        yield found.text
        progress(found.last_seq)
        cursor = found.next_cursor
        if cursor is None:
            return
