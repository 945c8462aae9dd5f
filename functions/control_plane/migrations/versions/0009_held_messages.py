"""Held messages: what a recovery keeps from being sent until somebody releases it."""

from control_plane.migrations import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add what holding messages needs; all messages stay as they are."""
    run_sql("0009_held_messages.sql")
