"""From the last screen to the app's first, and from the app's last one to the next start.

While the last screen stands on the terminal, the app draws nothing: its own first
screen is written when it is whole, with all that was typed meanwhile, as the
difference to what stands there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from textual import events, on

from talkbot_tui.core.text import clean
from talkbot_tui.ui import leaving
from talkbot_tui.ui.screens.chat import ChatScreen
from talkbot_tui.ui.terminal import kept
from talkbot_tui.ui.terminal.layer import LayeredApp

if TYPE_CHECKING:
    from rich.console import RenderableType

    from talkbot_tui.last_screen import Screen
    from talkbot_tui.ui.port import EnginePort
    from talkbot_tui.ui.terminal.driver import TerminalDriver

T = TypeVar("T")


class Opening(Protocol):
    """What `start` did with the terminal before the app was there.

    Attributes:
        screen: what it wrote; None for nothing.
        left: what the app leaves for the next start.
    """

    screen: Screen | None
    left: Screen | None

    def typed(self) -> bytes:
        """All that was typed until now; it reads and echoes no more."""
        ...

    def take_over(self) -> list[Any]:
        """From now on the app gives the terminal back; its attributes before."""
        ...

    def done(self) -> None:
        """The app's own screen is there."""
        ...

    def give_back(self) -> None:
        """Leave the terminal as it was, unless the app has taken it over."""
        ...


class OpenedApp(LayeredApp[T], Generic[T], inherit_bindings=False):
    """An app that begins on the last screen, where `start` wrote it.

    Attributes:
        opening: None for a start that was not plain.
        shown: is called once, when the first screen is there.
    """

    opening: Opening | None = None
    shown: Callable[[], None] | None = None
    _begun = False

    def begin(self, opening: Opening | None, shown: Callable[[], None] | None) -> None:
        """Before the app runs: what is on the terminal, and who waits for our first screen."""
        self.opening, self.shown = opening, shown
        # Where nobody listens, Python writes warnings as they are over what stands there.
        logging.getLogger().addHandler(logging.NullHandler())
        if opening is not None and opening.screen is not None:
            self.holds_input = self.keeps_screen = self.covered = True
            self.taken_over = opening.take_over

    def opened_room(self, engine: EnginePort) -> str:
        """Id of the room that is on the terminal, "" where there is none or it is ours no more."""
        screen = self.opening.screen if self.opening else None
        return screen.room if screen is not None and engine.session.room(screen.room) else ""

    @on(ChatScreen.Whole)
    def _chat_is_whole(self, event: ChatScreen.Whole) -> None:
        """Go on with what was typed meanwhile, then draw."""
        if self._begun:
            return
        self._begun = True
        screen = self.opening.screen if self.opening else None
        if self.opening is None or screen is None:
            self.call_after_refresh(self._shown)
            return
        typed, driver = self.opening.typed(), self._reading()
        if event.room_id == screen.room:
            driver.feed_early(typed)
        else:
            # It was written for another room: it must not be sent to this one by itself.
            driver.feed_early(b"")
            driver.process_message(events.Paste(clean(typed.decode("utf-8", "replace"))))
        # Behind the keys, first in our own queue, then in that of whoever has the focus.
        driver.process_message(events.Callback(callback=self._keys_taken))

    def login_is_whole(self) -> None:
        """Who was to sign in typed nothing that belongs into the form."""
        if self._begun:
            return
        self._begun = True
        if self.opening is not None and self.opening.screen is not None:
            self.opening.typed()
            self._reading().feed_early(b"")
        self.call_after_refresh(self._uncover)

    def _reading(self) -> TerminalDriver:
        from talkbot_tui.ui.terminal.driver import TerminalDriver

        assert isinstance(self._driver, TerminalDriver)
        return self._driver

    def _keys_taken(self) -> None:
        (self.focused or self.screen).call_later(self.call_after_refresh, self._uncover)

    def _uncover(self) -> None:
        screen = self.opening.screen if self.opening else None
        if screen is not None and self.covered:
            self.covered = self.holds_input = self.keeps_screen = False
            if not self.plain_output:
                self.painter.assume(kept.cells(screen))
            self._display(self.screen, self.screen._compositor.render_full_update())
        self._shown()

    def _shown(self) -> None:
        if self.opening is not None:
            self.opening.done()
        if self.shown is not None:
            self.shown()

    def exit(
        self, result: T | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """End the app; what stands on the screen is there for the next start."""
        if self.opening is not None and self.opening.left is None and self._begun:
            self.take_in()
            self.opening.left = leaving.picture(self)
        super().exit(result, return_code, message)
