"""Opaque ids: UUIDv7 (RFC 9562 §5.7), made here because PostgreSQL 17 can't."""

import secrets
import time
from uuid import UUID

_MILLISECONDS = 1_000_000


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    stamp = time.time_ns() // _MILLISECONDS
    random = secrets.randbits(74)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(stamp << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
