"""Lines of styled text, and the widget base that paints them.

A style is named by words: at most one colour (`COLOURS`) and any of `EFFECTS`.
Themes give the colours, so nothing here or above knows one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from talkbot_tui.ui.terminal.direct import Direct
from talkbot_tui.ui.wrapping import wrap

NAMES = 6
"""How many colours names have."""

COLOURS = (
    "muted",
    "strong",
    "good",
    "warn",
    "bad",
    "link",
    "code",
    "mention",
    *(f"name-{number}" for number in range(NAMES)),
)
EFFECTS = ("bold", "italic", "underline", "strike", "reverse", "dim")


IN_ASCII = str.maketrans("·…–“”‘’↑↓", "-.-\"\"''^v")
"""Punctuation of our texts where the terminal has only ASCII; one cell for one cell."""


class Span(NamedTuple):
    """Some text in one style; `link` makes it a hyperlink of the terminal."""

    text: str
    style: str = ""
    link: str = ""


Line = tuple[Span, ...]
"""One row of the screen, without the blanks at its end."""


def width_of(line: Iterable[Span]) -> int:
    """Cells taken."""
    return sum(cell_len(span.text) for span in line)


def flow(spans: Iterable[Span], width: int) -> list[Line]:
    """The spans as one text, broken into lines of at most `width` cells."""
    spans = tuple(span for span in spans if span.text)
    text = "".join(span.text for span in spans)
    starts = [0, *accumulate(len(span.text) for span in spans)]
    return [_cut(spans, starts, first, last) for first, last in wrap(text, width)]


def _cut(spans: Sequence[Span], starts: Sequence[int], first: int, last: int) -> Line:
    """What stands between two places; `starts` spares going through all spans for each line."""
    cut: list[Span] = []
    number = bisect_right(starts, first) - 1
    while number < len(spans) and (at := starts[number]) < last:
        part = spans[number].text[max(0, first - at) : last - at]
        cut.append(spans[number]._replace(text=part))
        number += 1
    return tuple(cut)


def marked(line: Line, mark: str) -> Line:
    """`line` with `mark` in place of its first blank, so that no colour alone tells which."""
    if line and line[0].text.startswith(" "):
        return (line[0]._replace(text=mark + line[0].text[1:]), *line[1:])
    return line


class Inked(Direct, Widget):
    """A widget that paints `Line`s in the theme's colours."""

    COMPONENT_CLASSES = {"ink--selected", *(f"ink--{name}" for name in COLOURS)}
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Inked { background: transparent; }
    Inked > .ink--selected { background: $chat-selected; }
    """ + "\n".join(f"Inked > .ink--{name} {{ color: $chat-{name}; }}" for name in COLOURS)

    # Nothing here scrolls: to be of another size is no reason to lay all of the screen out again.
    virtual_size = Reactive(Size(0, 0), layout=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.inks: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """Another theme: mix the inks anew."""
        super().notify_style_update()
        self.inks.clear()

    def ink(self, names: str) -> Style:
        """The terminal style for these words."""
        style = self.inks.get(names)
        if style is None:
            style = self.rich_style
            for name in names.split():
                style += self._mix(name)
            self.inks[names] = style
        return style

    def _mix(self, name: str) -> Style:
        if name in EFFECTS:
            return Style.parse(name)
        if name == "selected" and self.app.native_ansi_color:
            # Sixteen colours whose values nobody knows: reverse video can always be read.
            return Style(color="default", bgcolor="default", reverse=True)
        found = self.get_component_styles(f"ink--{name}").rich_style
        return Style(bgcolor=found.bgcolor) if name == "selected" else Style(color=found.color)

    def strip(self, line: Line, width: int, under: str = "") -> Strip:
        """`line` painted, exactly `width` cells; `under` are words that hold for all of it."""
        segments: list[Segment] = []
        plain = self.app.has_class("-ascii")
        for span in line:
            if plain and not span.text.isascii():
                span = span._replace(text=span.text.translate(IN_ASCII))
            style = self.ink(f"{span.style} {under}" if under else span.style)
            if span.link:
                style += Style(link=span.link)
            segments.append(Segment(span.text, style))
        return Strip(segments).adjust_cell_length(width, self.ink(under))
