"""A client in a process of its own, whose memory can be looked at.

python -m tests.corpus.reader URL FOLDER TRANSPORT: for each line that it reads it prints how many
rooms it knows, and the state of its link.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from talkbot_tui.client.connect import open_with_token


async def main(url: str, folder: str, transport: str) -> None:
    """Stay until standard input ends."""
    engine = open_with_token(url, "t" * 24, folder=Path(folder), transports=(transport,))
    await engine.start()
    loop = asyncio.get_running_loop()
    try:
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(len(engine.session.rooms()), engine.session.link.state.value, flush=True)
    finally:
        await engine.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
