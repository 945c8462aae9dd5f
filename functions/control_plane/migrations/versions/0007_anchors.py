"""Archive: the head of each organization's chain of anchors; what is kept how long."""

from control_plane.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add what anchoring and forgetting need; what is archived stays where it is."""
    run_sql("0007_anchors.sql", "0007_retention.sql")
