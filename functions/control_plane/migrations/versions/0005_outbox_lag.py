"""The age of the oldest undelivered message."""

from control_plane.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the function that tells it, and its index."""
    run_sql("0005_outbox_lag.sql")
