"""Rows that were drawn once, as long as they would be drawn so again."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.strip import Strip

from talkbot_tui.core.model import Message, Row, row_key
from talkbot_tui.ui.ink import Line
from talkbot_tui.ui.render import Frame, Place, lines_of

CACHE_MAX = 800
SHELF_MAX = 8
"""Rooms whose drawn rows are kept: people go to and fro between a few."""


@dataclass(slots=True)
class Drawn:
    """One row's lines; `strips` are those that were painted, by number and whether selected."""

    row: Row
    place: Place
    lines: list[Line]
    strips: dict[tuple[int, bool], Strip] = field(default_factory=dict)


class Drawings:
    """The rows of the room that is shown, and of those that were shown before.

    Attributes:
        frame: what they were drawn for; None before the first.
    """

    def __init__(self) -> None:
        """Nothing has been drawn yet."""
        self.frame: Frame | None = None
        self._rows: dict[str, Drawn] = {}
        self._shelf: dict[str, tuple[Frame, dict[str, Drawn]]] = {}

    def leave(self, room_id: str) -> None:
        """Another room is shown next; `room_id`, "" for none, may be shown again."""
        if room_id and self.frame is not None:
            self._shelf[room_id] = self.frame, self._rows
        self.frame, self._rows = None, {}

    def begin(self, room_id: str, frame: Frame) -> None:
        """Draw for this frame from here on."""
        then, rows = self._shelf.pop(room_id, (None, {}))
        while len(self._shelf) >= SHELF_MAX:
            del self._shelf[next(iter(self._shelf))]
        self.frame, self._rows = frame, rows if then == frame else {}
        self.forget_replies()

    def forget_replies(self) -> None:
        """What a reply quotes may have come, or have other words now."""
        for key in [key for key, drawn in self._rows.items() if _quotes(drawn.row)]:
            del self._rows[key]

    def forget(self) -> None:
        """Theme, names or width changed."""
        self._rows.clear()
        self._shelf.clear()

    def get(self, key: str) -> Drawn | None:
        """A row that was drawn, by its key."""
        return self._rows.get(key)

    def draw(self, row: Row, place: Place) -> list[Line]:
        """The row's lines, at this place; needs a frame."""
        assert self.frame is not None
        key = row_key(row)
        drawn = self._rows.get(key)
        if drawn is None or drawn.row is not row or not _same(drawn.place, place):
            if len(self._rows) > CACHE_MAX:
                self._rows.clear()
            drawn = self._rows[key] = Drawn(row, place, lines_of(row, place, self.frame))
        return drawn.lines


def _quotes(row: Row) -> bool:
    return isinstance(row, Message) and bool(row.reply_to)


def _same(one: Place, other: Place) -> bool:
    return one.before is other.before and one.marker == other.marker and one.read == other.read
