"""Payloads and projects end on record alone."""

from control_plane.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Let no erasure hide behind what is archived."""
    run_sql("0015_recorded_ends.sql")
