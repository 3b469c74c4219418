"""Waiting for a condition with a deadline, instead of sleeping for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(
    condition: Callable[[], object], within: float = 20.0, what: Callable[[], str] | None = None
) -> None:
    """Return as soon as `condition()` is true; fail after `within` seconds.

    `what` describes, at the moment of failure, what was seen instead.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s: {what() if what else condition}")
        await asyncio.sleep(0.005)


def until_sync(
    condition: Callable[[], object], within: float = 20.0, what: Callable[[], str] | None = None
) -> None:
    """The same for tests without an event loop."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s: {what() if what else condition}")
        time.sleep(0.005)
