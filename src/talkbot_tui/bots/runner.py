"""Starting and ending the bots of a server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from talkbot_tui.bots.memory import Memory
from talkbot_tui.bots.talkbot import TalkBot
from talkbot_tui.client.connect import open_with_token
from talkbot_tui.client.ids import now_ms

FOLDER = "bots"
SYNC_S = 5.0


class RunningBots:
    """Bots at work; `stop` ends them."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    async def stop(self) -> None:
        """Let them finish what they store, and end them."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def start_bots(
    server_url: str,
    token: str,
    data_dir: Path,
    *,
    clock: Callable[[], int] = now_ms,
    draw: Callable[[int, int], int] = random.randint,
) -> RunningBots:
    """TalkBot, signed in with `token`; it keeps its own files under `data_dir`.

    Raises `OSError` when these cannot be used.
    """
    folder = data_dir / FOLDER
    engine = open_with_token(server_url, token, folder=folder / "talkbot", allow_insecure=True)
    bot = TalkBot(engine, Memory(folder / "talkbot.db"), clock=clock, draw=draw)
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
