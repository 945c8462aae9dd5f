"""A purge takes what is archived of a project, too."""

from control_plane.migrations import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Let purges be erasures to the archive; those of before take nothing more."""
    run_sql("0010_purged_archives.sql")
