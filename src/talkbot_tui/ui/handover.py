"""From one engine to the next: never both at once, since they may be of the same profile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from talkbot_tui.client.store import StoreError
from talkbot_tui.ui import words
from talkbot_tui.ui.screens.chat import ChatScreen

if TYPE_CHECKING:
    from talkbot_tui.ui.app import TalkbotApp
    from talkbot_tui.ui.port import EnginePort


def chatting(app: TalkbotApp) -> bool:
    """Whether there is a chat to return to."""
    return any(isinstance(screen, ChatScreen) for screen in app.screen_stack)


def show_lean(app: TalkbotApp) -> None:
    """There is room for more on the screen, or for less."""
    for screen in app.screen_stack:
        if isinstance(screen, ChatScreen):
            # Not now: a picture is being made.
            screen.call_later(screen.show_lean)


async def change_engine(app: TalkbotApp, engine: EnginePort) -> None:
    """Chat on `engine`, which is not started yet; where it cannot start, the login says why."""
    if app.engine is not None and chatting(app):
        await app.pop_screen()
        app.stopping = asyncio.ensure_future(app.engine.stop())
        # The app's end cancels us, and must not cut short what saves the last words.
        await asyncio.shield(app.stopping)
    try:
        await engine.start()
    except StoreError as error:
        await engine.stop()
        app.show_login(words.store(error.code, error.path))
    else:
        app.engine = engine
        await app.push_screen(ChatScreen(engine, app.around, app.room))
