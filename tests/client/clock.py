"""A clock that stands still until the test moves it."""

from __future__ import annotations

import asyncio


class FakeClock:
    """`offset` is how far somebody has set the clock, in ms; waiting does not follow it."""

    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now
        self.offset = 0
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def __call__(self) -> int:
        return self.now + self.offset

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self.now + round(seconds * 1000), waiting)
        self._sleepers.append(entry)
        try:
            await waiting
        finally:
            self._sleepers.remove(entry)

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        for due, waiting in self._sleepers:
            if due <= self.now and not waiting.done():
                waiting.set_result(None)

    @property
    def waits(self) -> list[float]:
        """Seconds until each sleeper wakes, the next first."""
        return sorted((due - self.now) / 1000 for due, _ in self._sleepers)
