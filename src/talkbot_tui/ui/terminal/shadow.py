"""The shadow: what stands on the terminal, and the shortest way to something else.

Sequences are those of ECMA-48 as xterm has them (CUP, CUF, CHA, EL, ECH, SU, SD,
SGR), DECSTBM for the rows that scroll, DECSLRM for their columns, OSC 8 for links.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import ne
from zlib import crc32

from talkbot_tui.ui.terminal.cells import (
    BLANK,
    LINK,
    PLAIN,
    UNKNOWN,
    Cell,
    behind,
    change,
    doubtful,
    erasable,
)

JOIN = 6
"""Differences nearer than this are written as one: moving there costs as much."""

ERASE = 5
"""So many blanks are erased rather than written."""


class Shadow:
    """Cells of a terminal, and the bytes to be written so that it shows them.

    Nothing is known of the terminal at first: the first `put` of a cell writes it.
    """

    def __init__(
        self, width: int, height: int, *, margins: bool = False, coloured_erase: bool = True
    ) -> None:
        """Describe the terminal.

        margins: it can scroll a part of its columns (DECSLRM). coloured_erase:
        what it erases takes the background that is set (terminfo's `bce`).
        """
        self.width = width
        self.height = height
        self.rows: list[list[Cell]] = [[UNKNOWN] * width for _ in range(height)]
        self._margins = margins
        self._coloured_erase = coloured_erase
        self._odd = [False] * height
        self._out: list[str] = []
        self._row = -1
        self._column = -1
        self._sgr: str | None = None
        self._link = ""
        self._shown: bool | None = None

    def put(self, y: int, x: int, cells: Sequence[Cell]) -> bool:
        """Show `cells` in row `y` from column `x`; whether anything was to be written."""
        row = self.rows[y]
        end = min(self.width, x + len(cells))
        old, new = row[x:end], list(cells[: end - x])
        if old == new:
            return False
        odd = _odd(new)
        if x and not row[x][0]:
            # Half of a wide character is overwritten: terminals take away its other half.
            row[x - 1] = UNKNOWN
        if end < self.width and not row[end][0]:
            row[end] = UNKNOWN
        row[x:end] = new
        if odd or self._odd[y]:
            # Where widths are doubtful nobody knows what stands beside them.
            self._write(y, 0, row)
            self._odd[y] = _odd(row)
            return True
        for first, last in _differences(old, new):
            self._write(y, x + first, row[x + first : x + last])
        return True

    def type(self, y: int, x: int, cell: Cell) -> None:
        """Show a cell of width one at (x, y) by writing it, even if it stands there already.

        The cursor goes with it, and no move is shorter.
        """
        self.rows[y][x] = cell
        self._text(y, x, [cell])

    def scroll(
        self, top: int, bottom: int, left: int, right: int, by: int, look: str = PLAIN
    ) -> None:
        """Move the cells of a rectangle up by `by` rows (down when negative).

        bottom, right: the first row and column behind it. What comes in is blank, in
        `look` where the terminal can do that.
        """
        if look and not (self._coloured_erase and erasable(look)):
            look = PLAIN
        self._look(look)
        blank = BLANK if look == PLAIN else (" ", look)
        whole = left == 0 and right == self.width
        margins = self._margins and not whole
        if margins:
            self._out.append(f"\x1b[?69h\x1b[{left + 1};{right}s")
        count = abs(by)
        up_or_down = "S" if by > 0 else "T"
        self._out.append(
            f"\x1b[{top + 1};{bottom}r\x1b[{count if count > 1 else ''}{up_or_down}\x1b[r"
        )
        if margins:
            self._out.append("\x1b[?69l")
        self._row = -1
        before = [list(row) for row in self.rows[top:bottom]]
        odd = self._odd[top:bottom]
        for y in range(top, bottom):
            source = y + by - top
            inside = 0 <= source < len(before)
            came = before[source] if inside else [blank] * self.width
            self._odd[y] = (inside and odd[source]) or (margins and odd[y - top])
            if margins:
                self.rows[y][left:right] = came[left:right]
            else:
                self.rows[y] = list(came)
        if not whole and not margins:
            for y, row in enumerate(before, top):
                self.put(y, 0, row[:left])
                self.put(y, right, row[right:])

    def take(self, cursor: tuple[int, int] | None = None, *, shown: bool = False) -> str:
        """What is to be written since the last call; leaves the cursor at (column, row).

        The last look stays, so that what is typed next needs none; a link does not.
        """
        if self._link:
            self._look(PLAIN)
        if cursor is not None and (self._row, self._column) != (cursor[1], cursor[0]):
            self._move(cursor[1], cursor[0])
        if shown is not self._shown:
            self._out.append("\x1b[?25h" if shown else "\x1b[?25l")
            self._shown = shown
        text = "".join(self._out)
        self._out.clear()
        return text

    def use_margins(self) -> None:
        """The terminal can scroll a part of its columns."""
        self._margins = True

    def is_odd(self, y: int) -> bool:
        """Whether terminals may disagree on where the cells of row `y` are."""
        return self._odd[y]

    def forget_cursor(self) -> None:
        """Something else was written to the terminal: place and look are unknown."""
        self._row = self._column = -1
        self._sgr = None

    # --- writing -----------------------------------------------------------------

    def _write(self, y: int, x: int, cells: Sequence[Cell]) -> None:
        at = 0
        while at < len(cells):
            text, look = cells[at]
            if text == UNKNOWN[0]:
                at += 1
            elif text == " ":
                stop = _blanks(cells, at)
                if not self._erased(y, x + at, stop - at, look):
                    self._text(y, x + at, cells[at:stop])
                at = stop
            elif doubtful(text):
                stop = at + 1
                while stop < len(cells) and not cells[stop][0]:
                    stop += 1
                self._doubtful(y, x + at, stop - at, text, look)
                at = stop
            else:
                stop = _run(cells, at)
                self._text(y, x + at, cells[at:stop])
                at = stop

    def _text(self, y: int, x: int, cells: Sequence[Cell]) -> None:
        text, look = cells[0]
        self._move(y, x)
        # A blank may be written in any look that shows the same behind it.
        if text != " " or self._sgr is None or self._link or behind(self._sgr) != look:
            self._look(look)
        self._out.append("".join([cell[0] for cell in cells]))
        self._moved(x + len(cells))

    def _erased(self, y: int, x: int, count: int, look: str) -> bool:
        if count <= ERASE or not erasable(look) or (look and not self._coloured_erase):
            return False
        self._move(y, x)
        self._look(look)
        self._out.append("\x1b[K" if x + count == self.width else f"\x1b[{count}X")
        return True

    def _doubtful(self, y: int, x: int, width: int, text: str, look: str) -> None:
        """Blank its cells first: a terminal that takes fewer would leave something there."""
        self._move(y, x)
        self._look(look)
        self._out.append(" " * width)
        self._column = -1
        self._move(y, x)
        self._out.append(text)
        self._column = -1

    def _moved(self, x: int) -> None:
        # In the last column terminals differ: some are at its end, some behind it.
        self._column = x if x < self.width else -1

    def _move(self, y: int, x: int) -> None:
        if y != self._row:
            column = f";{x + 1}" if x else ""
            self._out.append(f"\x1b[{y + 1 if y or x else ''}{column}H")
        elif x != self._column:
            ahead = x - self._column
            if x == 0:
                self._out.append("\r")
            elif self._column >= 0 and 0 < ahead < 10:
                self._out.append(f"\x1b[{ahead if ahead > 1 else ''}C")
            else:
                self._out.append(f"\x1b[{x + 1}G")
        self._row, self._column = y, x

    def _look(self, look: str) -> None:
        sgr, _nul, link = look.partition(LINK)
        if link != self._link:
            about = f"id={crc32(link.encode('utf-8', 'replace')):x}" if link else ""
            self._out.append(f"\x1b]8;{about};{link}\x1b\\")
            self._link = link
        if sgr == self._sgr:
            return
        if self._sgr is None:
            self._out.append(f"\x1b[0;{sgr}m" if sgr else "\x1b[m")
        else:
            self._out.append(f"\x1b[{change(self._sgr, sgr)}m")
        self._sgr = sgr


def _odd(cells: Sequence[Cell]) -> bool:
    return any(map(doubtful, {text for text, _look in cells if text > "\x7f"}))


def _blanks(cells: Sequence[Cell], at: int) -> int:
    """Where the blanks that begin at `at` end."""
    blank = cells[at]
    while at < len(cells) and cells[at] == blank:
        at += 1
    return at


def _run(cells: Sequence[Cell], at: int) -> int:
    """Where the text that begins at `at` and can be written in one look ends."""
    look = cells[at][1]
    under = look if LINK in look else behind(look)
    blanks = -1
    for stop in range(at, len(cells)):
        text, own = cells[stop]
        if text == " ":
            if blanks < 0:
                blanks = stop
            if own != under or stop - blanks >= ERASE:
                return blanks
        elif text and (own != look or text == UNKNOWN[0] or (text > "\x7f" and doubtful(text))):
            return stop
        else:
            blanks = -1
    return len(cells) if blanks < 0 else blanks


def _differences(old: Sequence[Cell], new: Sequence[Cell]) -> list[tuple[int, int]]:
    """Stretches to be written: from, to; whole wide characters, near ones joined."""
    found: list[list[int]] = []
    end = -JOIN
    for at in compress(range(len(new)), map(ne, old, new)):
        if at - end < JOIN:
            found[-1][1] = at + 1
        else:
            found.append([at, at + 1])
        end = at + 1
    for stretch in found:
        while stretch[0] > 0 and not (new[stretch[0]][0] and old[stretch[0]][0]):
            stretch[0] -= 1
        while stretch[1] < len(new) and not (new[stretch[1]][0] and old[stretch[1]][0]):
            stretch[1] += 1
    return [(first, last) for first, last in found]
