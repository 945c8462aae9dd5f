"""`chat-agent` where the database isn't as it should be: a sentence, never a traceback."""

import os
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from control_plane.store import Store

from infra.local import bootstrap
from tests.conftest import ADMIN_PASSWORD, Database

USERS, MIGRATE, ARCHIVED = "users list", "migrate", "archive list"
LOGINS = [(USERS, ""), (MIGRATE, "OWNER_"), (ARCHIVED, "ARCHIVER_")]
MAIN = "from infra.cli import main; main()"


def run(words: str, database: Database, **urls: str) -> Any:
    """A command that reaches the database by these URLs, for one or several of the logins."""
    buckets = {f"CHAT_AGENT_{kind}_BUCKET": "none" for kind in ("ARCHIVE", "ANCHOR")}
    logins = {"": database.app, "ARCHIVER_": database.archiver, "OWNER_": database.owner} | urls
    env = {f"CHAT_AGENT_{login}DATABASE_URL": url for login, url in logins.items()}
    return subprocess.run(
        [sys.executable, "-c", MAIN, *words.split()],
        capture_output=True, text=True, check=False, timeout=60, env=os.environ | buckets | env,
    )  # fmt: skip


def told(done: Any) -> str:
    """The one sentence of a command that ended with exit code 1."""
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "Traceback" not in done.stderr
    return str(done.stderr)


@pytest.mark.parametrize(("words", "login"), LOGINS)
def test_a_url_that_cannot_be_read_is_told_without_its_password(
    words: str, login: str, database: Database
) -> None:
    """How SQLAlchemy writes one is the likeliest mistake."""
    said = told(
        run(words, database, **{login: "postgresql+psycopg://chat_agent_archiver:S3cret@h/d"})
    )
    assert "can't be read: write postgresql://user:password@host:5432/database" in said
    assert "S3cret" not in said


@pytest.mark.parametrize(("words", "login"), LOGINS)
def test_why_the_database_does_not_answer_is_told(
    words: str, login: str, database: Database
) -> None:
    """Nobody listens, or the database isn't there."""
    url = {"": database.app, "ARCHIVER_": database.archiver, "OWNER_": database.owner}[login]
    said = told(run(words, database, **{login: url.replace(f"/{database.name}", "/elsewhere")}))
    assert said.startswith("The database doesn't answer: ")
    assert 'database "elsewhere" does not exist' in said


@pytest.mark.parametrize("words", [USERS, "organizations create other", ARCHIVED])
def test_a_database_that_is_not_migrated_says_so(words: str, database: Database) -> None:
    """With the command that does it."""
    urls = (database.app, database.archiver, database.owner)
    empty = [url.replace(f"/{database.name}", "/postgres") for url in urls]
    said = told(run(words, database, **dict(zip(("", "ARCHIVER_", "OWNER_"), empty, strict=True))))
    assert said.endswith("run `chat-agent migrate`.\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("users create Bob", "'Bob' can't be signed in with: use at most 128 lower-case letters"),
        (f"projects create p --title {'x' * 201}", "A title has at most 200 characters"),
    ],
)
def test_names_are_held_to_what_the_api_takes(
    words: str, sentence: str, database: Database
) -> None:
    """Refused before anything is asked, with what may stand there."""
    assert sentence in told(run(words, database))


def test_a_project_whose_template_is_not_installed_says_so(database: Database) -> None:
    """With how to give the command what `up` was given."""
    bootstrap.seed(Store(database.app), ADMIN_PASSWORD)
    with psycopg.connect(database.superuser) as connection:
        connection.execute("UPDATE projects SET template = 'pantry' WHERE slug = 'demo'")
    said = told(run("projects pause demo", database))
    assert said.startswith("The template 'pantry' of 'demo' isn't installed here.")
