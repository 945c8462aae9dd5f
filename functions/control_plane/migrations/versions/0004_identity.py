"""Identity: API tokens, first passwords that are good once, purged projects."""

from control_plane.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add what tokens need; sessions and people go on as they were."""
    run_sql("0004_identity.sql")
