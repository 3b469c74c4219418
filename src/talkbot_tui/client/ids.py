"""Ids that clients give (UUID version 7, sorted by time of making), and the clocks behind them."""

from __future__ import annotations

import secrets
import time

# Goes on while the machine sleeps, where the system has such a clock.
_ELAPSING = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)


def _elapsed_ns() -> int:
    return time.monotonic_ns() if _ELAPSING is None else time.clock_gettime_ns(_ELAPSING)


_BEGAN_NS = time.time_ns() - _elapsed_ns()


def wall_ms() -> int:
    """Milliseconds since 1970, UTC, by a clock that somebody may set."""
    return time.time_ns() // 1_000_000


def now_ms() -> int:
    """Milliseconds since 1970, UTC, as the clock said at the start, and time that passed since.

    Nobody can set it: what waits does not grow old because the machine's clock was put right.
    """
    return (_BEGAN_NS + _elapsed_ns()) // 1_000_000


def exact_ms() -> float:
    """As `now_ms`, with what is below a millisecond."""
    return (_BEGAN_NS + _elapsed_ns()) / 1_000_000


def uuid7() -> str:
    """A new id: 48 bits of time in ms, 74 random bits, in the usual spelling of a UUID."""
    value = now_ms() << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    digits = f"{value:032x}"
    return "-".join(
        (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]),
    )
