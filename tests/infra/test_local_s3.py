"""The local S3 server keeps every acknowledged write, exactly as it was, through kill -9."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from infra.local.journal import Journal, JournalError
from infra.local.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 5 * 1024 * 1024


class Server:
    """The S3 server as a process that a test may kill and start again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.start()

    def start(self) -> None:
        words = ["--dir", str(self.directory), "--port", str(self.port)]
        self.process = subprocess.Popen([sys.executable, "-m", "infra.local.s3", *words])
        self.client = client_of(self.port)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.list_buckets()
            except (ConnectionError, HTTPClientError):
                assert time.monotonic() < deadline, "the S3 server did not start"
                assert self.process.poll() is None, "the S3 server ended"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def crash(self) -> None:
        self.kill()
        self.start()


def client_of(port: int) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20),
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A running server with a versioned bucket `archive` and a locked bucket `anchors`."""
    server = Server(tmp_path)
    server.client.create_bucket(Bucket="archive")
    server.client.put_bucket_versioning(
        Bucket="archive", VersioningConfiguration={"Status": "Enabled"}
    )
    server.client.create_bucket(Bucket="anchors", ObjectLockEnabledForBucket=True)
    yield server
    server.kill()


def everything(client: "S3Client", bucket: str) -> list[tuple[Any, ...]]:
    """Every version and delete marker of a bucket, with bytes, tags of content and dates."""
    listing = client.list_object_versions(Bucket=bucket)
    found: list[tuple[Any, ...]] = []
    for version in listing.get("Versions", []):
        key, identity = version["Key"], version["VersionId"]
        answer = client.get_object(Bucket=bucket, Key=key, VersionId=identity)
        stamp = (version["LastModified"], version["ETag"], version["IsLatest"])
        found.append((key, identity, *stamp, answer["Body"].read(), str(answer["Metadata"])))
    for marker in listing.get("DeleteMarkers", []):
        found.append((marker["Key"], marker["VersionId"], marker["LastModified"]))
    return sorted(found)


def test_objects_versions_and_dates_survive_a_crash(server: Server) -> None:
    """Bytes, version ids, dates, metadata and delete markers are the same after kill -9."""
    for key in ("plain", "a b/c%2Fd+é?.txt", "org=1/dt=2024-01-02/part-0001.jsonl.gz"):
        for body in (b"one", b"two" * 1000):
            server.client.put_object(
                Bucket="archive", Key=key, Body=body, Metadata={"made_by": "a", "made-by": "b"}
            )
    server.client.delete_object(Bucket="archive", Key="plain")
    before = everything(server.client, "archive")
    created = server.client.list_buckets()["Buckets"]
    server.crash()
    assert everything(server.client, "archive") == before
    assert server.client.list_buckets()["Buckets"] == created
    assert len(before) == 7
    assert {row[0] for row in before} >= {"a b/c%2Fd+é?.txt"}


def test_a_retained_version_stays_undeletable_after_a_crash(server: Server) -> None:
    """Object Lock retention survives kill -9 and still refuses to delete the version."""
    until = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
    version = server.client.put_object(
        Bucket="anchors",
        Key="anchors/1.json",
        Body=b"{}",
        ChecksumAlgorithm="SHA256",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=until,
    )["VersionId"]
    server.crash()
    kept = server.client.head_object(Bucket="anchors", Key="anchors/1.json")
    assert (kept["ObjectLockMode"], kept["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", until)
    assert kept["VersionId"] == version
    with pytest.raises(ClientError, match="AccessDenied"):
        server.client.delete_object(Bucket="anchors", Key="anchors/1.json", VersionId=version)


def test_a_conditional_write_is_refused_before_and_after_a_crash(server: Server) -> None:
    """If-None-Match: * lets exactly one writer through, for ever, and refusals leave nothing."""
    server.client.put_object(Bucket="archive", Key="once", Body=b"first", IfNoneMatch="*")
    for _ in range(2):
        with pytest.raises(ClientError, match="PreconditionFailed"):
            server.client.put_object(Bucket="archive", Key="once", Body=b"x", IfNoneMatch="*")
        server.crash()
    assert server.client.get_object(Bucket="archive", Key="once")["Body"].read() == b"first"


def test_a_multipart_upload_goes_on_after_a_crash(server: Server) -> None:
    """Parts sent before kill -9 and parts sent after it make one object, which survives too."""
    where: Any = {"Bucket": "archive", "Key": "large"}
    where["UploadId"] = server.client.create_multipart_upload(**where)["UploadId"]
    bodies = [b"a" * PART, b"b" * PART, b"end"]
    parts: list[Any] = []
    for number, body in enumerate(bodies, 1):
        answer = server.client.upload_part(**where, PartNumber=number, Body=body)
        parts.append({"ETag": answer["ETag"], "PartNumber": number})
        if number == 1:
            server.crash()
    server.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    before = everything(server.client, "archive")
    server.crash()
    assert everything(server.client, "archive") == before
    assert before[0][5] == b"".join(bodies)


def test_nothing_acknowledged_is_lost_under_concurrent_writers(server: Server) -> None:
    """Eight writers run into kill -9; every write that was answered is there, with its version."""
    acknowledged: dict[str, str] = {}

    def write(writer: int) -> None:
        client = client_of(server.port)
        for number in range(1000):
            key = f"w{writer}/{number}"
            try:
                answer = client.put_object(Bucket="archive", Key=key, Body=key.encode() * 50)
            except (ConnectionError, HTTPClientError):
                return
            acknowledged[key] = answer["VersionId"]

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        time.sleep(1.0)
        server.kill()
        for writer in writers:
            writer.result()
    server.start()
    assert len(acknowledged) > 20
    for key, version in acknowledged.items():
        kept = server.client.get_object(Bucket="archive", Key=key, VersionId=version)
        assert kept["Body"].read() == key.encode() * 50


def test_a_torn_last_entry_is_cut_off(server: Server, tmp_path: Path) -> None:
    """A write that a crash stopped half-way is forgotten; all before it stays, new ones go on."""
    server.client.put_object(Bucket="archive", Key="kept", Body=b"kept")
    whole = (tmp_path / "journal").stat().st_size
    server.client.put_object(Bucket="archive", Key="torn", Body=b"torn" * 100)
    server.kill()
    with (tmp_path / "journal").open("r+b") as journal:
        journal.truncate(whole + 60)
    server.start()
    server.client.put_object(Bucket="archive", Key="next", Body=b"next")
    server.crash()
    assert [row[0] for row in everything(server.client, "archive")] == ["kept", "next"]


@pytest.mark.parametrize("tail", [b"\x01", b"\0" * 4096, b"\x05\0\0\0\0\0\0\0crc!12345"])
def test_any_torn_tail_leaves_the_entries_before_it(tmp_path: Path, tail: bytes) -> None:
    """Half a header, unwritten blocks and a wrong checksum at the end are all cut off."""
    journal = Journal(tmp_path / "journal")
    journal.append(b"one")
    journal.append(b"two")
    journal.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(tail)
    again = Journal(tmp_path / "journal")
    assert list(again.replay()) == [b"one", b"two"]
    again.append(b"three")
    assert list(again.replay()) == [b"one", b"two", b"three"]


def test_damage_before_the_end_is_refused(tmp_path: Path) -> None:
    """A damaged entry with whole ones after it stops the start instead of losing them."""
    journal = Journal(tmp_path / "journal")
    for entry in (b"first", b"second", b"third"):
        journal.append(entry)
    journal.close()
    data = bytearray((tmp_path / "journal").read_bytes())
    data[data.index(b"second")] ^= 1
    (tmp_path / "journal").write_bytes(data)
    with pytest.raises(JournalError, match="damaged at byte"):
        list(Journal(tmp_path / "journal").replay())


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    """A second server on the same directory is refused."""
    first = Journal(tmp_path / "journal")
    with pytest.raises(JournalError, match="Another process"):
        Journal(tmp_path / "journal")
    first.close()
