"""The app: it chooses theme and marks, opens the screens, and holds nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from textual.app import App

from talkbot_tui.config import Settings
from talkbot_tui.ui import commands, glyphs, themes, words
from talkbot_tui.ui.glyphs import Glyphs
from talkbot_tui.ui.port import EnginePort, SignIn
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.screens.login import Given, LoginScreen


def now_ms() -> int:
    """The system's time in ms."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the screens know of the world; `zone` None is the system's."""

    settings: Settings
    glyphs: Glyphs
    zone: tzinfo | None = None
    clock: Callable[[], int] = now_ms


class TalkbotApp(App[int]):
    """The chat in a terminal.

    With an engine, which is started already, it opens on the chat; without, on
    the login screen, which needs `sign_in`.
    """

    TITLE = "talkbot-tui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = []

    def __init__(
        self,
        engine: EnginePort | None,
        settings: Settings,
        *,
        sign_in: SignIn | None = None,
        given: Given | None = None,
        room: str = "",
        environ: Mapping[str, str] | None = None,
        zone: tzinfo | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        environ = dict(os.environ if environ is None else environ)
        colourless = bool(environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        self.engine = engine
        self.sign_in = sign_in
        self.given = given or Given()
        self.room = room
        self.around = Surroundings(settings, glyphs.choose(environ, settings.ascii), zone, clock)
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.choose(settings.theme, environ)
        self.set_keymap(settings.keys)
        self.set_class(self.around.glyphs is glyphs.ASCII, "-ascii")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours' names, for themes that lack them."""
        return themes.DEFAULTS

    def on_mount(self) -> None:
        """The first screen."""
        if self.engine is not None:
            self.push_screen(ChatScreen(self.engine, self.around, self.room))
        else:
            self.show_login()

    def show_login(self, why: str = "") -> None:
        """Ask who the user is; the chat follows, with another engine."""
        if self.sign_in is None:
            return
        self.push_screen(LoginScreen(self.sign_in, self.given, why), self._signed_in)

    def _signed_in(self, engine: EnginePort | None) -> None:
        if engine is None:
            if self.engine is None:
                self.exit(0)
            return
        self.run_worker(self._change_engine(engine), exclusive=True, group="engine")

    async def _change_engine(self, engine: EnginePort) -> None:
        old, self.engine = self.engine, engine
        await engine.start()
        if old is not None:
            await self.pop_screen()
            await old.stop()
        await self.push_screen(ChatScreen(engine, self.around, self.room))


async def serve_app(app: TalkbotApp) -> int:
    """Run `app` until the user leaves; the engine is started before and stopped after it."""
    if app.engine is not None:
        await app.engine.start()
    try:
        code = await app.run_async()
    finally:
        if app.engine is not None:
            await app.engine.stop()
    return code or app.return_code or 0


def run_app(
    engine: EnginePort | None,
    settings: Settings,
    *,
    sign_in: SignIn | None = None,
    given: Given | None = None,
    room: str = "",
) -> int:
    """Run the app in this terminal; the exit code.

    Raises `commands.KeymapError` for keys that do not work, and whatever
    `engine.start` raises, both before the screen is taken.
    """
    commands.check_keys(settings.keys)
    app = TalkbotApp(engine, settings, sign_in=sign_in, given=given, room=room)
    code = asyncio.run(serve_app(app))
    if app.engine is not None and (line := words.farewell(app.engine.session.rooms())):
        sys.stdout.write(f"{line}\n")
    return code
