"""The list of packets: it paints the rows that are on the screen, and no others."""

from __future__ import annotations

from datetime import tzinfo

from textual import events
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip

from talkbot_tui.ui import glyphs, packet_lines
from talkbot_tui.ui.ink import Inked, marked
from talkbot_tui.ui.packet_view import PacketView

WHEEL = 3


class PacketList(Inked, can_focus=True):
    """Shows a view's rows, keeps the selected one visible, and the place while one reads back."""

    DEFAULT_CSS = "PacketList { width: 1fr; height: 1fr; }"

    class Chosen(Posted):
        """A row was clicked."""

    def __init__(self, view: PacketView, zone: tzinfo | None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = view
        self.zone = zone
        self.top = 0

    def first(self) -> int:
        """The index of the highest row, so that the selected one is visible."""
        view, height = self.view, max(1, self.size.height)
        count = len(view.shown)
        if view.follows:
            first = count - height
        else:
            # By its number: rows that are forgotten above do not move those below.
            first = view.place(self.top)
            first = min(max(first, view.index - height + 1), view.index)
        first = max(0, min(first, count - height))
        self.top = view.shown[first].number if view.shown else 0
        return first

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible rows."""
        width, height = self.size
        first, view = self.first(), self.view
        plain = self.app.has_class("-ascii")
        known = glyphs.ASCII if plain else glyphs.UNICODE
        strips: list[Strip] = []
        for packet in view.shown[first : first + height]:
            pair = view.pairs.found.get(packet.number)
            line = packet_lines.row(packet, pair, width, self.zone, plain)
            if packet.number == view.selected:
                strips.append(self.strip(marked(line, known.selected), width, "selected"))
            else:
                strips.append(self.strip(line, width))
        strips += [Strip.blank(width, self.rich_style)] * (height - len(strips))
        return [strip.crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]

    def on_click(self, event: events.Click) -> None:
        """Select that row."""
        at = self.first() + event.y
        if 0 <= at < len(self.view.shown):
            self.view.select(self.view.shown[at].number)
            self.post_message(self.Chosen())

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.view.move(-WHEEL)
        self.post_message(self.Chosen())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.view.move(WHEEL)
        self.post_message(self.Chosen())
