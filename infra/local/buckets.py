"""The two buckets of template.yaml, made in the local S3 server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RETENTION_DAYS = 365  # as template.yaml's AnchorRetentionDays


def create_buckets(env: Mapping[str, str]) -> None:
    """Make the archive bucket (versioned) and the anchor bucket (locked), unless they are there.

    `env` names them and holds the server's address and keys. The server may still be starting.
    """
    s3 = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        region_name=env["AWS_DEFAULT_REGION"],
        config=Config(retries={"mode": "standard", "total_max_attempts": 3}, proxies={}),
    )
    there = {bucket.get("Name") for bucket in s3.list_buckets()["Buckets"]}
    archive, anchors = env["CHAT_AGENT_ARCHIVE_BUCKET"], env["CHAT_AGENT_ANCHOR_BUCKET"]
    if archive not in there:
        s3.create_bucket(Bucket=archive)
    if s3.get_bucket_versioning(Bucket=archive).get("Status") != "Enabled":
        s3.put_bucket_versioning(Bucket=archive, VersioningConfiguration={"Status": "Enabled"})
    if anchors not in there:
        s3.create_bucket(Bucket=anchors, ObjectLockEnabledForBucket=True)
    lock_anchors(s3, anchors)


def lock_anchors(s3: "S3Client", bucket: str) -> None:
    """Lock whatever is put into a bucket, for so many days, unless it does already."""
    current = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    if "DefaultRetention" not in current.get("Rule", {}):
        s3.put_object_lock_configuration(
            Bucket=bucket,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": RETENTION_DAYS}},
            },
        )
