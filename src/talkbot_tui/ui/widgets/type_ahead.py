"""A text area in which plain typing is on the screen before it is in the document.

A letter at the end of the text changes one cell and the cursor: it is written at
once, kept here, and goes into the document together with those after it, when
somebody looks at the text, when another event comes, or when a moment has passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.document._edit import Edit
from textual.document._history import EditHistory
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import EditResult, Location, Selection

from talkbot_tui.ui.terminal.direct import Typewriter
from talkbot_tui.ui.terminal.layer import ORDERED, LayeredApp

SETTLE_S = 0.4
"""So long typing is on the screen only; so much a `kill -9` can take of it."""

LATIN = 0x250
"""Below are the letters that are one cell everywhere and join with nothing."""


class _Spot(NamedTuple):
    """Where the next letter goes, how it looks, and how many may follow it in this row."""

    x: int
    y: int
    style: Style
    room: int


@dataclass
class _History(EditHistory):
    """Undoes what was taken in at once as if it had come letter by letter."""

    by_letters: bool = False

    def record(self, edit: Edit) -> None:
        """Remember `edit`."""
        if not self.by_letters:
            super().record(edit)
            return
        row, column = edit.from_location
        for at, letter in enumerate(edit.text, column):
            part = Edit(letter, (row, at), (row, at), maintain_selection_offset=False)
            part._original_selection = Selection.cursor((row, at))
            part._updated_selection = Selection.cursor((row, at + 1))
            part._edit_result = EditResult((row, at + 1), "")
            super().record(part)


class TypeAhead(Typewriter, TextArea, inherit_bindings=False):
    """The text area.

    Attributes:
        hasty: take every letter in at once, because something waits for it.
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id, soft_wrap=True, compact=True, show_line_numbers=False, tab_behavior="focus"
        )
        self.cursor_blink = False
        self.highlight_cursor_line = False
        self.hasty = False
        self.history = _History(
            max_checkpoints=self.history.max_checkpoints,
            checkpoint_timer=self.history.checkpoint_timer,
            checkpoint_max_characters=self.history.checkpoint_max_characters,
        )
        self._ahead = ""
        self._spot: _Spot | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._themed: object = None
        self._ink: Style | None = None

    # --- ahead of the document -----------------------------------------------------------

    def type_ahead(self, text: str) -> bool:
        """Show a letter now; False when it must come as a key."""
        if self.hasty or not _plain(text):
            return False
        app = self.app
        spot = self._spot or self._find_spot()
        self._spot = None
        if spot is None or spot.room < 1 or not isinstance(app, LayeredApp):
            return False
        if app.lane.place(self) is None or not app.echo(spot.x, spot.y, text, spot.style):
            return False
        self._ahead += text
        self._spot = spot._replace(x=spot.x + 1, room=spot.room - 1)
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._time_is_over)
        return True

    @property
    def ahead(self) -> str:
        """What is on the screen and not in the document."""
        return self._ahead

    def settle(self) -> None:
        """Take in what was typed ahead."""
        ahead, self._ahead, self._spot = self._ahead, "", None
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if ahead and isinstance(self.history, _History):
            with self._by_letters(self.history):
                self._replace_via_keyboard(ahead, *self.selection)

    def cursor_place(self) -> Offset:
        """The cursor's column and row on the terminal, behind what was typed ahead."""
        if self._ahead and self._spot is not None:
            return Offset(self._spot.x, self._spot.y)
        return self.cursor_screen_offset

    @contextmanager
    def _by_letters(self, history: _History) -> Iterator[None]:
        history.by_letters = True
        try:
            yield
        finally:
            history.by_letters = False

    def _time_is_over(self) -> None:
        with self.app._context():
            self.settle()

    def _find_spot(self) -> _Spot | None:
        """The cell of the cursor, if it is behind all text and has room beside it."""
        app = self.app
        if not isinstance(app, LayeredApp) or self.read_only or not self.selection.is_empty:
            return None
        place = app.lane.place(self)
        row, column = self.selection.end
        line = self.document[row]
        if (
            place is None
            or row != self.document.line_count - 1
            or column != len(line)
            or "\t" in line
            or (line and not _plain(line[-1]))
        ):
            return None
        x, y = self.cursor_screen_offset
        if not place.contains(x, y):
            return None
        if self._ink is None:
            row_there = self.render_lines(Region(0, y - place.y, place.width, 1))[0]
            self._ink = _style_at(row_there, x - place.x)
        # The row breaks when it is full; the last cells are left to that.
        return _Spot(x, y, self._ink, self.wrap_width - (x - place.x) - 2)

    # --- whoever looks, finds it there ---------------------------------------------------------

    @property
    def text(self) -> str:
        """The text, all of it."""
        self.settle()
        return self.document.text

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    @property
    def _draw_cursor(self) -> bool:
        """The terminal's own cursor stands there, where there is one."""
        app = self.app
        return super()._draw_cursor and not (isinstance(app, LayeredApp) and app.owns_terminal)

    def load_text(self, text: str) -> None:
        """Another text; what was typed ahead belonged to the one before."""
        self.settle()
        super().load_text(text)

    def insert(
        self,
        text: str,
        location: Location | None = None,
        *,
        maintain_selection_offset: bool = True,
    ) -> EditResult:
        """Insert `text`, behind what was typed ahead."""
        self.settle()
        return super().insert(text, location, maintain_selection_offset=maintain_selection_offset)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines."""
        self.settle()
        if self._themed is self._theme:
            # The text area asks the style sheet for every line anew; that costs more than the line.
            return super(TextArea, self).render_lines(crop)
        self._themed, self._ink = self._theme, None
        return super().render_lines(crop)

    def notify_style_update(self) -> None:
        """Another theme, or another focus."""
        super().notify_style_update()
        self._themed = self._ink = None

    def post_message(self, message: Message) -> bool:
        """Note the keys that are under way to us."""
        posted = super().post_message(message)
        if posted and isinstance(message, ORDERED) and isinstance(self.app, LayeredApp):
            self.app.set_out(message)
        return posted

    async def on_event(self, event: events.Event) -> None:
        """Whatever comes, comes after what was typed before it."""
        self.settle()
        try:
            await super().on_event(event)
        finally:
            if event._stop_propagation and isinstance(self.app, LayeredApp):
                self.app.came_through(event)


def _plain(text: str) -> bool:
    return len(text) == 1 and text.isprintable() and ord(text) < LATIN and text != "\xad"


def _style_at(strip: Strip, x: int) -> Style:
    at = 0
    for segment in strip:
        at += segment.cell_length
        if at > x:
            return segment.style or Style.null()
    return Style.null()
