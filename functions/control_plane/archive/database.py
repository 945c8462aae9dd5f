"""The archiver's own connection: it crosses tenants, on just the tables that archiving needs."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

from control_plane.store.connection import sql
from control_plane.store.login import connect

type Connection = psycopg.Connection[dict[str, Any]]


def opened(url: str) -> Connection:
    """A connection by the archiver's login; each statement is a transaction unless one is begun."""
    return connect(url, autocommit=True, row_factory=dict_row)


def fetch(connection: Connection, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a named query."""
    return connection.execute(sql(query), parameters).fetchall()
