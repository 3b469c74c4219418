"""A list that paints lines and tells which one was clicked: rooms and people."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip

from talkbot_tui.ui import glyphs
from talkbot_tui.ui.ink import Inked, Line, marked

WHEEL = 2


class LineList(Inked):
    """Shows lines from `first` on; keeps the current one visible, with a mark before it."""

    DEFAULT_CSS = "LineList { width: 1fr; height: 1fr; }"

    class Chosen(Posted):
        """A line was clicked."""

        def __init__(self, source: LineList, key: str) -> None:
            super().__init__()
            self.source = source
            self.key = key

        @property
        def control(self) -> LineList:
            """The list."""
            return self.source

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[tuple[str, Line]] = []
        self.current = ""
        self.first = 0
        self._strips: dict[tuple[Line, bool, int], Strip] = {}

    def show(self, lines: Sequence[tuple[str, Line]], current: str = "") -> None:
        """Show these (key, line); the one with key `current` is marked."""
        moved = current != self.current
        if list(lines) == self.lines and not moved:
            return
        self.lines, self.current = list(lines), current
        if moved:
            self._keep_visible()
        self.refresh()

    def on_resize(self) -> None:
        """Another height."""
        self._keep_visible()

    def _keep_visible(self) -> None:
        height = max(1, self.size.height)
        at = [i for i, (key, _line) in enumerate(self.lines) if key == self.current] or [0]
        self.first = min(max(self.first, at[-1] - height + 1), at[0])

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines."""
        width, height = self.size
        self.first = max(0, min(self.first, len(self.lines) - height))
        made: dict[tuple[Line, bool, int], Strip] = {}
        strips: list[Strip] = []
        for key, line in self.lines[self.first : self.first + height]:
            what = line, bool(key) and key == self.current, width
            made[what] = strip = self._strips.get(what) or self._strip(*what)
            strips.append(strip)
        self._strips = made
        strips += [Strip.blank(width, self.rich_style)] * (height - len(strips))
        return [strip.crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]

    def _strip(self, line: Line, current: bool, width: int) -> Strip:
        if current:
            known = glyphs.ASCII if self.app.has_class("-ascii") else glyphs.UNICODE
            return self.strip(marked(line, known.selected), width, "selected")
        return self.strip(line, width)

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self._strips.clear()

    def on_click(self, event: events.Click) -> None:
        """Tell which."""
        at = self.first + event.y
        if 0 <= at < len(self.lines) and self.lines[at][0]:
            self.post_message(self.Chosen(self, self.lines[at][0]))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.first -= WHEEL
        self.refresh()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.first += WHEEL
        self.refresh()
