"""Whether the database can do its work, found out within a few seconds whatever state it is in.

On a connection of its own: a kept one may be stale, and one that hangs must not be kept.
"""

import select
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
from psycopg import pq

from control_plane.errors import Unavailable
from control_plane.observing.failures import database_failed
from control_plane.settings import SettingRefused
from control_plane.store import SCHEMA_VERSION
from control_plane.store.connection import OTHER_SCHEMA
from control_plane.store.login import connect

PATIENCE_S = 4.5
"""For everything together; a server that hangs doesn't keep its own time limits."""
_CONNECT_S = 2

_SCHEMA = "SELECT version_num FROM alembic_version"
_OUTBOX = "SELECT outbox_lag()::bigint"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The schema that is there, as this code needs it, and the oldest waiting message's age."""

    schema: str
    outbox_age_seconds: int


class _TooSlow(Exception):
    """The database hasn't answered in time."""


def look(url: str) -> Readiness:
    """Look at the database of the application's login. Raises `Unavailable`, with no internals."""
    until = monotonic() + PATIENCE_S
    try:
        with connect(url, autocommit=True, connect_timeout=_CONNECT_S) as connection:
            schema = _value(connection, _SCHEMA, until)
            if schema == SCHEMA_VERSION:
                return Readiness(schema, int(_value(connection, _OUTBOX, until)))
    except psycopg.errors.UndefinedTable:
        pass
    except (psycopg.Error, SettingRefused, _TooSlow) as error:
        database_failed(error)
        raise Unavailable("The database doesn't answer.") from None
    raise Unavailable(OTHER_SCHEMA)


def _value(connection: psycopg.Connection[Any], query: str, until: float) -> str:
    """The first value that a query answers; raises `_TooSlow` at a moment."""
    connection.pgconn.send_query(query.encode())
    found = ""
    while result := _next_result(connection.pgconn, until):
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
        found = (result.get_value(0, 0) or b"").decode() if result.ntuples else ""
    return found


def _next_result(pgconn: pq.abc.PGconn, until: float) -> pq.abc.PGresult | None:
    while pgconn.is_busy():
        if not select.select([pgconn.socket], [], [], max(0.0, until - monotonic()))[0]:
            raise _TooSlow
        pgconn.consume_input()
    return pgconn.get_result()
