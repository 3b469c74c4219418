"""The last door for plain output: strips without what a terminal could obey.

With the screen layer the cells are cleaned (`cells`); where Textual writes by
itself, its updates pass here.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

from talkbot_tui.ui.terminal.cells import REPLACEMENT, UNSAFE, fit_link


def guarded(update: LayoutUpdate | ChopsUpdate) -> LayoutUpdate | ChopsUpdate:
    """`update` itself, or a copy in which every strip is safe."""
    if isinstance(update, LayoutUpdate):
        rows = [list(row) for row in update.strips]
        return LayoutUpdate([[safe(strip) for strip in row] for row in rows], update.region)
    chops = [{x: strip and safe(strip) for x, strip in row.items()} for row in update.chops]
    return ChopsUpdate(chops, update.spans, update.chop_ends)


def safe(strip: Strip) -> Strip:
    """`strip` itself, or a copy of the same width without control characters and odd links."""
    if not any(_bad(text, style) for text, style, _control in strip):
        return strip
    return Strip(
        [
            Segment(UNSAFE.sub(REPLACEMENT, text), _linked(style), control)
            for text, style, control in strip
        ]
    ).adjust_cell_length(strip.cell_length)


def _bad(text: str, style: Style | None) -> bool:
    return bool(UNSAFE.search(text) or (style and style.link and not fit_link(style.link)))


def _linked(style: Style | None) -> Style | None:
    if style is not None and style.link and not fit_link(style.link):
        return style.update_link(None)
    return style
