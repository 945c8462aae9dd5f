"""The two trips of the writing path: lock and load, then record and commit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from msgspec import Struct, field

from control_plane.models import Principal
from control_plane.observing.current import committed, timing
from control_plane.store.connection import Store
from control_plane.store.message import call, send
from control_plane.store.rows import Batch, Loaded, read_loaded

# The lock comes first and alone, inside `load_project`; READ COMMITTED gives each statement after
# it a snapshot that is younger than the lock. Under REPEATABLE READ, or with lock and read in one
# statement, 97 of 120 acknowledged writes were lost in a trial.
_LOCKING = "BEGIN ISOLATION LEVEL READ COMMITTED; "
_LOOKING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "


class Asked(Struct, frozen=True):
    """What to load: a project, for whom, the components to read, the request ids to look up.

    `components` None reads all; those whose schema version isn't the one in `schemas` are read,
    too. All others come without their text. The policy comes unless it is version `policy`.
    `approval` is the request and `subject` the user that it is about, where it is about any.
    """

    org: str
    project: str
    principal: Principal
    components: Sequence[str] | None = None
    keys: Sequence[str] = ()
    schemas: Mapping[str, int] = field(default_factory=dict)
    policy: int = 0
    counters: Sequence[str] = ()
    approval: str | None = None
    subject: str | None = None

    def arguments(self, *, lock: bool) -> list[Any]:
        """As `load_project` takes them; the system principal is nobody's user."""
        return [
            self.org,
            self.project,
            None if self.principal.kind == "system" else self.principal.owner,
            self.principal.id,
            None if self.components is None else list(self.components),
            list(self.keys),
            orjson.dumps(self.schemas).decode(),
            self.policy,
            list(self.counters),
            self.approval,
            self.subject,
            lock,
        ]


class Writing:
    """An open transaction that holds the project's lock."""

    def __init__(self, connection: psycopg.Connection[Any], loaded: Loaded) -> None:
        self._connection = connection
        self.loaded = loaded

    def commit(self, batch: Batch) -> None:
        """Trip 2. When it returns, everything is committed; when it raises, ask by the key."""
        calls = [call(self._connection, name, *given) for name, given in batch.calls()]
        send(self._connection, "; ".join([*calls, "COMMIT"]))
        committed(batch.executions)


@contextmanager
def writing(store: Store, asked: Asked) -> Iterator[Writing]:
    """Take the project's lock and load it; leaving without `commit` rolls back."""
    with store.connection() as connection:
        with timing("lock_and_load_ms"):
            loaded = _load(connection, asked, lock=True)
        yield Writing(connection, loaded)


def looking(store: Store, asked: Asked) -> Loaded:
    """What `writing` would load, on one snapshot and without the lock: for previews."""

    def look() -> Loaded:
        with store.connection() as connection:
            return _load(connection, asked, lock=False)

    return store.retrying(look)


def _load(connection: psycopg.Connection[Any], asked: Asked, *, lock: bool) -> Loaded:
    load = call(connection, "load_project", *asked.arguments(lock=lock))
    if lock:
        return read_loaded(send(connection, _LOCKING + load))
    loaded = send(connection, _LOOKING + load)
    send(connection, "COMMIT")
    return read_loaded(loaded)
