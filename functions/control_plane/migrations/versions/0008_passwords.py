"""Passwords that were checked, tokens that were revoked while their requests wait."""

from control_plane.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make two functions anew; no row changes."""
    run_sql("0008_passwords.sql")
