"""One simple-protocol message (`PQexec`): some statements, literals escaped by libpq.

psycopg's own cursors take several times as long to compose and read such a message; its
`pipeline()` must never be used (see `connection`).
"""

from typing import Any

import psycopg
from psycopg import pq


def call(connection: psycopg.Connection[Any], function: str, *arguments: Any) -> str:
    """`SELECT function(…)` with these arguments: None, bool, int, str, or a list of str."""
    return f"SELECT {function}({', '.join([_literal(connection, each) for each in arguments])})"


def _literal(connection: psycopg.Connection[Any], value: Any) -> str:
    if type(value) is str:
        if "'" in value or "\\" in value or "\x00" in value:
            return bytes(pq.Escaping(connection.pgconn).escape_literal(value.encode())).decode()
        return f"'{value}'"  # nothing in it to escape
    if value is None:
        return "NULL"
    if type(value) is list:
        return _literal(connection, _array(value))
    return f"'{value}'"  # int, or bool: as text it is read as the argument's type, not converted


def _array(values: list[str]) -> str:
    """PostgreSQL's text of an array. (The server would evaluate `ARRAY[…]` as an expression.)"""
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return "{" + ",".join([f'"{value}"' for value in quoted]) + "}"


def send(connection: psycopg.Connection[Any], message: str) -> str:
    """Send a message and wait for all of it; answers the first value of its last statement.

    Raises psycopg's error for the first statement that failed: the rest was then not run.
    """
    result = connection.pgconn.exec_(message.encode())
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        value = result.get_value(0, 0) if result.ntuples else None
        return (value or b"").decode()
    if result.error_field(pq.DiagnosticField.SQLSTATE) is None:  # libpq's own: the line is cut
        raise psycopg.OperationalError(result.get_error_message())
    raise psycopg.errors.error_from_result(result)
