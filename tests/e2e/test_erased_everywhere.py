"""Erasure on the whole stack: afterwards the value is found nowhere."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import psycopg

from tests.stack import ROOT, Stack

SECRET = "Erika Mustermann, Heidestrasse 17"


def command(stack: Stack, *words: str) -> str:
    """Run `chat-agent` against the stack; what it said."""
    program = [sys.executable, "-c", "from infra.cli import main; main()", *words]
    done = subprocess.run(
        program, cwd=ROOT, env=stack.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def execute(stack: Stack, action: str, **inputs: Any) -> Any:
    """Ask the demo for an action."""
    body = {"action": action, "inputs": inputs}
    return stack.call("POST", "/projects/demo/executions", body).json()


def everything(stack: Stack) -> bytes:
    """Every row of every table, and every version of every object, unpacked."""
    return b"\n".join([*rows(stack), *objects(stack)])


def rows(stack: Stack) -> Iterator[bytes]:
    """What each table holds, as its owner sees it."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relowner = current_user::regrole"
    with psycopg.connect(stack.ready["env"]["CHAT_AGENT_OWNER_DATABASE_URL"]) as connection:
        for [table] in connection.execute(tables).fetchall():
            for [text] in connection.execute(f"SELECT t::text FROM {table} t".encode()):
                yield str(text).encode()


def objects(stack: Stack) -> Iterator[bytes]:
    """All versions in both buckets."""
    env = stack.ready["env"]
    s3: Any = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_DEFAULT_REGION"],
    )
    for bucket in (env["CHAT_AGENT_ARCHIVE_BUCKET"], env["CHAT_AGENT_ANCHOR_BUCKET"]):
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            named = {"Key": version["Key"], "VersionId": version["VersionId"]}
            body = s3.get_object(Bucket=bucket, **named)["Body"].read()
            yield gzip.decompress(body) if version["Key"].endswith(".gz") else body


def test_the_value_is_in_no_row_and_in_no_version_of_any_object(stack: Stack) -> None:
    """Remembered, archived, forgotten, erased; the trail verifies, the versions are gone."""
    first = execute(stack, "memory.remember", key="address", value=SECRET)
    command(stack, "archive", "run", "--older-than", "0d")
    last = execute(stack, "memory.forget", key="address")
    assert SECRET.encode() in everything(stack)
    body = {"first_seq": first["seq"], "last_seq": last["seq"], "reason": "she asked"}
    done = stack.call("POST", "/projects/demo/erasures", body).json()
    assert (done["status"], done["inputs"]) == ("success", body)
    command(stack, "archive", "run")
    assert SECRET.encode() not in everything(stack)
    gone = stack.call("GET", f"/projects/demo/state?version={first['version']}")
    assert (gone.status_code, gone.json()["code"]) == (410, "state_erased")
    command(stack, "audit", "verify")
