"""Where the pane stands in a conversation: a row and a line of it, never a line count from the top.

Only rows that come onto the screen are measured. Following the end is a state
of its own, so that nothing has to guess from a position whether the user was
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from talkbot_tui.core.model import Gap, Row, row_key

Picture = list[tuple[str, int]]
"""Top to bottom: (row key, line of that row); ("", 0) is a blank line."""


class TimelineView(Protocol):
    """The rows as the pane sees them."""

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        ...

    def find(self, key: str) -> int | None:
        """The index of a row."""
        ...

    @property
    def detached(self) -> bool:
        """Whether newer rows exist than these: then there is no end to follow."""
        ...


class Viewport:
    """A window of `height` lines onto rows whose heights `measure(index)` tells.

    Attributes:
        bottom: the lowest visible row's key and how many of its lines are
            visible; None follows the end.
        picture: what is on the screen, as of the last `layout`.
    """

    def __init__(self, measure: Callable[[int], int]) -> None:
        self.measure = measure
        self.bottom: tuple[str, int] | None = None
        self.picture: Picture = []

    def layout(self, view: TimelineView, height: int) -> Picture:
        """The visible lines, found from the bottom upwards."""
        picture: Picture = []
        index, shown = self._start(view)
        while index >= 0 and len(picture) < height:
            key = row_key(view.rows[index])
            picture += [(key, line) for line in range(shown - 1, -1, -1)]
            index -= 1
            shown = self.measure(index) if index >= 0 else 0
        del picture[height:]
        if len(picture) < height and self.bottom is not None:
            # What is above does not fill the screen (any more): show the end after all.
            self.bottom = None
            return self.layout(view, height)
        picture += [("", 0)] * (height - len(picture))
        picture.reverse()
        self.picture = picture
        return picture

    def scroll(self, view: TimelineView, height: int, lines: int) -> None:
        """Move down by `lines`, up when negative; at the end, follow it."""
        if not view.rows:
            return
        index, shown = self._start(view)
        shown += lines
        last = len(view.rows) - 1
        while shown <= 0 and index > 0:
            index -= 1
            shown += self.measure(index)
        while (count := self.measure(index)) < shown and index < last:
            shown -= count
            index += 1
        shown = max(1, min(shown, count))
        at_end = index == last and shown >= count and not view.detached
        self.bottom = None if at_end else (row_key(view.rows[index]), shown)
        self._stop_at_top(view, height)

    def top(self, view: TimelineView, height: int) -> None:
        """The first row is the highest line."""
        if view.rows:
            self.bottom = (row_key(view.rows[0]), 1)
            self._stop_at_top(view, height)

    def end(self) -> None:
        """Follow the end."""
        self.bottom = None

    def reveal(self, view: TimelineView, height: int, key: str, middle: bool = False) -> None:
        """Bring a held row onto the screen: moving only if it is not there, or into the middle."""
        if not middle and any(shown == key for shown, _line in self.picture):
            return
        index = view.find(key)
        if index is not None:
            last, below = len(view.rows) - 1, height // 2 if middle else 0
            while below > 0 and index < last:
                index += 1
                below -= self.measure(index)
            at_end = index == last and not view.detached
            self.bottom = None if at_end else (row_key(view.rows[index]), self.measure(index))
            self._stop_at_top(view, height)

    def _start(self, view: TimelineView) -> tuple[int, int]:
        """The lowest visible row's index and how many of its lines show."""
        last = len(view.rows) - 1
        if last < 0:
            return -1, 0
        if self.bottom is not None:
            key, shown = self.bottom
            index = view.find(key)
            if index is not None:
                return index, min(shown, self.measure(index))
            # A gap that closed or a message given up: hold on to what stood above it.
            for near, line in reversed(self.picture):
                index = view.find(near) if near else None
                if index is not None:
                    self.bottom = (near, line + 1)
                    return index, min(line + 1, self.measure(index))
            self.bottom = None
        return last, self.measure(last)

    def _stop_at_top(self, view: TimelineView, height: int) -> None:
        """Never further up than that the first row is the highest line."""
        if self.bottom is None:
            return
        index, lines = self._start(view)
        while index > 0 and lines < height:
            index -= 1
            lines += self.measure(index)
        if lines >= height:
            return
        lines = 0
        for index, row in enumerate(view.rows):
            count = self.measure(index)
            if lines + count >= height:
                last = index == len(view.rows) - 1 and not view.detached
                at_end = last and lines + count == height
                self.bottom = None if at_end else (row_key(row), height - lines)
                return
            lines += count
        self.bottom = None


def seq_of(row: Row) -> int:
    """For finding a place by seq; our local echoes are after everything."""
    return row.last if isinstance(row, Gap) else row.seq or 1 << 62
