"""Ids that clients give: UUID version 7, so that they sort by time of making."""

from __future__ import annotations

import secrets
import time


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def uuid7() -> str:
    """A new id: 48 bits of time in ms, 74 random bits, in the usual spelling of a UUID."""
    value = now_ms() << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    digits = f"{value:032x}"
    return "-".join(
        (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]),
    )
