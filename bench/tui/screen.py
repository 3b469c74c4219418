"""What was on the screen when: the recorded bytes go through pyte after the measurement.

So emulation, which is slow, never delays a time stamp.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyte
from bench.tui.terminal import COLUMNS, ROWS, Terminal
from tests import emulator

# pyte does not know these and would print a part of some: private forms of CSI, DCS, APC, OSC.
UNKNOWN = re.compile(
    rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[[0-9;?]*\$[a-z]|\x1b\[\?[0-9;]*[mu]"
    rb"|\x1b[P_].*?\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)",
    re.DOTALL,
)
WHOLE = re.compile(
    rb"\x1b(?:\[[0-9:;<=>?$! ]*[@-~]|[P_].*?\x1b\\|\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|[ -/]+[0-~]|[0-OQ-Z\\^`-~])",
    re.DOTALL,
)
LONGEST = 64
_MORE = {"b": "repeat", "Z": "back_tab", "t": "ignore", "q": "ignore", "u": "ignore"}


class Screen(emulator.Screen):
    """Adds what ncurses writes besides: REP and CBT."""

    last = " "

    def draw(self, data: str) -> None:
        """Remember what may be repeated."""
        self.last = data[-1:] or self.last
        super().draw(data)

    def repeat(self, count: int | None = None, **_: Any) -> None:
        """REP."""
        super().draw(self.last * (count or 1))

    def back_tab(self, count: int | None = None, **_: Any) -> None:
        """CBT."""
        for _again in range(count or 1):
            self.cursor.x = max(0, (self.cursor.x - 1) // 8 * 8)

    def ignore(self, *_: Any, **__: Any) -> None:
        """Window operations, cursor shapes."""

    def report_device_attributes(self, *_: Any, **__: Any) -> None:
        """The pty has answered."""

    def report_device_status(self, *_: Any, **__: Any) -> None:
        """The pty has answered."""


class Stream(pyte.ByteStream):
    """Hands the additions to the screen."""

    csi = {**emulator.Stream.csi, **_MORE}
    events = frozenset({*emulator.Stream.events, *_MORE.values()})


@dataclass(frozen=True)
class Wanted:
    """Something that was caused at `since`, before the chunk `chunk`, and is to be on the screen.

    near_end: it counts in the last rows only, where the composer is.
    """

    since: float
    chunk: int
    text: str
    near_end: bool = False


COMPOSER_ROWS = 5


class Replay:
    """Walks through what a terminal was written."""

    def __init__(self, terminal: Terminal, first: int = 0) -> None:
        """`first`: the chunk to begin with, on an empty screen."""
        self._terminal = terminal
        self._screen = Screen(COLUMNS, ROWS)
        self._stream = Stream(self._screen)
        self._rows = [""] * ROWS
        self._carried = b""
        self.at = first

    def resize(self, columns: int, rows: int) -> None:
        """What follows was written to a screen of this size."""
        self._screen.resize(rows, columns)
        self._rows = [""] * rows
        self._screen.dirty.update(range(rows))

    def step(self) -> float:
        """The next chunk; when it came."""
        when, data = self._terminal.chunks[self.at]
        self.at += 1
        data = self._carried + data
        self._carried = b""
        escape = data.rfind(b"\x1b", max(0, len(data) - LONGEST))
        if escape >= 0 and not WHOLE.match(data, escape):
            data, self._carried = data[:escape], data[escape:]
        self._stream.feed(UNKNOWN.sub(b"", data))
        for y in self._screen.dirty:
            if y < len(self._rows):
                row = self._screen.buffer[y]
                self._rows[y] = "".join(row[x].data for x in range(self._screen.columns))
        self._screen.dirty.clear()
        return when

    def to_end(self) -> None:
        """All chunks so far."""
        while self.at < len(self._terminal.chunks):
            self.step()

    def shows(self, text: str, *, near_end: bool = False) -> bool:
        """Whether a row has that text."""
        rows = self._rows[-COMPOSER_ROWS:] if near_end else self._rows
        return any(text in row for row in rows)

    def text(self) -> str:
        """The screen, for a person who looks for a mistake."""
        return "\n".join(row.rstrip() for row in self._rows)

    def first(self, condition: Callable[[], bool]) -> float | None:
        """When the condition held first, from here on; None: never."""
        while self.at < len(self._terminal.chunks):
            when = self.step()
            if condition():
                return when
        return None

    def delays(self, wanted: Sequence[Wanted]) -> list[float | None]:
        """Seconds from each cause to its sight; None for what was never seen.

        `wanted` is in the order of causes. All chunks so far are walked through.
        """
        found: list[float | None] = [None] * len(wanted)
        open_: list[int] = []
        next_ = 0
        while self.at < len(self._terminal.chunks):
            while next_ < len(wanted) and wanted[next_].chunk <= self.at:
                open_.append(next_)
                next_ += 1
            if not open_ and next_ == len(wanted):
                self.to_end()
                break
            when = self.step()
            for index in list(open_):
                one = wanted[index]
                if self.shows(one.text, near_end=one.near_end):
                    found[index] = when - one.since
                    open_.remove(index)
        return found
