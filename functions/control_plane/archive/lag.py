"""How far the archive is behind."""

from control_plane.archive.database import fetch, opened


def lag(url: str, after_days: int) -> float:
    """Age in seconds of the oldest execution that should be archived and isn't; 0 if none is left.

    `url` is the archiver's login; whole UTC days older than `after_days` should be archived.
    """
    with opened(url) as connection:
        [found] = fetch(connection, "archive_cutoff", days=after_days)
        [oldest] = fetch(connection, "archive_lag", cutoff=found["cutoff"])
    return float(oldest["seconds"])
