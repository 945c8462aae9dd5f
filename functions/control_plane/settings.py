"""Settings: environment variables, read once into one typed object. Secrets also as NAME_FILE."""

import os
import re
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


class SettingRefused(ValueError):
    """A setting has a value that can't be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the control plane; the docs and `.env.example` list the same names."""

    chat_agent_database_url: str = ""
    chat_agent_archiver_database_url: str = ""
    chat_agent_owner_database_url: str = ""
    chat_agent_database_iam: str = ""
    chat_agent_archive_bucket: str = ""
    chat_agent_anchor_bucket: str = ""
    chat_agent_archive_after_days: str = "90"
    chat_agent_api_url: str = ""
    chat_agent_allowed_origins: str = ""
    openai_api_key: str = ""
    openai_api_key_secret_arn: str = ""
    openai_base_url: str = ""
    openai_model: str = ""
    azure_openai_endpoint: str = ""
    azure_openai_api_key: str = ""
    azure_openai_api_version: str = ""
    azure_openai_deployment: str = ""

    @property
    def api_url(self) -> str:
        """Where the API answers, without /v1 and without a final slash."""
        return self.chat_agent_api_url.rstrip("/")

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Origins whose pages may read answers, exactly as browsers send them; none by default."""
        given = [origin.strip() for origin in self.chat_agent_allowed_origins.split(",")]
        for origin in filter(None, given):
            if not _ORIGIN.fullmatch(origin):
                raise SettingRefused(
                    f"CHAT_AGENT_ALLOWED_ORIGINS has {origin!r}: write https://host or "
                    "https://host:port, in lower case, with commas between several."
                )
        return frozenset(filter(None, given))

    @property
    def database_iam(self) -> bool:
        """Whether logins use IAM tokens instead of passwords."""
        return self.chat_agent_database_iam == "true"

    @property
    def archive_after_days(self) -> int:
        """Age in days from which whole UTC days of executions are archived."""
        days = self.chat_agent_archive_after_days
        if not days.isdecimal() or int(days) < 1:
            raise SettingRefused(f"CHAT_AGENT_ARCHIVE_AFTER_DAYS is {days!r}: write days, from 1.")
        return int(days)


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from variables of the same names in upper case.

    NAME_FILE, where NAME itself is not set, names a file that holds the value. Raises
    `SettingRefused` for one that can't be read.
    """
    values = {f.name: value(environment, f.name.upper()) for f in fields(Settings)}
    return Settings(**{name: value for name, value in values.items() if value is not None})


def value(environment: Mapping[str, str], name: str) -> str | None:
    """One variable's value, or that of the file that NAME_FILE names; None where neither is set."""
    if environment.get(name):
        return environment[name]
    file = environment.get(f"{name}_FILE")
    try:
        return Path(file).read_text().strip() if file else None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingRefused(f"{name}_FILE is {file!r}, which can't be read: {error}") from error


@cache
def settings() -> Settings:
    """This process's settings, read from its environment at the first call.

    The model's key may lie in Secrets Manager; only functions that are told where, look there.
    """
    found = read(os.environ)
    if found.openai_api_key_secret_arn and not found.openai_api_key:
        return replace(found, openai_api_key=_secret(found.openai_api_key_secret_arn))
    return found


def _secret(arn: str) -> str:
    import boto3

    answer = boto3.client("secretsmanager").get_secret_value(SecretId=arn)
    return str(answer["SecretString"])
