"""Held messages: what a recovery keeps from being sent until somebody releases it."""

from control_plane.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what holding messages needs; all messages stay as they are."""
    run_sql("0008_held_messages.sql")
