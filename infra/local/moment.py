"""Moto's clock and chance, pinned, so that a replayed request makes what it made before."""

import datetime
import secrets
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Self

import moto.s3.models
from moto.moto_api._internal import mock_random


@dataclass(frozen=True)
class Moment:
    """What a request sees of the world: microseconds since 1970 UTC and a seed of 64 bits."""

    at: int
    seed: int

    @classmethod
    def now(cls) -> Self:
        """Return this moment with fresh chance."""
        return cls(time.time_ns() // 1000, secrets.randbits(64))

    def pin(self) -> None:
        """Make this the moment of moto's S3 until the next call. Callers hold one lock."""
        mock_random.seed(self.seed)
        _PinnedDatetime.moment = datetime.datetime.fromtimestamp(0, datetime.UTC)
        _PinnedDatetime.moment += datetime.timedelta(microseconds=self.at)


class _PinnedDatetime(datetime.datetime):
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC)

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return cls.moment.astimezone(tz) if tz else cls.moment.replace(tzinfo=None)


def _utcnow() -> datetime.datetime:
    return _PinnedDatetime.moment.replace(tzinfo=None)


def install() -> None:
    """Point moto's S3 at the pinned clock and chance; once per process.

    Multipart uploads take their ids from os.urandom, which no seed reaches.
    """
    models: Any = moto.s3.models
    models.utcnow = _utcnow
    models.datetime = SimpleNamespace(
        datetime=_PinnedDatetime, timedelta=datetime.timedelta, timezone=datetime.timezone
    )
    models.os = SimpleNamespace(environ=models.os.environ, urandom=mock_random.randbytes)
