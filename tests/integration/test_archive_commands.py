"""The archive by command, and its objects as other programs read them."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from control_plane import settings
from control_plane.archive import run
from control_plane.archive.bucket import Bucket
from typer.testing import CliRunner

from infra.cli import app
from tests.integration.archiving import bucket, log, objects, old
from tests.integration.conftest import ADD, Project
from tests.s3 import S3

__all__ = ["bucket", "old"]

CLI = CliRunner()
PAGE = (Path(__file__).parents[2] / "docs" / "archive.md").read_text()


@pytest.fixture(autouse=True)
def environment(old: Project, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands need to reach this test's database and buckets."""
    monkeypatch.setenv("CHAT_AGENT_DATABASE_URL", old.database.app)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", old.database.archiver)
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", bucket.name)
    monkeypatch.setenv("CHAT_AGENT_ANCHOR_BUCKET", s3.new_anchor_bucket())
    settings.settings.cache_clear()


def command(*arguments: str) -> Any:
    """Run `chat-agent archive …`."""
    return CLI.invoke(app, ["archive", *arguments])


def test_an_object_is_run_listed_and_shown(old: Project) -> None:
    """`show` has the manifest's row, the ranges, and what S3 really holds."""
    done = command("run", "--older-than", "90d")
    assert done.exit_code == 0, done.output
    listed = [json.loads(line) for line in command("list").stdout.splitlines()]
    shown = json.loads(command("show", listed[0]["key"]).stdout)
    assert listed[0].items() <= shown.items()
    assert shown["held"] == {
        "size": shown["size"],
        "sha256": shown["sha256"],
        "locked_until": None,
    }
    [span] = shown["ranges"]
    assert (span["project"], span["offset"]) == (old.target.project, 0)
    assert span["last_seq"] - span["first_seq"] + 1 == shown["rows"]


def test_another_login_is_told_apart_from_an_empty_archive(
    old: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row-level security would show it no row, and everything would look missing."""
    monkeypatch.setenv("CHAT_AGENT_ARCHIVER_DATABASE_URL", old.database.app)
    settings.settings.cache_clear()
    for words in (("archive", "run"), ("archive", "list"), ("audit", "verify")):
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code == 1
        assert "Give the one of chat_agent_archiver." in done.stderr


def test_show_says_when_s3_holds_other_bytes(old: Project, bucket: Bucket) -> None:
    """The version that the manifest names is gone, or the manifest is of another object."""
    run.archive(old.database.archiver, bucket, 90)
    first, second, _ = run.listed(old.database.archiver)
    old.superuser(
        f"UPDATE archives SET version_id = 'x' WHERE key = '{first['key']}';"
        f"UPDATE archives SET sha256 = repeat('0', 64) WHERE key = '{second['key']}'"
    )
    assert "S3 doesn't" in command("show", first["key"]).stderr
    assert "other bytes" in command("show", second["key"]).stderr
    assert command("show", "nothing").exit_code == 1


def test_failures_are_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with a traceback: no bucket, no such age."""
    monkeypatch.setenv("CHAT_AGENT_ARCHIVE_BUCKET", "nowhere")
    settings.settings.cache_clear()
    done = command("run")
    assert done.exit_code == 1
    assert "S3 doesn't do what it is asked for" in done.stderr
    assert "is not an age" in command("run", "--older-than", "soon").stderr
    assert command("clean").exit_code == 1


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_whole_project_goes_to_a_file(
    old: Project, bucket: Bucket, tmp_path: Path, form: str
) -> None:
    """Both sides of the border; a file that is there isn't overwritten."""
    run.archive(old.database.archiver, bucket, 90)
    old.execute(ADD)
    file = tmp_path / "export"
    done = command("export", "demo", str(file), "--format", form)
    assert done.exit_code == 0, done.output
    lines = file.read_text().splitlines()
    assert len(lines) == len(log(old)) + (form == "csv")
    assert "can't be written" in command("export", "demo", str(file)).stderr
    assert file.read_text().splitlines() == lines
    assert "is no format" in command("export", "demo", str(file), "--format", "xml").stderr


def test_duckdb_reads_the_objects_as_they_are(
    old: Project, bucket: Bucket, s3: S3, tmp_path: Path
) -> None:
    """The queries of docs/archive.md, over a folder as S3 holds it; members of many projects."""
    run.archive(old.database.archiver, bucket, 0)
    for key, body in objects(bucket, s3).items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(body)
    queries = [part.partition("```")[0] for part in PAGE.split("```sql\n")[1:]]
    assert len(queries) == 2
    with duckdb.connect() as connection:
        counted, flat = (
            connection.execute(query.replace("executions/", f"{tmp_path}/executions/")).fetchall()
            for query in queries
        )
    before = log(old)
    asked = [item for item in before if item["action"] == ADD.action]
    assert (ADD.action, "success", len(asked)) in counted
    mine = [row for row in flat if row[0] == old.target.project]
    assert [row[1] for row in mine] == [item["seq"] for item in before]
    assert [row[3] for row in mine] == [item["hash"] for item in before]
