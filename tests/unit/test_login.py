"""IAM logins: our signature is the one that AWS's own SDK makes."""

from datetime import UTC, datetime

import boto3
import botocore.auth
import pytest
from control_plane.settings import SettingRefused
from control_plane.store.login import token

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
URL = "postgresql://chat_agent_app@db.example.com:5432/chat_agent?sslmode=verify-full"


@pytest.mark.parametrize("session", ["", "a+session/token=="])
def test_a_token_equals_the_sdks(session: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one moment and one set of keys, both make the same parameters and signature."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    keys = {
        "aws_access_key_id": "AKIDEXAMPLE",
        "aws_secret_access_key": "secret/key+x",
        "aws_session_token": session or None,
    }
    sdk = boto3.client("rds", region_name="eu-west-1", **keys)  # type: ignore[call-overload]
    theirs = sdk.generate_db_auth_token("db.example.com", 5432, "chat_agent_app", "eu-west-1")
    environment = {name.upper(): value for name, value in keys.items() if value}
    ours = token(URL, {"AWS_REGION": "eu-west-1", **environment}, NOW)
    assert sorted(ours.split("&")) == sorted(theirs.split("&"))


@pytest.mark.parametrize("missing", ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_what_a_token_needs_and_is_not_set_is_named(missing: str) -> None:
    """Outside of Lambda nobody sets it."""
    given = {"AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    with pytest.raises(SettingRefused, match=f"{missing} is not set"):
        token(URL, {**given, missing: ""}, NOW)
