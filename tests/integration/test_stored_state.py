"""Stored state is what its hashes say and what its chain has left, or nothing goes on from it."""

import pytest
from control_plane import history, reading
from control_plane.archive.reader import Archive
from control_plane.errors import Damaged
from control_plane.models import Intent

from tests.integration.conftest import ADD, Project

ALTERED = "UPDATE components SET state = '{\"value\":999}' WHERE id = 'demo.counter'"
REMEMBER = Intent("memory.remember", {"key": "k", "value": 1})
PAUSE = Intent("project.pause", {})


def test_nothing_goes_on_from_an_altered_state(project: Project) -> None:
    """It is neither answered nor executed upon, and the project can still be paused."""
    before = project.execute(ADD)
    project.superuser(ALTERED)
    for reads in (
        lambda: reading.state(project.store, project.target),
        lambda: project.preview(ADD),
        lambda: project.execute(ADD),
        lambda: project.execute(REMEMBER, ADD, confirm="0" * 64),
    ):
        with pytest.raises(Damaged, match="chat-agent audit verify"):
            reads()
    assert project.executions()[-1]["seq"] == before["seq"]
    assert project.execute(PAUSE)["status"] == "success"


def test_a_history_that_contradicts_itself_is_told(project: Project) -> None:
    """Whoever asks for a version after that gets a sentence, in a preview of going back as well."""
    project.execute(ADD)
    altered = "UPDATE components SET state = s, hash = encode(sha256(s::bytea), 'hex')"
    project.superuser(
        f"{altered} FROM (VALUES ('{{\"value\":999}}')) AS v (s) WHERE id LIKE 'demo%'"
    )
    last = project.execute(ADD)
    version = last["version"]
    for reads in (
        lambda: history.state_at_version(
            project.store, Archive(project.store), project.target, version
        ),
        lambda: project.preview(Intent("project.revert", {"version": version})),
    ):
        with pytest.raises(Damaged, match=f"^Execution {last['seq']} doesn't follow"):
            reads()
