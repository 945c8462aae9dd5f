"""Opaque ids: UUIDv7 (RFC 9562 §5.7), made here because PostgreSQL 17 can't."""

import secrets
import time

RANDOM_BYTES = 10
_MILLISECONDS = 1_000_000


def uuid7(drawn: bytes | None = None) -> str:
    """A new UUIDv7 as text: 48 bits of Unix milliseconds, then 74 random bits.

    `drawn` are `RANDOM_BYTES` that were drawn for it together with others.
    """
    stamp = time.time_ns() // _MILLISECONDS
    random = int.from_bytes(drawn or secrets.token_bytes(RANDOM_BYTES)) >> 6
    high, low = random >> 62, random & ((1 << 62) - 1)
    digits = f"{(stamp << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
