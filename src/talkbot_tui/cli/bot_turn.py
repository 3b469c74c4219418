"""TalkBot on one of several servers: begun where it is this one's turn, ended where it is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from talkbot_tui.bots.runner import RunningBots
    from talkbot_tui.server.nodes.turns import Turn

log = logging.getLogger("talkbot.server")

Start = Callable[[], "Awaitable[RunningBots | None]"]


class BotTurn:
    """Holds TalkBot while it runs here; `stop` ends that and lets another server have it."""

    def __init__(self, turn: Turn, start: Start) -> None:
        """`start` gives a running TalkBot, or None where it could not be started."""
        self._turn = turn
        self._start = start
        self._bots: RunningBots | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin at once where nobody else has it; look after that from then on."""
        begun = await self._turn.take() and await self.begin()
        self._task = asyncio.create_task(self._turn.serve(self, begun=begun), name="talkbot turn")

    async def begin(self) -> bool:
        """Start TalkBot; whether that went well."""
        try:
            self._bots = await self._start()
        except Exception as error:
            # A database that has gone for a moment; the next turn tries again.
            log.warning("TalkBot could not be started: %s", error)
            self._bots = None
        return self._bots is not None

    async def end(self) -> None:
        """End TalkBot."""
        if self._bots is not None:
            await self._bots.stop()
            self._bots = None

    def works(self) -> bool:
        """Whether TalkBot runs."""
        return self._bots is not None and self._bots.running

    async def stop(self) -> None:
        """End it here."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
