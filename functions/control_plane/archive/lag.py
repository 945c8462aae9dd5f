"""How far the archive is behind."""

from psycopg.rows import dict_row

from control_plane.store.connection import sql
from control_plane.store.login import connect


def lag(url: str, after_days: int) -> float:
    """Age in seconds of the oldest execution that should be archived and isn't; 0 if none is left.

    `url` is the archiver's login; whole UTC days older than `after_days` should be archived.
    """
    with connect(url, autocommit=True, row_factory=dict_row) as connection:
        [found] = connection.execute(sql("archive_cutoff"), {"days": after_days}).fetchall()
        [oldest] = connection.execute(sql("archive_lag"), {"cutoff": found["cutoff"]}).fetchall()
    return float(oldest["seconds"])
