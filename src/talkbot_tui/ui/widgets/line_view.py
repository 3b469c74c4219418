"""A widget of one or a few lines: status, typing, notice, banner, key hints."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip

from talkbot_tui.ui.ink import Inked, Line, Span, flow, width_of


class LineView(Inked):
    """Shows one line; the part that does not fit is cut off."""

    DEFAULT_CSS = "LineView { width: 1fr; height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.line: Line = ()
        self.end: Line = ()

    def show(self, line: Sequence[Span], end: Sequence[Span] = ()) -> None:
        """Show `line` at the left and `end` at the right; nothing is drawn when nothing changed."""
        line, end = tuple(line), tuple(end)
        if (line, end) != (self.line, self.end):
            self.line, self.end = line, end
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The line, and blank ones below it."""
        width, height = self.size
        strip = self.strip(self.line, width)
        if self.end:
            tail = self.strip(self.end, max(1, width_of(self.end)))
            room = width - tail.cell_length
            # What stands at the right is less important: it gives way.
            if room > width_of(self.line):
                strip = Strip.join([strip.crop(0, room), tail])
        strips = [strip.crop(0, width), *[Strip.blank(width, self.rich_style)] * (height - 1)]
        return [strip.crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]


class Notice(Inked):
    """Something told in a few lines at most; takes no room when there is nothing."""

    DEFAULT_CSS = "Notice { width: 1fr; height: auto; display: none; }"
    LINES_MAX = 3

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = ""
        self.mood = "warn"

    def tell(self, text: str, mood: str = "warn") -> None:
        """Show `text`; "" hides the notice."""
        if (text, mood) == (self.text, self.mood):
            return
        self.text, self.mood = text, mood
        self.display = bool(text)
        self.refresh(layout=True)

    def _lines(self, width: int) -> list[Line]:
        lines = flow([Span(self.text, self.mood)], max(1, width - 1))[: self.LINES_MAX]
        return [(Span(" "), *line) for line in lines]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as the text takes."""
        return len(self._lines(width))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The text."""
        width, height = self.size
        strips = [self.strip(line, width) for line in self._lines(width)]
        strips += [Strip.blank(width, self.rich_style)] * (height - len(strips))
        return [strip.crop(crop.x, crop.right) for strip in strips[crop.y : crop.bottom]]
