"""A page to read: help, a message's details."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from talkbot_tui import i18n
from talkbot_tui.ui.ink import Line, Span
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView
from talkbot_tui.ui.widgets.too_small import TooSmall

_ = i18n.Domain("app")


class Page(Gauged, ModalScreen[None]):
    """Shows lines, made for the width there is; Esc closes."""

    CSS_PATH = "picker.tcss"
    BINDINGS = [
        Binding("escape,q,f1,enter,ctrl+c", "close", show=False, priority=True),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown,space", "move(10)", show=False),
        Binding("home", "move(-10000)", show=False),
        Binding("end", "move(10000)", show=False),
    ]

    def __init__(self, title: str, lines: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self.heading = title
        self.make = lines
        self.box = LineList(id="entries")
        self.tiny = TooSmall()

    def compose(self) -> ComposeResult:
        """Title, lines, one line of help."""
        heading, told = LineView(id="heading"), LineView(id="told")
        heading.show([Span(f" {self.heading}", "strong bold")])
        told.show([Span(" " + _("Esc closes · PgUp and PgDn scroll"), "muted")])
        with Vertical(id="box"):
            yield heading
            yield self.box
            yield told
        yield self.tiny

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        self.tiny.measure(event.size)
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        self.box.show([("", line) for line in self.make(max(10, self.box.size.width))])

    def action_move(self, step: int) -> None:
        """Scroll."""
        self.box.first += step
        self.box.refresh()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)
