"""A terminal for tests: pyte, with what xterm has beyond it and our screen layer uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyte
from pyte.screens import Margins


class Screen(pyte.Screen):
    """Adds SU, SD and left and right margins (DECLRMM, DECSLRM).

    What it erases has the background that is set and no other attribute, as in terminals;
    pyte would keep underline and reverse.
    """

    scrolls = True
    columns_from = 0
    columns_to: int | None = None
    lr_mode = False

    def scroll_up(self, count: int | None = None, **_: Any) -> None:
        self._shift(count or 1)

    def scroll_down(self, count: int | None = None, **_: Any) -> None:
        self._shift(-(count or 1))

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        self.lr_mode = self.lr_mode or (69 in modes and bool(kwargs.get("private")))
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        if 69 in modes and kwargs.get("private"):
            self.lr_mode, self.columns_from, self.columns_to = False, 0, None
        super().reset_mode(*modes, **kwargs)

    def left_right(self, left: int = 1, right: int = 0, **_: Any) -> None:
        if self.lr_mode:
            self.columns_from, self.columns_to = left - 1, right or None

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        with self._background_only():
            super().erase_in_line(how, private)

    def erase_characters(self, count: int | None = None) -> None:
        with self._background_only():
            super().erase_characters(count)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        with self._background_only():
            super().erase_in_display(how, *args, **kwargs)

    @contextmanager
    def _background_only(self) -> Iterator[None]:
        attrs = self.cursor.attrs
        self.cursor.attrs = self.default_char._replace(bg=attrs.bg)
        try:
            yield
        finally:
            self.cursor.attrs = attrs

    def _shift(self, by: int) -> None:
        if not self.scrolls:
            return
        margins = self.margins or Margins(0, self.lines - 1)
        top, bottom = margins.top, margins.bottom + 1
        stop = self.columns_to or self.columns
        rows = {y: dict(self.buffer[y]) for y in range(top, bottom)}
        blank = self.default_char._replace(bg=self.cursor.attrs.bg)
        for y in range(top, bottom):
            source = rows.get(y + by)
            self.dirty.add(y)
            for x in range(self.columns_from, stop):
                came = source.get(x, self.default_char) if source is not None else blank
                self.buffer[y][x] = came


_MORE = {"S": "scroll_up", "T": "scroll_down", "s": "left_right"}


class Stream(pyte.Stream):
    csi = {**pyte.Stream.csi, **_MORE}
    events = frozenset({*pyte.Stream.events, *_MORE.values()})


class ByteStream(pyte.ByteStream):
    csi = Stream.csi
    events = Stream.events


class Emulator:
    """Shows what a terminal of that size would, having been written to.

    Without `scrolls` it ignores SU and SD, as the Linux console does.
    """

    def __init__(self, width: int, height: int, *, scrolls: bool = True) -> None:
        self._screen = Screen(width, height)
        self._screen.scrolls = scrolls
        self._screen.reset_mode(7, private=True)
        self._stream = Stream(self._screen)
        self.bytes = 0

    def write(self, text: str) -> None:
        self.bytes += len(text.encode())
        self._stream.feed(text)

    @property
    def size(self) -> tuple[int, int]:
        return self._screen.columns, self._screen.lines

    @property
    def cursor(self) -> tuple[int, int]:
        return self._screen.cursor.x, self._screen.cursor.y

    def row(self, y: int) -> list[tuple[object, ...]]:
        """Each cell as it can be seen; of a blank only what shows on one."""
        return [_seen(self._screen.buffer[y][x]) for x in range(self._screen.columns)]

    def touched(self) -> set[int]:
        """The rows that were written to since the last call."""
        rows = set(self._screen.dirty)
        self._screen.dirty.clear()
        return rows

    def text(self) -> str:
        return "\n".join(
            "".join(self._screen.buffer[y][x].data for x in range(self._screen.columns)).rstrip()
            for y in range(self._screen.lines)
        )


def _seen(char: Any) -> tuple[object, ...]:
    drawn = (char.reverse, char.underscore, char.strikethrough)
    if char.data == " " and not any(drawn):
        return (" ", char.bg)
    return tuple(char)
