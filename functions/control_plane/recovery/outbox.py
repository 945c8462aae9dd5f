"""Messages that may have been delivered after the moment that the database was set back to."""

import psycopg

from control_plane.store.connection import sql
from control_plane.store.login import connect


def hold(owner_url: str) -> int:
    """Hold every message that this database has as undelivered; how many are held now."""
    with connect(owner_url) as connection:
        connection.execute(sql("outbox_hold"))
        return _held(connection)


def release(owner_url: str) -> int:
    """Let the held messages be sent; how many those were."""
    with connect(owner_url) as connection:
        return connection.execute(sql("outbox_release")).rowcount


def _held(connection: psycopg.Connection[tuple[int]]) -> int:
    [(messages,)] = connection.execute(sql("outbox_held")).fetchall()
    return messages
