"""Fill the app's cache over the real client: `python -m bench.tui.fill ROOM`.

It reads the whole history of one room into the profile of the account that is signed in.
"""

from __future__ import annotations

import asyncio
import sys

from talkbot_tui.client import connect
from talkbot_tui.client.accounts import Accounts
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.events import FillGap, OpenConversation, ReachedTop, ReadUpTo

WITHIN_S = 300.0
PAUSE_S = 0.02


async def _until_known(engine: Engine, name: str) -> str:
    while True:
        for room in engine.session.rooms():
            if room.conversation.name == name and engine.session.synced_once:
                return room.conversation.conversation_id
        await asyncio.sleep(PAUSE_S)


async def _read_all(engine: Engine, room: str) -> None:
    engine.dispatch(OpenConversation(room))
    timeline = engine.session.timeline(room)
    while timeline.ranges[:1] != ((1, timeline.head),) or timeline.gaps:
        if timeline.gaps:
            if not timeline.gaps[-1].fetching:
                engine.dispatch(FillGap(room, timeline.gaps[-1].last))
        else:
            engine.dispatch(ReachedTop(room))
        await asyncio.sleep(PAUSE_S)
    engine.dispatch(ReadUpTo(room, timeline.head))
    await asyncio.sleep(1.0)


async def main(name: str) -> None:
    """Connect, read everything, stop: stopping writes what is owed."""
    accounts = Accounts()
    engine = connect.open_engine(accounts.pick(), accounts)
    await engine.start()
    try:
        async with asyncio.timeout(WITHIN_S):
            await _read_all(engine, await _until_known(engine, name))
    finally:
        await engine.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
