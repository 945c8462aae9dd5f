"""One S3 bucket: put without overwriting, read back, read ranges, delete versions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from control_plane.archive.outcome import ReadBackDiffers
from control_plane.errors import Unavailable

if TYPE_CHECKING:
    from botocore.response import StreamingBody
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

    def __init__(self, name: str, patience_s: float = 8) -> None:
        self.name = name
        self._patience_s = patience_s

    @cached_property
    def _client(self) -> "S3Client":
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=min(5, self._patience_s),
            read_timeout=self._patience_s,
            retries={"total_max_attempts": 3},
        )
        client: S3Client = boto3.client("s3", config=config)
        return client

    def put_new(self, key: str, body: IO[bytes], content_type: str) -> bool:
        """Put an object unless the key is taken; whether it was put now."""
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
            return False
        return True

    def read_back(self, key: str) -> tuple[str, str]:
        """The version id of an object and the SHA-256 of the bytes that S3 really holds.

        Both are empty where there is no such object.
        """
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key)
        except self._client.exceptions.NoSuchKey:
            return "", ""
        return answer.get("VersionId", ""), _digest(answer["Body"])

    def keep(self, key: str, body: bytes, content_type: str) -> str:
        """Put an object unless it is there, and read it back: the id of its version.

        Raises `ReadBackDiffers` where S3 holds other bytes at this key.
        """
        self.put_new(key, BytesIO(body), content_type)
        version_id, held = self.read_back(key)
        if held != hashlib.sha256(body).hexdigest():
            raise ReadBackDiffers(f"{key}: {ReadBackDiffers.__doc__}")
        return version_id

    def held(self, key: str, version_id: str) -> dict[str, Any]:
        """What S3 really holds of one version: its size, its hash made anew, its lock if any."""
        answer = self._client.get_object(Bucket=self.name, Key=key, VersionId=version_id)
        until = answer.get("ObjectLockRetainUntilDate")
        return {
            "size": answer["ContentLength"],
            "sha256": _digest(answer["Body"]),
            "locked_until": until.isoformat() if until else None,
        }

    def keys(self, prefix: str, after: str = "") -> dict[str, datetime]:
        """The keys with a prefix that come after another, in their order, and when each was put."""
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.name, Prefix=prefix, StartAfter=after)
        items = [item for page in found for item in page.get("Contents", [])]
        return dict(sorted((item["Key"], item["LastModified"]) for item in items))

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

    def read(self, key: str) -> tuple[bytes, str]:
        """The bytes of an object, and the id of the version that they are of."""
        answer = self._client.get_object(Bucket=self.name, Key=key)
        return answer["Body"].read(), answer.get("VersionId", "")

    def remove(self, key: str) -> None:
        """Delete every version of an object. Functions don't: they delete what erasures took."""
        for version in self.versions(key):
            if version.key == key:
                self.delete(key, version.id)

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


def _digest(body: "StreamingBody") -> str:
    """The SHA-256 of a body, read to its end."""
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
