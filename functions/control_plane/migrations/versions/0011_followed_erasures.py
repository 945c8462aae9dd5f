"""A recovery follows erasures that the database it is for doesn't know."""

from control_plane.migrations import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Split what an erasure does; it does the same."""
    run_sql("0011_followed_erasures.sql")
