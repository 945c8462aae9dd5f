"""How a database comes to its first data, on one machine and on AWS."""

from typing import Any

import pytest
from control_plane import settings, signing_in
from control_plane.errors import Unauthenticated
from control_plane.store import SCHEMA_VERSION, Store
from handlers import migrate

from infra.local.bootstrap import seed
from tests.conftest import Database
from tests.handlers.events import Context


def test_seeding_again_changes_nothing_but_a_differing_password(database: Database) -> None:
    """What `up` prints always works, and only a difference leaves an execution."""
    store = Store(database.app)
    seed(store, "the first password")
    seed(store, "the first password")
    signing_in.login(store, "admin", "the first password", None)
    seed(store, "another password")
    assert (
        signing_in.login(store, "admin", "another password", None)["must_change_password"] is False
    )
    with pytest.raises(Unauthenticated):
        signing_in.login(store, "admin", "the first password", None)


def test_the_migrate_function_makes_the_first_organization_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its admin signs in with the given password and must change it; a repetition does nothing."""
    monkeypatch.setenv("CHAT_AGENT_OWNER_DATABASE_URL", database.owner)
    settings.settings.cache_clear()
    event: dict[str, Any] = {"organization": "acme", "admin_password": "from secrets manager"}
    assert migrate.handler(event, Context()) == {"schema": SCHEMA_VERSION, "made": True}
    assert migrate.handler({**event, "admin_password": "x"}, Context())["made"] is False
    assert migrate.handler({}, Context()) == {"schema": SCHEMA_VERSION}
    opened = signing_in.login(Store(database.app), "admin", "from secrets manager", "acme")
    assert opened["must_change_password"] is True
