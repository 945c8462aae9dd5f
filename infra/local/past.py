"""Some weeks of plausible history for project `harbor`, made by real executions.

The database's clock is set back for it, which only the schema's owner can; every execution then
takes the real path, with its moment in the past.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from control_plane import execution, reading
from control_plane.archive.reader import Archive
from control_plane.models import Intent, Json
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.target import Target

REAL_CLOCK = "clock_timestamp()"
BEGIN = datetime.now(UTC) - timedelta(days=27)

type SetClock = Callable[[datetime], None]

# Days ago, hour and minute, action, inputs. Refusals belong to a plausible history.
type Moment = tuple[int, str, str, dict[str, Json]]


def note(title: str, *paragraphs: str, tags: tuple[str, ...] = ()) -> dict[str, Json]:
    """The inputs of a note."""
    return {"title": title, "text": "\n\n".join(paragraphs), "tags": list(tags)}


HISTORY: list[Moment] = [
    (
        26,
        "09:12",
        "note.write",
        note(
            "Scope of 24.11",
            "Checkout in two steps, search that forgives typing errors, and the dark mode that "
            "support has been asking for since spring.",
            "Out of scope: the loyalty programme. It waits for the contract with the bank.",
            tags=("scope", "24.11"),
        ),
    ),
    (26, "09:40", "budget.set", {"total": 400}),
    (25, "10:05", "budget.spend", {"amount": 40}),
    (24, "14:30", "switch.flip", {"name": "faster_search"}),
    (24, "15:10", "switch.flip", {"name": "faster_search"}),
    (22, "11:00", "release.freeze", {}),
    (21, "09:55", "checklist.tick", {"item": "security_review"}),
    (21, "10:20", "release.freeze", {}),
    (21, "10:45", "release.rollout", {"percent": 5}),
    (20, "08:15", "release.rollout", {"percent": 20}),
    (
        20,
        "08:50",
        "note.write",
        note(
            "Rollback of 21 October",
            "At 20 percent the new checkout lost the basket of customers with more than one "
            "currency. Nobody was charged twice.",
            "Decision: back to the candidate, a second security review, then again from zero.",
            tags=("incident", "decision"),
        ),
    ),
    (19, "16:00", "switch.flip", {"name": "new_checkout"}),
    (19, "16:20", "switch.flip", {"name": "new_checkout"}),
    (17, "09:30", "budget.spend", {"amount": 200}),
    (17, "09:31", "budget.spend", {"amount": 20}),
    (14, "13:45", "incident.resolve", {}),
    (14, "13:46", "incident.resolve", {}),
    (12, "10:00", "memory.remember", {"key": "launch call", "value": "Tuesdays, 10:00"}),
    (11, "09:00", "budget.set", {"total": 350}),
    (10, "17:20", "switch.flip", {"name": "dark_mode"}),
    (9, "08:40", "switch.flip", {"name": "dark_mode"}),
    (7, "10:10", "release.rollout", {"percent": 120}),
    (6, "15:00", "budget.set", {"total": 450}),
    (5, "09:20", "project.revert", {"version": 3}),
    (
        4,
        "10:30",
        "note.write",
        note(
            "Second candidate",
            "Built from the same branch with the basket fix. Load test passed at three times the "
            "traffic of last year's sale.",
            "Open: the second security review. The reviewers have the build since Monday.",
            tags=("24.11", "status"),
        ),
    ),
    (
        3,
        "11:00",
        "memory.remember",
        {"key": "on call", "value": {"this week": "Ada", "next": "Lin"}},
    ),
    (2, "09:15", "switch.flip", {"name": "faster_search"}),
    (1, "16:40", "release.freeze", {}),
]


def make(store: Store, target: Target, set_clock: SetClock) -> None:
    """Execute the history, each step at its moment, unless it has been made before."""
    head = reading.project(store, target.org, target.principal.owner, target.project)
    if head["seq"] >= len(HISTORY) + 2:  # created, migrated
        return
    for number, (days_ago, time, action, inputs) in enumerate(HISTORY, start=1):
        hour, minute = map(int, time.split(":"))
        day = datetime.now(UTC) - timedelta(days=days_ago)
        set_clock(day.replace(hour=hour, minute=minute, second=number))
        intents = [Intent(action, inputs)]
        request = Request("execution", f"history-{number}", intents, None, "seed")
        execution.execute(store, Archive(store), target, request)


@contextmanager
def shifted_clock(owner_url: str) -> Iterator[SetClock]:
    """A function that sets the database's clock; at the end the real one runs again."""
    with psycopg.connect(owner_url, autocommit=True) as connection:

        def run_by(expression: str) -> None:
            connection.execute(
                "CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz"
                f" LANGUAGE sql VOLATILE AS $$ SELECT {expression} $$".encode()
            )

        try:
            yield lambda moment: run_by(f"timestamptz '{moment.isoformat()}'")
        finally:
            run_by(REAL_CLOCK)
