"""What a checkpoint costs doesn't depend on how long the history is."""

from control_plane.migrations import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Tell the function the execution that it looked for."""
    run_sql("0012_constant_checkpoints.sql")
