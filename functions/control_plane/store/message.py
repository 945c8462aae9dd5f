"""One simple-protocol message (`PQexec`): some statements, literals escaped by libpq.

psycopg's own cursors take several times as long to compose and read such a message; its
`pipeline()` must never be used (see `connection`).
"""

from typing import Any

import psycopg
from psycopg import pq


def call(connection: psycopg.Connection[Any], function: str, *arguments: Any) -> bytes:
    """`SELECT function(…)` with these arguments: None, bool, int, str, or a list of str."""
    escaping = pq.Escaping(connection.pgconn)
    values = b", ".join([_literal(escaping, value) for value in arguments])
    return b"SELECT %b(%b)" % (function.encode(), values)


def _literal(escaping: Any, value: Any) -> bytes:
    if type(value) is str:
        if "'" in value or "\\" in value or "\x00" in value:
            return bytes(escaping.escape_literal(value.encode()))
        return b"'%b'" % value.encode()  # nothing in it to escape
    if value is None:
        return b"NULL"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int):
        return b"%d" % value
    items = b", ".join([_literal(escaping, item) for item in value])
    return b"ARRAY[" + items + b"]::text[]"


def send(connection: psycopg.Connection[Any], message: bytes) -> str:
    """Send a message and wait for all of it; answers the first value of its last statement.

    Raises psycopg's error for the first statement that failed: the rest was then not run.
    """
    result = connection.pgconn.exec_(message)
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        value = result.get_value(0, 0) if result.ntuples else None
        return (value or b"").decode()
    if result.error_field(pq.DiagnosticField.SQLSTATE) is None:  # libpq's own: the line is cut
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
