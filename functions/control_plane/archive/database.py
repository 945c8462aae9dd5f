"""The archiver's own connection: it crosses tenants, on just the tables that archiving needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row

from control_plane.archive.outcome import Overtaken
from control_plane.store.connection import sql
from control_plane.store.login import connect

type Connection = psycopg.Connection[dict[str, Any]]


def opened(url: str) -> Connection:
    """A connection by the archiver's login; each statement is a transaction unless one is begun.

    It may rest for longer than a database that pauses lets others: S3 is read meanwhile.
    """
    connection = connect(url, autocommit=True, row_factory=dict_row)
    connection.execute("SET idle_session_timeout = 0")
    return connection


def fetch(connection: Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a named query."""
    return connection.execute(sql(query), parameters).fetchall()


@contextmanager
def turn(url: str) -> Iterator[Connection]:
    """A connection while it is its turn to change the archive; raises `Overtaken` if it isn't."""
    with opened(url) as connection:
        if not fetch(connection, "archive_turn")[0]["mine"]:
            raise Overtaken("Another archive run is at work. Look again when it has ended.")
        try:
            yield connection
        finally:
            if not connection.broken:
                fetch(connection, "archive_turn_over")
