"""From Textual's updates of the screen to the shadow: what moved is scrolled, the rest compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

from talkbot_tui.ui.terminal.cells import PLAIN, Cell, Looks
from talkbot_tui.ui.terminal.shadow import Shadow

SCROLLED_MIN = 6
"""Fewer rows are written sooner than scrolled."""

SYNCHRONIZED_MIN = 3
"""Updates of so many rows could be seen half done."""

BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"


class Part(NamedTuple):
    """One widget's share of a row."""

    y: int
    x: int
    end: int
    strip: Strip


class Painter:
    """Turns updates of Textual's compositor into bytes."""

    def __init__(
        self,
        colours: ColorSystem,
        *,
        margins: bool = False,
        coloured_erase: bool = True,
        scrolls: bool = True,
    ) -> None:
        """Describe the terminal, as `Shadow` does; `scrolls`: it knows SU and SD."""
        self.synchronized = False
        self._looks = Looks(colours)
        self._margins = margins
        self._coloured_erase = coloured_erase
        self._scrolls = scrolls
        self._shadow = Shadow(0, 0)
        self._strips: list[dict[int, Part]] = []
        self._cursor: tuple[int, int] | None = None

    def reset(self) -> None:
        """Nothing is known of the terminal any more."""
        self._shadow = Shadow(0, 0)

    def use_margins(self) -> None:
        """The terminal can scroll a part of its columns (DECSLRM)."""
        self._margins = True
        self._shadow.use_margins()

    def cells(self, strip: Strip) -> list[Cell]:
        """The strip's cells as this terminal would show them."""
        return self._looks.cells(strip)

    def look(self, style: Style) -> tuple[str, str]:
        """The look of text in that style, and of blanks."""
        return self._looks.of(style)

    def picture(self) -> list[list[Cell]]:
        """What stands on the terminal, row by row; empty while nothing is known."""
        return [list(row) for row in self._shadow.rows]

    def assume(self, rows: Sequence[Sequence[Cell]]) -> None:
        """`rows`, all equally wide, stand on the terminal: somebody else wrote them."""
        self._blank(len(rows[0]) if rows else 0, len(rows))
        self._shadow.rows = [list(row) for row in rows]

    def _blank(self, width: int, height: int) -> None:
        self._shadow = Shadow(
            width, height, margins=self._margins, coloured_erase=self._coloured_erase
        )
        self._strips = [{} for _ in range(height)]

    def paint(
        self,
        update: LayoutUpdate | ChopsUpdate,
        size: tuple[int, int],
        cursor: tuple[int, int],
        shown: bool = False,
    ) -> str:
        """The bytes for `update` on a terminal of `size` (width, height), cursor at (column, row).

        shown: the terminal's cursor can be seen. Empty when nothing changes on it.
        """
        parts = _of_layout(update) if isinstance(update, LayoutUpdate) else _of_chops(update)
        return self.paint_parts(parts, size, cursor, shown)

    def paint_parts(
        self,
        parts: Iterable[Part],
        size: tuple[int, int],
        cursor: tuple[int, int],
        shown: bool = False,
    ) -> str:
        """As `paint`, for rows that are known already."""
        width, height = size
        if (self._shadow.width, self._shadow.height) != (width, height):
            self._blank(width, height)
        parts = [part for part in parts if 0 <= part.y < height and part.x < width]
        if self._scrolls:
            self._scroll(parts)
        changed = sum(self._put(part) for part in parts)
        text = self._shadow.take(cursor, shown=shown)
        if self.synchronized and changed >= SYNCHRONIZED_MIN:
            return f"{BEGIN}{text}{END}"
        return text

    def echo(self, y: int, x: int, text: str, style: Style, size: tuple[int, int]) -> str | None:
        """The bytes that show a character of one cell, with the cursor behind it.

        None, and nothing is noted, where the row has cells of doubtful width or is unknown.
        """
        shadow = self._shadow
        if (shadow.width, shadow.height) != size or not (0 <= y < size[1] and 0 <= x < size[0] - 1):
            return None
        if shadow.is_odd(y) or not shadow.rows[y][x][0] or not shadow.rows[y][x + 1][0]:
            return None
        held = self._strips[y]
        for start in [start for start, other in held.items() if start <= x < other.end]:
            # It stands there no more, even if the very same strip is painted again.
            del held[start]
        look, blank = self._looks.of(style)
        shadow.type(y, x, (text, blank if text == " " else look))
        return shadow.take((x + 1, y), shown=True)

    def _put(self, part: Part) -> bool:
        held = self._strips[part.y]
        before = held.get(part.x)
        if before is not None and before.end == part.end and before.strip is part.strip:
            return False
        for x in [x for x, other in held.items() if x < part.end and other.end > part.x]:
            del held[x]
        held[part.x] = part
        cells = self._looks.cells(part.strip)[: part.end - part.x]
        return self._shadow.put(part.y, part.x, cells)

    def _scroll(self, parts: list[Part]) -> None:
        """Find a column of rows that only moved, and move it."""
        columns: dict[tuple[int, int], list[Part]] = {}
        for part in parts:
            columns.setdefault((part.x, part.end), []).append(part)
        for (x, end), column in columns.items():
            top, bottom = column[0].y, column[-1].y + 1
            if len(column) < SCROLLED_MIN or bottom - top != len(column):
                continue
            by, top, bottom = self._moved(column)
            if not by:
                continue
            self._shadow.scroll(top, bottom, x, end, by, self._background(column, top, bottom, by))
            moved = {y: self._strips[y].pop(x, None) for y in range(top, bottom)}
            for y in range(top, bottom):
                came = moved.get(y + by)
                if came is not None and came.end == end:
                    self._strips[y][x] = came._replace(y=y)
            return

    def _background(self, column: list[Part], top: int, bottom: int, by: int) -> str:
        """How the blanks look in the row that comes in last."""
        strip = column[(bottom - 1 if by > 0 else top) - column[0].y].strip
        text, look = self._looks.cells(strip)[-1]
        return look if text == " " else PLAIN

    def _moved(self, column: list[Part]) -> tuple[int, int, int]:
        """By how many rows most of the column moved up, and the rows (from, to) that this touches.

        0 when it is not worth it.
        """
        places: dict[int, int] = {}
        again: set[int] = set()
        stayed = 0
        for part in column:
            held = self._strips[part.y].get(part.x)
            if held is None or held.end != part.end:
                continue
            stayed += held.strip is part.strip
            if id(held.strip) in places:
                # Blank rows are one strip in many places: they say nothing of what moved.
                again.add(id(held.strip))
            places[id(held.strip)] = part.y
        moves = [
            (place - part.y, part.y)
            for part in column
            if id(part.strip) not in again
            and (place := places.get(id(part.strip), part.y)) != part.y
        ]
        if not moves:
            return 0, 0, 0
        by, count = Counter(by for by, _y in moves).most_common(1)[0]
        if count <= max(2, stayed) or count * 4 < len(column):
            return 0, 0, 0
        # Rows that only stand in the same column, a title or what is written below, stay.
        rows = [y + more for move, y in moves if move == by for more in (0, by)]
        return by, min(rows), max(rows) + 1


def _of_layout(update: LayoutUpdate) -> Iterator[Part]:
    for y, row in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in row:
            yield Part(y, x, x + strip.cell_length, strip)
            x += strip.cell_length


def _of_chops(update: ChopsUpdate) -> Iterator[Part]:
    """Only what lies in the update's spans; the chops beside them may be of an earlier time."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= last or end <= first or end <= x:
                continue
            if x >= first and end <= last:
                yield Part(y, x, end, strip)
            else:
                start, stop = max(x, first), min(end, last)
                yield Part(y, start, stop, strip.crop(start - x, stop - x))
