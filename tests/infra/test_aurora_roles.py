"""The first roles on Aurora: made through the RDS Data API by a master that is no superuser."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from control_plane.migrations import HERE, migrate

from infra.local.bootstrap import DATABASE, Logins, logins
from infra.local.postgres import Postgres
from tests.infra import sam

ROLES = ["chat_agent_app", "chat_agent_archiver", "chat_agent_owner"]
SCRIPTS = [HERE / "roles.sql", sam.ROOT / "infra" / "aurora.sql"]
MASTER = "chat_agent_master"
PASSWORD = "only in this test"  # plain PostgreSQL has no IAM logins

# What RDS makes before anyone can log in: its IAM group, and a master without superuser's rights.
RDS = f"""
CREATE ROLE rds_iam;
CREATE ROLE {MASTER} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}';
GRANT rds_iam TO {MASTER} WITH ADMIN OPTION;
"""


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL of a cluster as RDS hands it over."""
    with Postgres(tmp_path_factory.mktemp("aurora"), durable=False) as server:
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute(RDS)
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {MASTER}")
        yield server.superuser_url()


@pytest.fixture(scope="module")
def urls(superuser: str) -> Logins:
    """The three logins after the master ran both scripts, twice."""
    master = logins(superuser, dict.fromkeys(ROLES, PASSWORD)).app.replace(ROLES[0], MASTER)
    with psycopg.connect(master, autocommit=True) as connection:
        for script in SCRIPTS * 2:
            run_as_data_api(connection, script)
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")
    return logins(superuser, dict.fromkeys(ROLES, PASSWORD))


def run_as_data_api(connection: psycopg.Connection, script: Path) -> None:
    """Run a script by the extended protocol, which like the Data API takes one statement."""
    connection.execute(script.read_bytes(), binary=True)


@pytest.mark.parametrize("role", ROLES)
def test_every_login_signs_in_with_iam_tokens(superuser: str, urls: Logins, role: str) -> None:
    """Each of the three is a member of rds_iam."""
    assert urls
    query = "SELECT pg_has_role(%s, 'rds_iam', 'MEMBER')"
    with psycopg.connect(superuser) as connection:
        assert connection.execute(query, [role]).fetchone() == (True,)


def test_the_owner_can_migrate_what_the_master_made(urls: Logins) -> None:
    """The database belongs to the owner's login, which brings it to the newest schema."""
    assert migrate(urls.owner)


def test_the_master_keeps_no_way_into_the_owners_schema(superuser: str, urls: Logins) -> None:
    """After the hand-over the master can't become the owner."""
    assert urls
    query = "SELECT pg_has_role(%s, 'chat_agent_owner', 'SET')"
    with psycopg.connect(superuser) as connection:
        assert connection.execute(query, [MASTER]).fetchone() == (False,)
