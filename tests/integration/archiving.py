"""What tests of the archive share: a project with old days, and ways to look at them."""

from typing import Any

import pytest
from control_plane import reading
from control_plane.archive.bucket import Bucket
from control_plane.archive.reader import Archive
from control_plane.models import Intent

from tests.integration.conftest import ADD, Project, SetClock
from tests.s3 import S3

SYSTEM_ROWS = 2
"""Executions of the organization's own chain, made with it and archived alike."""
ANY: dict[str, Any] = dict.fromkeys(("status", "action", "principal", "since", "until"))


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    """A versioned bucket of this test's own."""
    return Bucket(s3.new_bucket())


@pytest.fixture
def old(project: Project, set_clock: SetClock) -> Project:
    """A project with executions today and on three days to come, the last within 90 days."""
    for day, count in (("2051-01-01", 5), ("2051-01-02", 70), ("2051-05-30", 3)):
        set_clock(f"timestamptz '{day} 12:00:00+00'")
        for _ in range(count):
            project.execute(ADD)
    project.execute(Intent("demo.counter.reset", {}))
    set_clock("timestamptz '2051-06-01 12:00:00+00'")
    return project


def log(project: Project, limit: int = 200) -> list[dict[str, Any]]:
    """The whole audit log by pages, oldest first."""
    items: list[dict[str, Any]] = []
    cursor = None
    archived = Archive(project.store)
    while True:
        page = reading.executions(project.store, archived, project.target, limit, cursor, **ANY)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items[::-1]


def objects(bucket: Bucket, s3: S3) -> dict[str, bytes]:
    """Every object's bytes, by key."""
    listed = s3.client.list_objects_v2(Bucket=bucket.name).get("Contents", [])
    return {
        item["Key"]: s3.client.get_object(Bucket=bucket.name, Key=item["Key"])["Body"].read()
        for item in listed
    }
