"""Payloads and projects end on record alone; current state can be verified."""

from control_plane.migrations import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Refuse erasures and purges that no execution records; tell the archiver hashes of states."""
    run_sql("0015_recorded_ends.sql")
