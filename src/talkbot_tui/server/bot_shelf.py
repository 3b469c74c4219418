"""A bot's memory in the servers' database, so that it is there on whichever server runs the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import RETRYABLE, Refused

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 1.0


class Rows:
    """SQL with `?` for each value, in one transaction."""

    def __init__(self, tx: Tx) -> None:
        """Of that transaction."""
        self._tx = tx

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Run it; the result has `fetchone` and `fetchall`."""
        parts = statement.split("?")
        text = "".join(f"{part}:v{index} " for index, part in enumerate(parts[:-1])) + parts[-1]
        named = {f"v{index}": value for index, value in enumerate(values)}
        return self._tx.sql.execute(sa.text(text), named)


class DatabaseShelf:
    """Keeps what a bot remembers in tables of the store."""

    def __init__(self, database: Database) -> None:
        """In that store."""
        self._db = database

    async def do(self, work: Callable[[Rows], T]) -> T:
        """Run `work` in a transaction; while the database is away, wait for a minute.

        Raises `Refused` (busy) after that.
        """
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                return await self._db.write(lambda tx: work(Rows(tx)))
            except Refused as error:
                late = asyncio.get_running_loop().time() > deadline
                if late or error.code not in RETRYABLE:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        """The store is closed by whoever opened it."""
