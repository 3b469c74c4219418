"""Starting and ending the bots of a server."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from talkbot_tui.bots.memory import Memory, Shelf
from talkbot_tui.bots.talkbot import TalkBot
from talkbot_tui.client.connect import open_with_token
from talkbot_tui.client.ids import wall_ms

log = logging.getLogger(__name__)

FOLDER = "bots"
SYNC_S = 5.0
STOP_S = 2.0
"""The server has five seconds to end; the bots may take no more than this of them."""


class RunningBots:
    """Bots at work; `stop` ends them."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task
        task.add_done_callback(_tell_why)

    @property
    def running(self) -> bool:
        """Whether they have not ended by themselves."""
        return not self._task.done()

    async def stop(self) -> None:
        """Let them finish what they store, and end them; never raises."""
        self._task.cancel()
        _ended, late = await asyncio.wait({self._task}, timeout=STOP_S)
        if late:
            log.warning("TalkBot did not end in time")


async def start_bots(
    server_url: str,
    token: str,
    data_dir: Path,
    *,
    trusting: ssl.SSLContext | None = None,
    shelf: Shelf | None = None,
    clock: Callable[[], int] = wall_ms,
    draw: Callable[[int, int], int] = random.randint,
) -> RunningBots:
    """TalkBot, signed in with `token`; it keeps its own files under `data_dir`.

    trusting: the server's own certificate, where it has one. shelf: where TalkBot is to
    remember things, if not in a file there. Raises `OSError` when the files cannot be used.
    """
    folder = data_dir / FOLDER
    memory = Memory(shelf or folder / "talkbot.db")
    if shelf is not None:
        await memory.take_over(folder / "talkbot.db")
    engine = open_with_token(
        server_url, token, folder=folder / "talkbot", allow_insecure=True, trusting=trusting
    )
    bot = TalkBot(engine, memory, clock=clock, draw=draw)
    synced = asyncio.Event()
    engine.subscribe(lambda _changes: synced.set() if engine.session.synced_once else None)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(bot.run(ready), name="talkbot")
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    with suppress(TimeoutError):
        async with asyncio.timeout(SYNC_S):
            await synced.wait()
    return RunningBots(task)


def _tell_why(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("TalkBot has ended: %s", error, exc_info=error)
