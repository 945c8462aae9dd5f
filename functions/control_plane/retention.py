"""Forgetting what has been kept long enough, a bounded amount at a time.

What is kept how long, and why, stands in one place: the database function `retention()`, since no
login may choose it. Executions are never forgotten here: they are archived.
"""

from control_plane.store import Store

BATCH = 2_000
"""Rows that one transaction forgets: some 20 ms."""
MOST_BATCHES = 50
"""Batches of one kind in one tick, a minute: over a thousand rows a second."""
RESERVE_S = 10.0
"""Time that a tick leaves unused; the next one goes on."""


def forget(store: Store) -> int:
    """Forget what is due, of every kind; how many rows were looked at. Repeatable."""
    kinds = [row["kind"] for row in store.call("SELECT kind FROM retention()")]
    return sum(_forget(store, kind) for kind in kinds)


def _forget(store: Store, kind: str) -> int:
    total = 0
    for _ in range(MOST_BATCHES):
        if store.time_left() < RESERVE_S:
            break
        named = {"kind": kind, "limit": BATCH}
        [done] = store.call("SELECT forget(%(kind)s, %(limit)s) AS rows", **named)
        total += done["rows"]
        if done["rows"] < BATCH:
            break
    return total
