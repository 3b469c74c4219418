"""How often: token buckets per user and class, and sign-in failures per account and address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from talkbot_tui.server.config import ServerConfig
from talkbot_tui.wire.errors import Code, Refused

KEYS_MAX = 100_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


class Buckets:
    """Token buckets by key; the ones unused for longest are forgotten (they are full again)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the time in seconds from `clock`."""
        self._clock = clock
        self._buckets: OrderedDict[object, _Bucket] = OrderedDict()

    def take(self, key: object, rate: Rate) -> float:
        """Take one token: 0.0, or the seconds until there is one."""
        bucket = self._filled(key, rate)
        if bucket.tokens >= 1.0:
            bucket.tokens -= 1.0
            return 0.0
        return (1.0 - bucket.tokens) / rate.per_second

    def reserve(self, key: object, rate: Rate) -> float:
        """Take one token also where there is none yet; the seconds until it is one's turn."""
        bucket = self._filled(key, rate)
        bucket.tokens -= 1.0
        return max(0.0, -bucket.tokens / rate.per_second)

    def charge(self, key: object, rate: Rate, count: int) -> None:
        """So many were taken on another server."""
        bucket = self._filled(key, rate)
        bucket.tokens = max(0.0, bucket.tokens - count)

    def _filled(self, key: object, rate: Rate) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(rate.burst, now)
            if len(self._buckets) > KEYS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        bucket.tokens = min(rate.burst, bucket.tokens + (now - bucket.at) * rate.per_second)
        bucket.at = now
        return bucket


def rates(config: ServerConfig, *, bot: bool) -> dict[str, Rate]:
    """The rate of each class of events, for a person or a bot."""
    factor = config.bot_factor if bot else 1
    limits = config.limits
    return {
        "message": Rate(limits.message_burst * factor, limits.messages_per_minute / 60 * factor),
        "change": Rate(40 * factor, 5 * factor),
        "join": Rate(limits.joins_burst, 10),
        "lookup": Rate(200, 40),
        "search": Rate(20 * factor, 2 * factor),
        "light": Rate(100 * factor, 20 * factor),
        "typing": Rate(2, 1 / 3),
        "stream": Rate(400, 200),
    }


def pace(config: ServerConfig, *, bot: bool) -> Rate:
    """How fast the events of one user are read, whatever they are; the rest waits in the network.

    Far above what a person or a program of good will sends, and never below twice the
    messages that are allowed.
    """
    factor = config.bot_factor if bot else 1
    allowed = 2 * config.limits.messages_per_minute / 60
    return Rate(config.pace_burst * factor, max(config.pace_per_second, allowed) * factor)


class Failures:
    """Sign-in failures: a few in a while per account and address, then wait."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`most` in `seconds`."""
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._times: OrderedDict[object, list[float]] = OrderedDict()

    def check(self, key: object) -> None:
        """Raise `Refused` (rate_limited) when there were too many."""
        now = self._clock()
        times = [at for at in self._times.get(key, []) if now - at < self._seconds]
        if times:
            self._times[key] = times
        else:
            self._times.pop(key, None)
        if len(times) >= self._most:
            wait = int((self._seconds - (now - times[0])) * 1000)
            raise Refused(Code.RATE_LIMITED, "Too many failed attempts; wait.", retry_after_ms=wait)

    def failed(self, key: object) -> None:
        """Count one."""
        self._times.setdefault(key, []).append(self._clock())
        self._times.move_to_end(key)
        if len(self._times) > KEYS_MAX:
            self._times.popitem(last=False)

    def succeeded(self, key: object) -> None:
        """Forget them."""
        self._times.pop(key, None)
