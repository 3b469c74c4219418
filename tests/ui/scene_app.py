"""A scene in this terminal: `python -m tests.ui.scene_app layered` (or `plain`).

SIGUSR1 brings messages.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from talkbot_tui.core import arrivals as a
from talkbot_tui.ui.app import TalkbotApp, serve_app
from tests.ui.scenes import ANA, BRUNO, make_app, make_engine, said


async def main(how: str) -> int:
    engine = make_engine()
    app: TalkbotApp = make_app(engine)
    app.plain_output = how == "plain"
    newest = 11

    def more() -> None:
        nonlocal newest
        for _ in range(3):
            newest += 1
            who = (ANA, BRUNO)[newest // 4 % 2]
            words = f"number {newest} " + "obrigada! 素晴らしい 👏 " * (newest % 5)
            engine.feed(a.LogArrived((said(newest, who, words, 0),)))

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, more)
    return await serve_app(app)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
