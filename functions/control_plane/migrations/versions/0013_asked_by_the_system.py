"""What a command asked for can wait, and be decided, like anybody's request."""

from control_plane.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Load such a request without taking its owner for a user."""
    run_sql("0013_asked_by_the_system.sql")
