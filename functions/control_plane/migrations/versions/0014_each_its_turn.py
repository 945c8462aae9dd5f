"""No request that can't be closed keeps another from expiring."""

from control_plane.migrations import run_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Look for overdue requests page by page, of installed templates only."""
    run_sql("0014_each_its_turn.sql")
