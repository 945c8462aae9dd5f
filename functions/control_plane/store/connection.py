"""One connection a thread, and how a use case is tried again.

Every message is one simple-protocol query (`ClientCursor`): two trips from BEGIN to the
acknowledged COMMIT. psycopg's `pipeline()` is never used: its Flush after Sync leaves the
server's idle timer unarmed, so that a frozen client would hold its project's lock.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from control_plane.errors import Unavailable
from control_plane.observing.failures import database_failed
from control_plane.store.login import connect
from control_plane.store.message import call, send

STATEMENT_TIMEOUT_S = 6.0
"""The application login's `statement_timeout`; roles.sql sets it."""
MARGIN_S = 2.0
ATTEMPTS = 4

NOT_MIGRATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedColumn,
)
"""What a database answers whose schema is another version's."""
OTHER_SCHEMA = "The database's schema is not the one this version needs: migrate."
"""What callers are told of it."""

_NOTHING_COMMITTED = {"40001", "40P01", "55P03", "57014", "25P03", "25P04"}
_OUTCOME_UNKNOWN = ("08", "57P0")

type Row = dict[str, Any]


@cache
def sql(name: str) -> str:
    """The text of a named query in `sql/`."""
    return (Path(__file__).parent / "sql" / f"{name}.sql").read_text()


class Store:
    """The database as one login sees it. Threads may share a store; each gets a connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()

    def limit_time(self, seconds: float) -> None:
        """This thread's request ends in `seconds`: begin nothing that could outlive it."""
        self._local.deadline = time.monotonic() + seconds

    def time_left(self) -> float:
        """Seconds left for this thread's request; infinite where no limit was set."""
        deadline: float = getattr(self._local, "deadline", float("inf"))
        return deadline - time.monotonic()

    def retrying[Result](self, use_case: Callable[[], Result]) -> Result:
        """Run a whole use case, again if the database asks for that.

        Where the outcome of a COMMIT is unknown, only the use case's idempotency key makes a
        second run right: call this with none but those that carry one, or only read.
        Raises `Unavailable` when the tries or the time are used up, with what was in the way.
        """
        failed: psycopg.Error | None = None
        for attempt in range(ATTEMPTS):
            try:
                return use_case()
            except psycopg.Error as error:
                if not _is_transient(error):
                    raise
                database_failed(error)
                self.disconnect()
                failed = error
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise Unavailable() from failed

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """This thread's connection; whatever wasn't committed is rolled back at the end."""
        if self.time_left() < STATEMENT_TIMEOUT_S + MARGIN_S:
            raise Unavailable("Too little time is left for this request. Send it again.")
        connection = self._open()
        try:
            yield connection
        finally:
            self._leave_clean(connection)

    def _leave_clean(self, connection: psycopg.Connection[Any]) -> None:
        """Roll back what is open. Where even that fails, the server has done it: start anew."""
        try:
            if connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.rollback()
        except psycopg.Error:
            self.disconnect()

    def read(self, org: str, query: str, **parameters: Any) -> list[Row]:
        """The rows that a named query answers for one tenant, on one snapshot, in one trip."""
        message = f"{_READ} {sql(query).rstrip().rstrip(';')}; COMMIT"
        return self.retrying(lambda: self._rows(message, {"org": org, **parameters}))

    def write(self, org: str, query: str, **parameters: Any) -> list[Row]:
        """Run a named query that changes rows of one tenant, beside any project's chain.

        Not retried where its outcome is unknown: `Unavailable` then tells the caller to ask again.
        """
        message = f"{_WRITE} {sql(query).rstrip().rstrip(';')}; COMMIT"
        try:
            return self._rows(message, {"org": org, **parameters})
        except psycopg.OperationalError as error:
            database_failed(error)
            self.disconnect()
            raise Unavailable() from error

    def call(self, statement: str, **parameters: Any) -> list[Row]:
        """The rows of one statement that is a transaction of its own and can be repeated."""
        return self.retrying(lambda: self._rows(statement, parameters))

    def ask(self, function: str, *arguments: Any) -> str:
        """The text that a database function answers, empty for NULL; as `call`, but faster."""

        def asking() -> str:
            with self.connection() as connection:
                return send(connection, call(connection, function, *arguments))

        return self.retrying(asking)

    def _rows(self, message: str, parameters: dict[str, Any]) -> list[Row]:
        with self.connection() as connection:
            cursor = psycopg.ClientCursor(connection, row_factory=dict_row)
            return last_rows(cursor.execute(message, parameters))

    def disconnect(self) -> None:
        """Close this thread's connection; the next use opens a new one."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def _open(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:  # by us, or broken
            connection = connect(
                self._url, autocommit=True, prepare_threshold=None, connect_timeout=5
            )
            self._local.connection = connection
        return connection


_WRITE = "BEGIN; SELECT set_config('app.org', %(org)s::text, true);"
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SELECT set_config('app.org', %(org)s::text, true);"
)


def last_rows(cursor: psycopg.Cursor[Any]) -> list[Any]:
    """The rows of the last statement, of several in one message, that answers any."""
    rows: list[Any] = []
    more: bool | None = True
    while more:
        if cursor.description is not None:
            rows = cursor.fetchall()
        more = cursor.nextset()
    return rows


def _is_transient(error: psycopg.Error) -> bool:
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate in _NOTHING_COMMITTED or error.sqlstate.startswith(_OUTCOME_UNKNOWN)
