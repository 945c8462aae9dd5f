"""Governance: policies, counters, requests for approval, pauses."""

from control_plane.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what policy needs; projects that have none go on as they were."""
    run_sql("0003_governance.sql", "0003_functions.sql")
