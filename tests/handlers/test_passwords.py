"""Passwords: hashed as today's parameters say, first ones good once, attempts slowed down."""

from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from control_plane import administration, signing_in
from control_plane.organizations import first_organization
from control_plane.people import set_password
from control_plane.registry import load_registries
from control_plane.signing_in import hasher
from control_plane.store import Store

from tests.conftest import ADMIN_PASSWORD, Database
from tests.handlers.conftest import Answer, Call
from tests.handlers.people import PASSWORDS, People

FIRST = "a first password"


def _sign_in(call: Call, password: str, organization: str = "main") -> Answer:
    named = {"username": "admin", "password": password, "organization": organization}
    answer: Answer = call("POST", "/v1/auth/login", named)
    return answer


def _superuser(database: Database, statement: str) -> list[tuple[str]]:
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_attempts_tell_nothing_of_which_organizations_there_are(call: Call) -> None:
    """A name that is slowed down in one is not in another, whether these exist or not."""
    for organization in ("unknown", "main"):
        answers = [_sign_in(call, "wrong", organization).status for _ in range(6)]
        assert answers == [401] * 5 + [429]
    assert _sign_in(call, "wrong", "unknown-too").status == 401


def test_the_parameters_are_owasps_first_choice() -> None:
    """Argon2id, 19 MiB, two passes, one lane."""
    assert hasher().hash("x" * 12).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_older_hash_is_made_anew_at_sign_in(call: Call, database: Database) -> None:
    """The password stays what it is, and so do the sessions that it opened."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(ADMIN_PASSWORD)
    _superuser(database, f"UPDATE users SET password_hash = '{weak}'")
    opened = _sign_in(call, ADMIN_PASSWORD)
    [[now]] = _superuser(database, "SELECT password_hash FROM users WHERE username = 'admin'")
    assert now.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert call("GET", "/v1/me", token=opened.body["token"]).status == 200
    assert _sign_in(call, ADMIN_PASSWORD).status == 200


def test_a_first_password_opens_one_session_and_only_to_change_it(
    call: Call, database: Database
) -> None:
    """Whoever reads it later in Secrets Manager holds nothing."""
    assert first_organization(database.owner, "new", FIRST)
    opened = _sign_in(call, FIRST, "new")
    assert opened.body["must_change_password"]
    again = _sign_in(call, FIRST, "new")
    assert (again.status, again.body["code"]) == (401, "unauthenticated")
    assert "good once" in again.body["detail"]
    token = opened.body["token"]
    assert call("GET", "/v1/projects", token=token).body["code"] == "password_change_required"
    assert call("POST", "/v1/tokens", {"name": "x", "scopes": ["read"]}, token).status == 403
    words = {"current_password": FIRST, "new_password": "one of my own choice"}
    assert call("POST", "/v1/auth/password", words, token).status == 204
    assert _sign_in(call, "one of my own choice", "new").status == 200
    assert _sign_in(call, "one of my own choice", "new").status == 200


def test_a_first_password_ends_after_a_day(call: Call, database: Database) -> None:
    """It is answered as one that has been used."""
    first_organization(database.owner, "new", FIRST)
    [[hours]] = _superuser(
        database,
        "SELECT round(extract(epoch FROM password_expires_at - created_at) / 3600)::text"
        " FROM users WHERE password_expires_at IS NOT NULL",
    )
    assert hours == "24"
    _superuser(database, "UPDATE users SET password_expires_at = clock_timestamp()")
    assert _sign_in(call, FIRST, "new").status == 401


def test_an_admins_reset_holds_over_a_change_that_is_under_way(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever knew the old password and was checked by it doesn't win in the end."""
    store, checked = Store(database.app), signing_in.check_password
    org = str(administration.organization_id(store, "main"))

    def overtaken(*given: Any) -> str:
        hash = checked(*given)
        set_password(store, load_registries(), org, "operator", "one of an admin")
        return hash

    monkeypatch.setattr("control_plane.people.check_password", overtaken)
    words = {"current_password": PASSWORDS["operator"], "new_password": "one of a stranger"}
    lost = people("operator", "POST", "/v1/auth/password", words)
    assert (lost.status, lost.body["code"]) == (403, "wrong_password")
    assert people.signed_in("operator", "one of an admin")
