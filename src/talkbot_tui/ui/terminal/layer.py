"""Puts the painter between Textual and the terminal; the only place that knows Textual's inside.

Written against Textual 8.2.8, whose version is pinned: `App._display` receives
every update of the screen. Where the layer cannot be sure of what it gets, it
steps aside, and Textual writes as it always does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from rich.color import ColorSystem
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.message import Message

from talkbot_tui.ui.terminal.direct import Lane, Typewriter
from talkbot_tui.ui.terminal.gauge import Gauge, measured
from talkbot_tui.ui.terminal.guard import guarded
from talkbot_tui.ui.terminal.painter import Painter, Part

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.style import Style
    from textual.driver import Driver
    from textual.geometry import Size
    from textual.screen import Screen

    from talkbot_tui.ui.terminal.output import Output

T = TypeVar("T")
Update = LayoutUpdate | ChopsUpdate

ORDERED = (events.Key, events.Paste)
"""Events that must not overtake each other."""

UNDER_WAY_S = 1.0
"""Nothing that a key does takes longer to be begun."""


class LayeredApp(App[T], Generic[T], inherit_bindings=False):
    """An app whose output is the difference to what stands on the terminal.

    Attributes:
        plain_output: write as Textual does; for terminals that the layer is wrong about.
        holds_input: the driver reads nothing until it was given what was typed before
            (`TerminalDriver.feed_early`).
        keeps_screen: the terminal shows its other screen already, with what the painter was
            told to `assume`.
        on_update: is handed each update of the screen, on the screen or not.
        on_output: is handed what the layer writes, in place of a driver; for tests.
        lane: paints widgets that need no compositor.
        covered: nothing is drawn; what stands on the terminal is better than a part of ours.
        taken_over: tells who had the terminal that we have it now; its attributes before.
        gauge: measures what is written; None for nobody who asks.
    """

    plain_output = False
    holds_input = False
    keeps_screen = False
    on_update: Callable[[Update], None] | None = None
    on_output: Callable[[str], None] | None = None
    covered = False
    taken_over: Callable[[], list[Any]] | None = None
    gauge: Gauge | None = None
    _painter: Painter | None = None
    _painted_size: Size | None = None
    _stale = False

    @cached_property
    def _under_way(self) -> dict[int, tuple[events.Event, float]]:
        return {}

    @cached_property
    def lane(self) -> Lane:
        """The short way to the terminal."""
        return Lane(self)

    def get_driver_class(self) -> type[Driver]:
        """Ours where Textual would take its driver for Unix; tests and Windows keep theirs."""
        chosen = super().get_driver_class()
        if chosen.__module__ != "textual.drivers.linux_driver":
            return chosen
        from talkbot_tui.ui.terminal.driver import TerminalDriver

        return TerminalDriver

    # --- what the terminal says --------------------------------------------------------

    @property
    def owns_terminal(self) -> bool:
        """Whether what stands on the terminal, its cursor too, is written by the layer."""
        if self.plain_output or self.on_output is not None:
            return not self.plain_output
        driver = self._driver
        return driver is not None and not driver.is_headless and not driver.is_inline

    @property
    def layered(self) -> bool:
        """Whether the layer may write, now."""
        running = self._running and not self._closed and bool(self._screen_stack)
        running = running and not self.covered
        return running and self.owns_terminal

    @property
    def blocked(self) -> bool:
        """Whether the terminal takes nothing now; no picture is made until it does."""
        output: Output | None = getattr(self._driver, "output", None)
        return output is not None and output.blocked

    def missed(self) -> None:
        """A picture was not painted."""
        self._stale = True

    def waited(self, ms: float) -> None:
        """A frame waited so long for the terminal, in ms; 0 for none."""

    def terminal_drained(self, waited: float = 0.0) -> None:
        """The terminal has taken all, after so many seconds: what it missed is painted at once."""
        self.waited(waited * 1000)
        if self._stale and self._screen_stack:
            self._stale = False
            self.screen.refresh()

    def has_margins(self) -> None:
        """The terminal can scroll a part of its columns."""
        if self._painter is not None or not self.plain_output:
            self.painter.use_margins()

    # --- painting ----------------------------------------------------------------------

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if self.covered:
            return
        if not isinstance(renderable, (LayoutUpdate, ChopsUpdate)):
            if renderable is not None and self._painter is not None:
                self._painter.reset()
            super()._display(screen, renderable)
            return
        if self.on_update is not None:
            self.on_update(renderable)
        if self.blocked:
            self.missed()
            self.post_display_hook()
            return
        if self._batch_count or not self.layered:
            if self._painter is not None:
                self._painter.reset()
            super()._display(screen, guarded(renderable))
            return
        try:
            size = self.size.width, self.size.height
            self._send(self.painter.paint(renderable, size, self._cursor(), self._cursor_shown))
        except Exception as error:
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    @property
    def _background_screens(self) -> list[Screen[object]]:
        """What may shine through; the empty screen of the start does not through an opaque one."""
        screens: list[Screen[object]] = super()._background_screens
        if self._screen_stack and self._screen_stack[-1].styles.background.a == 1:
            return [screen for screen in screens if screen.id != "_default"]
        return screens

    def depths(self) -> tuple[int, int]:
        """Messages of the app that wait for their turn, and bytes for the terminal."""
        output: Output | None = getattr(self._driver, "output", None)
        queued = self.message_queue_size + sum(s.message_queue_size for s in self._screen_stack)
        return queued, 0 if output is None else output.waiting

    def show_parts(self, parts: list[Part]) -> None:
        """Put rows of widgets on the terminal; nothing lies over them."""
        try:
            size = self.size.width, self.size.height
            self._send(self.painter.paint_parts(parts, size, self._cursor(), self._cursor_shown))
        except Exception as error:
            self._handle_exception(error)

    def echo(self, x: int, y: int, text: str, style: Style) -> bool:
        """Put one typed character of one cell there, and the cursor behind it.

        False, and nothing is done, where that would not be all that changes.
        """
        with measured(self, "echo"):
            written = self.painter.echo(y, x, text, style, (self.size.width, self.size.height))
            if written is None:
                return False
            self._send(written)
            return True

    def _send(self, text: str) -> None:
        if not text:
            return
        if self.gauge is not None:
            self.gauge.wrote(len(text.encode()))
        if self.on_output is not None:
            self.on_output(text)
        elif self._driver is not None:
            self._driver.write(text)
            self._driver.flush()
            if not self.blocked:
                self.waited(0.0)

    @property
    def painter(self) -> Painter:
        """What knows the terminal; made when it is first needed."""
        if self._painter is None:
            colours = self.console._color_system or ColorSystem.TRUECOLOR
            can = abilities()
            self._painter = Painter(colours, coloured_erase=can.coloured_erase, scrolls=can.scrolls)
        self._painter.synchronized = self._sync_available
        return self._painter

    def _cursor(self) -> tuple[int, int]:
        focused = self.screen.focused
        at = focused.cursor_place() if isinstance(focused, Typewriter) else self.cursor_position
        at = self.screen.outer_size.clamp_offset(at)
        return at.x, at.y

    @property
    def _cursor_shown(self) -> bool:
        """Whether the terminal's own cursor stands in for the one that a widget would draw."""
        return isinstance(self.screen.focused, Typewriter)

    def forget_screen(self) -> None:
        """Something else has written to the terminal: the next update is written whole."""
        if self._painter is not None:
            self._painter.reset()

    def on_mount(self) -> None:
        """A program that was stopped finds another screen when it goes on."""
        self.app_resume_signal.subscribe(self, lambda _app: self._resumed())

    def _resumed(self) -> None:
        self.forget_screen()
        if self._screen_stack:
            self.screen.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Terminals move their lines when they are resized."""
        if event.size != self._painted_size and not (
            self._painted_size is None and self.keeps_screen
        ):
            self.forget_screen()
        self._painted_size = event.size

    def exit(
        self, result: T | None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """As ever; what was typed until now is taken in first."""
        self.take_in()
        super().exit(result, return_code, message)

    # --- keys --------------------------------------------------------------------------

    def take_in(self) -> None:
        """What is on the terminal before it is in its widget's text goes there now."""
        for screen in self._screen_stack:
            if isinstance(screen.focused, Typewriter):
                screen.focused.leave()

    def post_message(self, message: Message) -> bool:
        """As ever; keys are under way from here."""
        posted = super().post_message(message)
        if posted and isinstance(message, ORDERED):
            self.set_out(message)
        return posted

    async def on_event(self, event: events.Event) -> None:
        """As ever; a key that nobody takes on from here has come through."""
        came_back = event.is_forwarded
        try:
            await super().on_event(event)
        finally:
            if isinstance(event, ORDERED) and (came_back or not event.is_forwarded):
                self.came_through(event)

    def set_out(self, event: events.Event) -> None:
        """`event` is on its way to where it belongs."""
        self._under_way[id(event)] = event, monotonic()

    def came_through(self, event: events.Event) -> None:
        """All that `event` does is done."""
        self._under_way.pop(id(event), None)

    @property
    def _nothing_under_way(self) -> bool:
        """Whether no key is; one that somebody took without telling counts for a moment only."""
        if self._under_way:
            old = monotonic() - UNDER_WAY_S
            self._under_way = {k: it for k, it in self._under_way.items() if it[1] > old}
        return not self._under_way

    def taken(self, message: Message) -> bool:
        """Whether `message` is a typed character that is on the screen already.

        Only when no key before it is still under way, and all that it changes is one cell.
        """
        if (
            not isinstance(message, events.Key)
            or message.character is None
            or message.key.startswith(MODIFIED)
            or not self.app_focus
            or not self.layered
            or self.blocked
            or self._batch_count
            or not self._nothing_under_way
        ):
            return False
        focused = self.screen.focused
        if not isinstance(focused, Typewriter):
            return False
        with self._context():
            return focused.type_ahead(message.character)


MODIFIED = ("alt+", "ctrl+", "super+", "hyper+", "meta+")
"""Keys with these are commands, also where Textual gives them the letter's character."""

SCROLLING = {
    "csr": b"\x1b[%i%p1%d;%p2%dr",
    "indn": b"\x1b[%p1%dS",
    "rin": b"\x1b[%p1%dT",
}
"""How the layer scrolls, in terminfo's words: DECSTBM, SU and SD."""


class Abilities(NamedTuple):
    """What not every terminal can do.

    coloured_erase: what is erased takes the background that is set (terminfo's `bce`).
    scrolls: as `SCROLLING` says.
    """

    coloured_erase: bool = False
    scrolls: bool = False


def abilities(term: str | None = None) -> Abilities:
    """What terminfo says of the terminal; Python asks for one terminal in a process only."""
    with suppress(Exception):
        # Without terminfo, or where Python has no curses, nothing is taken for granted.
        import curses

        curses.setupterm(term or os.environ.get("TERM", "dumb"), 1)
        return Abilities(
            coloured_erase=curses.tigetflag("bce") > 0,
            scrolls=all(curses.tigetstr(name) == how for name, how in SCROLLING.items()),
        )
    return Abilities()
