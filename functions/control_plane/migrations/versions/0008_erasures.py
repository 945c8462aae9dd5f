"""Erasures: payloads taken away, on record."""

from control_plane.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what erasing needs; nothing is erased by it."""
    run_sql("0008_erasures.sql")
