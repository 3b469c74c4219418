"""The inspector as an app of its own: on a connection without a chat, or on a recording."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import tzinfo

from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.wiretap import Wire
from talkbot_tui.config import Settings
from talkbot_tui.core.lean import Lean
from talkbot_tui.ui import glyphs, themes
from talkbot_tui.ui.app import ENDING
from talkbot_tui.ui.screens.inspector import InspectorScreen
from talkbot_tui.ui.surroundings import Surroundings
from talkbot_tui.ui.terminal.layer import LayeredApp


class InspectorApp(LayeredApp[int], inherit_bindings=False):
    """Shows one wire; `live` False for a recording."""

    TITLE = "talkbot-tui"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = []

    def __init__(
        self,
        wire: Wire,
        settings: Settings,
        *,
        live: bool = True,
        environ: Mapping[str, str] | None = None,
        zone: tzinfo | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        environ = dict(os.environ if environ is None else environ)
        super().__init__(ansi_color=True if environ.get("NO_COLOR") else None)
        self.plain_output = settings.plain_output
        self.wire, self.live = wire, live
        marks = glyphs.choose(environ, settings.ascii)
        lean = Lean(forced=settings.lean)
        self.around = Surroundings(settings, marks, zone=zone, clock=clock, lean=lean)
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.choose(settings.theme, environ)
        self.set_class(marks is glyphs.ASCII, "-ascii")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colours' names, for themes that lack them."""
        return themes.DEFAULTS

    def on_mount(self) -> None:
        """The one screen; the app ends with it."""
        screen = InspectorScreen(self.wire, self.around, live=self.live)
        self.push_screen(screen, lambda _nothing: self.exit(0))


async def serve_inspector(app: InspectorApp, running: Awaitable[None] | None) -> int:
    """Run `app` beside what keeps its connection, until the user leaves."""
    loop = asyncio.get_running_loop()
    for number in ENDING:
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, app.exit, 0)
    task = asyncio.ensure_future(running) if running is not None else None
    try:
        code = await app.run_async()
    finally:
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        app.wire.close()
    return code or app.return_code or 0
