"""The foundation: tenants, projects, state, executions, archive, and the two trips."""

from control_plane.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create everything; there is no way down from the first migration but a new database."""
    run_sql("0001_foundation.sql", "0001_functions.sql")
