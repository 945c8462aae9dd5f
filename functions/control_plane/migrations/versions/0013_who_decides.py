"""A command's request can be decided, and a policy knows who could approve the next one."""

from control_plane.migrations import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Load a request whose owner is no user, and with somebody who else could approve."""
    run_sql("0013_who_decides.sql")
