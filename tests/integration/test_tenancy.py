"""What the database itself refuses, whatever the code above it does."""

import psycopg
import pytest
from control_plane import organizations
from control_plane.errors import NotFound
from control_plane.models import SYSTEM
from control_plane.registry import load_registries
from control_plane.target import Target
from psycopg import sql

from tests.conftest import TEMPLATE, Cluster
from tests.integration.conftest import ADD, Project

TENANT_TABLES = [
    "organizations",
    "users",
    "sessions",
    "login_attempts",
    "projects",
    "members",
    "components",
    "executions",
    "checkpoints",
    "idempotency_keys",
    "outbox",
    "archives",
    "archive_ranges",
    "policies",
    "usage",
    "approvals",
    "sign_in_links",
    "tokens",
    "anchor_heads",
    "erasures",
]


@pytest.fixture
def other_org(project: Project) -> str:
    """A second organization with a project of its own."""
    registries = load_registries()
    made = organizations.create_organization(project.store, registries, "other", "x" * 12)
    names = {"slug": "demo", "title": "Theirs", "template": "demo"}
    organizations.create_project(project.store, registries, (made["organization"], SYSTEM), names)
    return made["organization"]


def test_every_tenant_table_forces_row_level_security(project: Project) -> None:
    """No table with rows of tenants is without it, and none is unknown to this test."""
    rows = project.rows(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND %s <> ''"
    )
    forced = {row["relname"] for row in rows if row["forced"]}
    assert forced == set(TENANT_TABLES)
    assert {row["relname"] for row in rows} - forced == {"alembic_version"}


@pytest.mark.parametrize("table", [t for t in TENANT_TABLES if t != "organizations"])
def test_one_tenant_sees_no_row_of_another(project: Project, other_org: str, table: str) -> None:
    """With one tenant set, no row of any other is there; with none set, no row at all."""
    query = sql.SQL("SELECT DISTINCT org_id::text FROM {}").format(sql.Identifier(table))
    with psycopg.connect(project.database.app) as connection:
        assert connection.execute(query).fetchall() == []
        connection.execute("SELECT set_config('app.org', %s, true)", [other_org])
        assert {row[0] for row in connection.execute(query)} <= {other_org}


def test_a_row_can_not_name_another_tenants_project(project: Project, other_org: str) -> None:
    """Row-level security alone would allow it; the foreign key doesn't."""
    with psycopg.connect(project.database.app) as connection:
        connection.execute("SELECT set_config('app.org', %s, true)", [other_org])
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(
                "INSERT INTO components (org_id, project_id, id, schema_version, version, hash,"
                " state) VALUES (%s, %s, 'x', 1, 1, '', '{}')",
                [other_org, project.target.project],
            )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE executions SET status = 'failed'",
        "DELETE FROM executions",
        "TRUNCATE executions",
        "CREATE TABLE mine ()",
        "ALTER TABLE executions DISABLE ROW LEVEL SECURITY",
        "CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz LANGUAGE sql"
        " AS 'SELECT now()'",
        "SET ROLE chat_agent_owner",
        "INSERT INTO archives DEFAULT VALUES",
    ],
)
def test_the_application_may_not(project: Project, statement: str) -> None:
    """The application's login can neither rewrite history nor the rules."""
    with psycopg.connect(project.database.app) as connection:
        connection.execute("SELECT set_config('app.org', %s, true)", [project.target.org])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_application_makes_no_temporary_objects(postgres: Cluster) -> None:
    """In a database that was migrated; a copy of one, as tests have it, loses that right again."""
    allowed = "SELECT has_database_privilege('chat_agent_app', %s, 'TEMPORARY')"
    with postgres.admin() as admin:
        assert admin.execute(allowed, [TEMPLATE]).fetchone() == (False,)


def test_no_login_bypasses_row_level_security(project: Project) -> None:
    """None of the three is a superuser or may bypass it."""
    rows = project.rows(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'chat_agent%%'"
        " AND NOT rolsuper AND NOT rolbypassrls AND NOT rolcreaterole AND %s <> ''"
    )
    assert len(rows) == 3


def test_the_owners_data_migration_touches_rows(project: Project) -> None:
    """Forced row-level security would silently make the owner's UPDATE touch nothing."""
    with psycopg.connect(project.database.owner) as connection:
        changed = connection.execute("UPDATE projects SET title = title").rowcount
    assert changed == 2


def test_the_head_never_goes_back(project: Project) -> None:
    """Not even the owner lowers a project's seq, version or time."""
    project.execute(ADD)
    for change in ("seq = seq - 1", "version = version - 1", "at = at - interval '1s'"):
        with (
            psycopg.connect(project.database.owner) as connection,
            pytest.raises(psycopg.errors.IntegrityConstraintViolation),
        ):
            connection.execute(f"UPDATE projects SET {change}".encode())


def test_a_foreign_project_is_not_there(project: Project, other_org: str) -> None:
    """Asking for another tenant's project by its id finds nothing, under the lock, too."""
    with psycopg.connect(project.database.superuser) as connection:
        row = connection.execute(
            "SELECT id::text FROM projects WHERE org_id = %s AND slug = 'demo'", [other_org]
        ).fetchone()
    assert row is not None
    target = Target(project.target.org, row[0], project.target.principal, project.target.registry)
    with pytest.raises(NotFound):
        Project(project.store, target, project.database).execute(ADD)
