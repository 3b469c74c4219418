"""What only one of the servers does at a time, by a lease in the database.

A lease ends by the database's clock. Whoever holds it counts from the moment before it asked,
by a clock that is never set, and gives up earlier: so two never hold it at once, unless one of
them stands still; what it then still does, it does with an id that counts once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from talkbot_tui.server.storage import nodes
from talkbot_tui.server.storage.database import Database
from talkbot_tui.wire.errors import Refused

log = logging.getLogger("talkbot.server")

TURN_SECONDS = 15.0
ASK_SECONDS = 4.0
MARGIN_SECONDS = 3.0


class Work(Protocol):
    """What is done by whoever has the turn."""

    async def begin(self) -> bool:
        """Begin; whether that went well."""

    async def end(self) -> None:
        """End; never raises."""

    def works(self) -> bool:
        """Whether it has not ended by itself."""


class Turn:
    """One server's part in what is done by one of them."""

    def __init__(self, database: Database, name: str, node_id: str) -> None:
        """`name` says what it is, the same on all servers."""
        self._db = database
        self._name = name
        self._node_id = node_id
        self._until = 0.0

    @property
    def mine(self) -> bool:
        """Whether this server holds it."""
        return asyncio.get_running_loop().time() < self._until

    async def take(self) -> bool:
        """Take or keep it; whether this server holds it now."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(TURN_SECONDS - MARGIN_SECONDS):
                taken = await self._db.write(
                    lambda tx: nodes.take(tx, self._name, self._node_id, round(TURN_SECONDS * 1000))
                )
        except (Refused, TimeoutError):
            return self.mine
        self._until = began + TURN_SECONDS - MARGIN_SECONDS if taken else 0.0
        return self.mine

    async def give(self) -> None:
        """Let another server have it."""
        self._until = 0.0
        try:
            async with asyncio.timeout(1.0):
                await self._db.write(lambda tx: nodes.release(tx, self._name, self._node_id))
        except (Refused, TimeoutError):
            # It ends by itself.
            return

    async def serve(self, work: Work, *, begun: bool = False) -> None:
        """Begin when it is this server's turn, end when it is no more; until cancelled.

        begun: whether the work has begun already.
        """
        try:
            while True:
                if begun and not (await self.take() and work.works()):
                    begun = False
                    log.warning("%s ends here; another server may do it", self._name)
                    await work.end()
                    await self.give()
                    await asyncio.sleep(TURN_SECONDS)
                elif not begun and await self.take():
                    begun = await work.begin()
                    if not begun:
                        await self.give()
                        await asyncio.sleep(TURN_SECONDS)
                await self._pause(begun)
        finally:
            if begun:
                await work.end()
            await self.give()

    async def _pause(self, begun: bool) -> None:
        """Until it is time to ask again, or it has run out."""
        left = self._until - asyncio.get_running_loop().time()
        await asyncio.sleep(min(ASK_SECONDS, max(0.05, left)) if begun else ASK_SECONDS)
