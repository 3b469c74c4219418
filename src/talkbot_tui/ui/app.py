"""The app: it chooses theme and marks, opens the screens, and holds nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import tzinfo

from talkbot_tui.client.ids import now_ms
from talkbot_tui.config import Settings
from talkbot_tui.core.lean import Lean
from talkbot_tui.ui import commands, glyphs, handover, themes, window_title, words
from talkbot_tui.ui.opening import OpenedApp, Opening
from talkbot_tui.ui.port import EnginePort, SignIn
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.screens.login import Given, LoginScreen
from talkbot_tui.ui.surroundings import OpenLink, Surroundings, no_browser
from talkbot_tui.ui.terminal.gauge import Gauge

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end the app as Ctrl+Q does; SIGHUP is the terminal's or the SSH link's end."""


class TalkbotApp(OpenedApp[int], inherit_bindings=False):
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
        open_link: OpenLink = no_browser,
    ) -> None:
        environ = dict(os.environ if environ is None else environ)
        colourless = bool(environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if colourless else None)
        self.plain_output = settings.plain_output
        self.engine = engine
        self.stopping: asyncio.Future[None] | None = None
        self.sign_in = sign_in
        self.given = given or Given()
        self.room = room
        marks, lean = glyphs.choose(environ, settings.ascii), Lean(forced=settings.lean)
        self.around = Surroundings(settings, marks, zone, clock, open_link, lean)
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
        window_title.keep(self)
        if self.engine is not None:
            self.push_screen(ChatScreen(self.engine, self.around, self.room))
        else:
            self.show_login()

    def on_unmount(self) -> None:
        """The terminal's own title again."""
        window_title.give_back(self)

    def waited(self, ms: float) -> None:
        """A slow terminal is spared what it need not be told."""
        if self.around.lean.terminal(ms):
            handover.show_lean(self)

    def show_login(self, why: str = "") -> None:
        """Ask who the user is; the chat follows, with another engine."""
        if self.sign_in is None:
            return
        self.push_screen(LoginScreen(self.sign_in, self.given, why), self._signed_in)
        self.login_is_whole()

    def _signed_in(self, engine: EnginePort | None) -> None:
        if engine is not None:
            self.run_worker(handover.change_engine(self, engine), exclusive=True, group="engine")
        elif not handover.chatting(self):
            self.exit(0)


async def serve_app(app: TalkbotApp) -> int:
    """Run `app` until the user leaves; the engine is started before and stopped after it."""
    if app.engine is not None:
        await app.engine.start()
        app.room = app.opened_room(app.engine) or app.room
    loop = asyncio.get_running_loop()
    for number in ENDING:
        # Ended in any other way the terminal would stay as we made it, and the last words of a
        # draft unsaved; a terminal that is gone would be read from again and again.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, app.exit, 0)
    try:
        code = await app.run_async()
    finally:
        if app.stopping is not None:
            await app.stopping
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
    open_link: OpenLink = no_browser,
    opening: Opening | None = None,
    shown: Callable[[], None] | None = None,
    gauge: Gauge | None = None,
) -> int:
    """Run the app in this terminal; the exit code. opening, shown, gauge: as in `OpenedApp`.

    Raises `commands.KeymapError` for keys that do not work, and whatever
    `engine.start` raises, both before the screen is taken.
    """
    commands.check_keys(settings.keys)
    app = TalkbotApp(engine, settings, sign_in=sign_in, given=given, room=room, open_link=open_link)
    app.begin(opening, shown)
    app.gauge = gauge
    code = asyncio.run(serve_app(app))
    session = app.engine.session if app.engine is not None else None
    if session and (line := words.farewell(session.rooms(), lasting=session.lasting)):
        sys.stdout.write(f"{line}\n")
    return code
