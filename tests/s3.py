"""A real S3 server for tests, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from infra.local.buckets import lock_anchors
from infra.local.ports import free_port

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_numbers = count(1)


class S3:
    """A running S3 server and a client of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        os.environ.update({**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": url})
        self.client: Any = boto3.client("s3")

    def new_bucket(self) -> str:
        """The name of a new versioned bucket."""
        name = f"bucket-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        self.client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )
        return name

    def new_anchor_bucket(self) -> str:
        """The name of a new bucket that locks what is put into it."""
        name = f"anchors-{next(_numbers)}"
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        lock_anchors(self.client, name)
        return name


@contextmanager
def running(folder: Path) -> Iterator[S3]:
    """Start the server with its data in a folder; stop it at the end."""
    port = free_port()
    command = [sys.executable, "-m", "infra.local.s3", "--dir", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        s3 = S3(f"http://127.0.0.1:{port}")
        _wait(s3)
        yield s3
        process.kill()


def _wait(s3: S3) -> None:
    for _ in range(200):
        try:
            s3.client.list_buckets()
        except BotoCoreError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the S3 server didn't answer within 10 s")
