"""Passwords: argon2id, two at a time, and never a difference to see for unknown names."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from talkbot_tui.wire.errors import Code, Refused

T = TypeVar("T")

LENGTH_MIN = 8
BYTES_MAX = 1024
SLOTS = 2
WAITING_MAX = 32


class Hasher:
    """Hashes and checks passwords off the event loop."""

    def __init__(self, memory_kib: int, rounds: int) -> None:
        """Cost as in `ServerConfig`."""
        self._argon = argon2.PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=1, type=argon2.Type.ID
        )
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="password")
        self._slots = asyncio.Semaphore(SLOTS)
        self._waiting = 0
        self._dummy = self._argon.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """The hash to be stored; raises `Refused`: password_weak, busy."""
        folded = check_strength(password)
        return await self._run(lambda: self._argon.hash(folded))

    def hash_now(self, password: str) -> str:
        """The same in the calling thread."""
        return self._argon.hash(check_strength(password))

    async def verify(
        self, stored: str | None, password: str, allowed: Callable[[], None] = lambda: None
    ) -> bool:
        """Whether it is the password; takes as long when there is no account (None).

        allowed: raises `Refused` where it may not be tried; asked when its turn has come, since
        the tries that went before may have failed meanwhile.
        """
        folded = unicodedata.normalize("NFKC", password)
        matches = await self._run(lambda: self._matches(stored or self._dummy, folded), allowed)
        return matches and bool(stored)

    def outdated(self, stored: str) -> bool:
        """Whether the cost has been raised since it was stored."""
        return self._argon.check_needs_rehash(stored)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._argon.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], allowed: Callable[[], None] = lambda: None) -> T:
        if self._waiting >= WAITING_MAX:
            raise Refused(Code.BUSY, "Too many people sign in now.", retry_after_ms=2000)
        self._waiting += 1
        try:
            async with self._slots:
                allowed()
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def check_strength(password: str) -> str:
    """The password in the one form that is hashed; raises `Refused` (password_weak)."""
    folded = unicodedata.normalize("NFKC", password)
    if len(folded) < LENGTH_MIN or len(folded.encode()) > BYTES_MAX:
        raise Refused(
            Code.PASSWORD_WEAK,
            f"A password has {LENGTH_MIN} characters to {BYTES_MAX} bytes.",
            field="password",
        )
    return folded
