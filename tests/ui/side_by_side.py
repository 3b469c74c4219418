"""An app whose layer writes to an emulator, compared with what Textual's compositor would show."""

from __future__ import annotations

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import LayoutUpdate
from textual.app import App

from talkbot_tui.ui.terminal.layer import LayeredApp
from talkbot_tui.ui.terminal.painter import Painter
from tests.emulator import Emulator


class SideBySide:
    """Everything that the layer writes, direct painting included, goes to one terminal.

    `check` has the compositor paint all of the screen on another, and compares.
    """

    def __init__(self, app: LayeredApp[int], **kind: bool) -> None:
        self.app = app
        self.kind = kind
        self.terminal = Emulator(1, 1)
        self.written: list[str] = []
        self.checks = 0
        app._painter = Painter(ColorSystem.TRUECOLOR, **kind)
        app.on_output = self.take

    def take(self, text: str) -> None:
        size = self.app.size.width, self.app.size.height
        if self.terminal.size != size:
            self.terminal = Emulator(*size, scrolls=self.kind.get("scrolls", True))
        self.written.append(text)
        self.terminal.write(text)

    def check(self) -> None:
        """Both terminals show the same."""
        if self.app._exit:
            return
        size = self.app.size.width, self.app.size.height
        stock = Emulator(*size)
        update = self.app.screen._compositor.render_update(
            full=True, screen_stack=self.app._background_screens
        )
        assert isinstance(update, LayoutUpdate)
        stock.write(update.render_segments(_console(self.app)))
        wrong = [
            (y, x, mine, theirs)
            for y in range(size[1])
            for x, (mine, theirs) in enumerate(zip(self.terminal.row(y), stock.row(y), strict=True))
            if mine != theirs
        ]
        assert not wrong, (wrong[:5], self.terminal.text(), stock.text())
        self.checks += 1

    def taken(self) -> str:
        """What was written since the last call."""
        text = "".join(self.written)
        self.written.clear()
        return text


def _console(app: App[int]) -> Console:
    return Console(color_system="truecolor", force_terminal=True)
