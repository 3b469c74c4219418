"""The last screen, from cells to rows of text and back."""

from __future__ import annotations

from rich.cells import split_graphemes

from talkbot_tui.last_screen import Screen
from talkbot_tui.ui.terminal.cells import LINK, PLAIN, UNKNOWN, Cell, behind, doubtful


def row_of(cells: list[Cell]) -> str:
    """A row of cells as printable text and SGR sequences, without its links."""
    parts: list[str] = []
    look = PLAIN
    unprintable = False
    for text, own in cells:
        sgr = own.partition(LINK)[0]
        # A blank may be written in any look that shows the same behind it.
        if text and sgr != look and (text != " " or behind(look) != sgr):
            look = sgr
            parts.append(f"\x1b[0;{sgr}m" if sgr else "\x1b[m")
        if text:
            unprintable = not text.isprintable()
        # The app itself shows in a moment what nobody can say the width of.
        parts.append(" " if unprintable else text)
    return "".join(parts)


def cells(screen: Screen) -> list[list[Cell]]:
    """What stands on a terminal that shows `screen`; unknown where one was writing."""
    rows = [_cells_of(row, screen.columns) for row in screen.rows]
    rows[screen.cursor[1]] = [UNKNOWN] * screen.columns
    return rows


def _cells_of(row: str, columns: int) -> list[Cell]:
    made: list[Cell] = []
    first, *parts = row.split("\x1b[")
    runs = [("", first), *(_run(part) for part in parts)]
    for look, text in runs:
        for start, end, width in split_graphemes(text)[0]:
            if doubtful(text[start:end]):
                return [UNKNOWN] * columns
            grapheme = text[start:end]
            made.append((grapheme, behind(look) if grapheme == " " else look))
            made += [("", look)] * (width - 1)
    return made if len(made) == columns else [UNKNOWN] * columns


def _run(part: str) -> tuple[str, str]:
    sequence, _end, text = part.partition("m")
    return sequence.removeprefix("0;"), text
