"""One S3 bucket: put without overwriting, read back, read ranges, delete versions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING

from control_plane.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object, or a marker that hides those before it."""

    key: str
    id: str
    is_marker: bool = False


class Bucket:
    """A versioned bucket. The client is made at the first use: importing boto3 is slow."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def _client(self) -> "S3Client":
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=5, read_timeout=8, retries={"total_max_attempts": 3})
        client: S3Client = boto3.client("s3", config=config)
        return client

    def put_new(self, key: str, body: IO[bytes], content_type: str) -> None:
        """Put an object unless the key is taken: whoever took it, put the same."""
        try:
            self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=body,
                IfNoneMatch="*",
                ContentType=content_type,
                ChecksumAlgorithm="SHA256",
            )
        except self._client.exceptions.ClientError as error:
            if error.response["Error"].get("Code") != "PreconditionFailed":
                raise

    def read_back(self, key: str) -> tuple[str, str]:
        """The version id of an object and the SHA-256 of the bytes that S3 really holds."""
        answer = self._client.get_object(Bucket=self.name, Key=key)
        digest = hashlib.sha256()
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            digest.update(chunk)
        return answer.get("VersionId", ""), digest.hexdigest()

    def keys(self, prefix: str, after: str = "") -> list[str]:
        """The keys with a prefix that come after another key, in their order."""
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.name, Prefix=prefix, StartAfter=after)
        return sorted(item["Key"] for page in found for item in page.get("Contents", []))

    def versions(self, prefix: str) -> list[Version]:
        """Every version of every object with a prefix, and every delete marker."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.name, Prefix=prefix
        )
        found: list[Version] = []
        for page in pages:
            found += [Version(v["Key"], v["VersionId"]) for v in page.get("Versions", [])]
            markers = page.get("DeleteMarkers", [])
            found += [Version(m["Key"], m["VersionId"], is_marker=True) for m in markers]
        return found

    def delete(self, key: str, version_id: str) -> None:
        """Delete one version of an object, or a delete marker, for good."""
        self._client.delete_object(Bucket=self.name, Key=key, VersionId=version_id)

    def last_key(self, prefix: str, after: str) -> str | None:
        """The last key with a prefix that comes after another key; None where there is none."""
        return max(self.keys(prefix, after), default=None)

    def read(self, key: str) -> tuple[bytes, str]:
        """The bytes of an object, and the id of the version that they are of."""
        answer = self._client.get_object(Bucket=self.name, Key=key)
        return answer["Body"].read(), answer.get("VersionId", "")

    def read_range(self, key: str, version_id: str, offset: int, length: int) -> bytes:
        """Some bytes of one version of an object; raises `Unavailable` when S3 doesn't answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_object(
                Bucket=self.name,
                Key=key,
                VersionId=version_id,
                Range=f"bytes={offset}-{offset + length - 1}",
            )
            return answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("The archive can't be read now. Send the request again.") from error

    def chunks(self, key: str, version_id: str = "") -> Iterator[bytes]:
        """An object's bytes, of the newest version or the one named; none where it isn't there."""
        version = {"VersionId": version_id} if version_id else {}
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key, **version)  # type: ignore[arg-type]
        except self._client.exceptions.ClientError as error:
            if error.response["Error"].get("Code") not in ("NoSuchKey", "NoSuchVersion"):
                raise
            return
        yield from answer["Body"].iter_chunks(_CHUNK)
