"""The message pane: draws the visible rows of a timeline itself, and only these.

The position is a row's key and a line of it, not a number of lines from the
top: nothing above the screen is ever measured, so a million rows cost what a
thousand cost, and what is read does not move when rows come before or after.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip

from talkbot_tui.core.model import Gap, Message, Row, SendState, row_key
from talkbot_tui.ui.ink import Inked, Line
from talkbot_tui.ui.render import Frame, Place, lines_of

CACHE_MAX = 800
WHEEL = 3


class TimelineView(Protocol):
    """The rows as the pane sees them."""

    @property
    def rows(self) -> Sequence[Row]:
        """All rows."""
        ...

    def find(self, key: str) -> int | None:
        """The index of a row."""
        ...


@dataclass(slots=True)
class Sheet:
    """What the pane is to show.

    view: the rows, live. marker: the unread marker stands above the first
    message of others with a higher seq; 0 for none. read_up_to: somebody else
    has read our messages up to this seq. at_start: nothing is before the rows.
    """

    conversation_id: str
    view: TimelineView
    frame: Callable[[int], Frame]
    marker: int = 0
    read_up_to: int = 0


@dataclass(slots=True)
class _Drawn:
    row: Row
    place: Place
    lines: list[Line]
    strips: dict[tuple[int, str], Strip] = field(default_factory=dict)


class MessagePane(Inked, can_focus=True):
    """Shows a `Sheet`; follows the end until the user goes back."""

    BINDINGS = [
        Binding("up", "select(-1)", show=False),
        Binding("down", "select(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "top", show=False),
        Binding("end", "end", show=False),
    ]
    DEFAULT_CSS = "MessagePane { width: 1fr; height: 1fr; }"

    class Seen(Posted):
        """Everything up to `seq` is on the screen."""

        def __init__(self, conversation_id: str, seq: int) -> None:
            super().__init__()
            self.conversation_id = conversation_id
            self.seq = seq

    class TopReached(Posted):
        """The first held row is on the screen."""

        def __init__(self, conversation_id: str) -> None:
            super().__init__()
            self.conversation_id = conversation_id

    class GapShown(Posted):
        """A gap is on the screen."""

        def __init__(self, conversation_id: str, last: int) -> None:
            super().__init__()
            self.conversation_id = conversation_id
            self.last = last

    class Selected(Posted):
        """Another message has the focus, or none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sheet: Sheet | None = None
        self.selected = ""
        self.bottom: tuple[str, int] | None = None
        self.cut_off = 0
        self.drawn: dict[str, _Drawn] = {}
        self.picture: list[tuple[str, int]] | None = None
        self.frame: Frame | None = None
        self.first_unread = -1

    # --- what is shown -----------------------------------------------------------

    def show(self, sheet: Sheet | None) -> None:
        """Show another conversation, at its end."""
        self.sheet = sheet
        self.bottom = None
        self.selected = ""
        self.forget()

    def update(self, *, marker: int, read_up_to: int) -> None:
        """The rows changed, or what is known about them."""
        if self.sheet is None:
            return
        self.sheet.marker, self.sheet.read_up_to = marker, read_up_to
        if self.selected and self.sheet.view.find(self.selected) is None:
            self.selected = ""
            self.post_message(self.Selected())
        self.redraw()

    def forget(self) -> None:
        """Draw everything anew: theme, language, names or width changed."""
        self.drawn.clear()
        self.frame = None
        self.redraw()

    def redraw(self) -> None:
        """The picture is out of date."""
        self.picture = None
        self.refresh()

    @property
    def following(self) -> bool:
        """Whether the newest row is kept on the screen."""
        return self.bottom is None

    @property
    def current(self) -> Row | None:
        """The row that has the focus."""
        if self.sheet is None or not self.selected:
            return None
        index = self.sheet.view.find(self.selected)
        return None if index is None else self.sheet.view.rows[index]

    def notify_style_update(self) -> None:
        """Another theme."""
        super().notify_style_update()
        self.drawn.clear()

    # --- drawing -------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines, and nothing else is ever made."""
        width, height = self.size
        if self.frame is None or self.frame.width != width:
            self.drawn.clear()
            self.frame = self.sheet.frame(width) if self.sheet else None
            self.picture = None
        if self.picture is None or len(self.picture) != height:
            self.picture = self._layout(height)
            self.call_later(self._tell)
        strips = [self._strip(key, line, width) for key, line in self.picture]
        strips = strips[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _strip(self, key: str, number: int, width: int) -> Strip:
        drawn = self.drawn.get(key)
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        under = "reverse" if key == self.selected and self.has_focus else ""
        strip = drawn.strips.get((number, under))
        if strip is None:
            strip = drawn.strips[number, under] = self.strip(drawn.lines[number], width, under)
        return strip

    def _lines(self, index: int) -> list[Line]:
        sheet = self.sheet
        assert sheet is not None
        assert self.frame is not None
        rows = sheet.view.rows
        row = rows[index]
        before = rows[index - 1] if index else None
        key = row_key(row)
        read = isinstance(row, Message) and 0 < row.seq <= sheet.read_up_to
        place = Place(before, index == self.first_unread, read)
        drawn = self.drawn.get(key)
        if drawn is None or drawn.row is not row or not _same(drawn.place, place):
            if len(self.drawn) > CACHE_MAX:
                self.drawn.clear()
            drawn = self.drawn[key] = _Drawn(row, place, lines_of(row, place, self.frame))
        return drawn.lines

    def _layout(self, height: int) -> list[tuple[str, int]]:
        """From the bottom upwards, as (row key, line of it) or ("", 0) for blank lines."""
        if self.sheet is None or self.frame is None or not self.sheet.view.rows:
            return [("", 0)] * height
        rows = self.sheet.view.rows
        self.first_unread = self._find_unread()
        index, shown = self._bottom()
        picture: list[tuple[str, int]] = []
        while index >= 0 and len(picture) < height:
            key = row_key(rows[index])
            count = len(self._lines(index)) if shown < 0 else shown
            self._lines(index)
            picture += [(key, line) for line in range(count - 1, -1, -1)]
            index, shown = index - 1, -1
        del picture[height:]
        if len(picture) < height and self.bottom is not None:
            # The rows from the top do not fill the screen: show the end after all.
            self.bottom = None
            return self._layout(height)
        picture += [("", 0)] * (height - len(picture))
        picture.reverse()
        return picture

    def _bottom(self) -> tuple[int, int]:
        """Index of the lowest visible row and how many of its lines are; -1 for all."""
        assert self.sheet is not None
        last = len(self.sheet.view.rows) - 1
        if self.bottom is None:
            return last, -1
        key, shown = self.bottom
        index = self.sheet.view.find(key)
        if index is None:
            # A gap that closed, or a message given up: hold on to what was above it.
            for near, _line in reversed(self.picture_before):
                found = self.sheet.view.find(near) if near else None
                if found is not None:
                    self.bottom = (near, len(self._lines(found)))
                    return found, -1
            self.bottom = None
            return last, -1
        return index, min(shown, len(self._lines(index)))

    @property
    def picture_before(self) -> list[tuple[str, int]]:
        """The rows that were on the screen last, by key."""
        return [(key, 0) for key in self.drawn]

    def _find_unread(self) -> int:
        """The index of the first message of others above the read mark, -1 for none."""
        assert self.sheet is not None
        assert self.frame is not None
        if not self.sheet.marker:
            return -1
        rows, me = self.sheet.view.rows, self.frame.me.user_id
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            if _seq(rows[middle]) > self.sheet.marker:
                high = middle
            else:
                low = middle + 1
        for index in range(low, len(rows)):
            row = rows[index]
            if isinstance(row, Message) and row.sender.user_id != me:
                return index
        return -1

    def _tell(self) -> None:
        """Say what is on the screen, once it is."""
        if self.sheet is None or self.picture is None or not self.sheet.view.rows:
            return
        room, rows = self.sheet.conversation_id, self.sheet.view.rows
        keys = [key for key, _line in self.picture if key]
        indexes = [index for key in dict.fromkeys(keys) if (index := self._index(key)) is not None]
        if not indexes:
            return
        shown = [rows[index] for index in indexes]
        seqs = [row.seq for row in shown if not isinstance(row, Gap) and row.seq]
        if seqs:
            self.post_message(self.Seen(room, max(seqs)))
        if min(indexes) == 0:
            self.post_message(self.TopReached(room))
        for row in shown:
            if isinstance(row, Gap) and not row.fetching:
                self.post_message(self.GapShown(room, row.last))

    def _index(self, key: str) -> int | None:
        return self.sheet.view.find(key) if self.sheet else None

    # --- moving --------------------------------------------------------------------

    def scroll(self, lines: int) -> None:
        """Move down by `lines`, up when negative."""
        if self.sheet is None or self.frame is None or not self.sheet.view.rows:
            return
        index, shown = self._bottom()
        shown = len(self._lines(index)) if shown < 0 else shown
        shown += lines
        last = len(self.sheet.view.rows) - 1
        while shown <= 0 and index > 0:
            index -= 1
            shown += len(self._lines(index))
        while (count := len(self._lines(index))) < shown and index < last:
            shown -= count
            index += 1
        shown = max(1, min(shown, count))
        at_end = index == last and shown >= count
        self.bottom = None if at_end else (row_key(self.sheet.view.rows[index]), shown)
        self._stop_at_top()
        self.redraw()

    def _stop_at_top(self) -> None:
        """Never scroll further up than that the first row is at the top."""
        if self.bottom is None or self.sheet is None:
            return
        rows, height = self.sheet.view.rows, self.size.height
        index, left = self._bottom()
        lines = 0
        while index >= 0:
            lines += len(self._lines(index)) if left < 0 else left
            if lines >= height:
                return
            index, left = index - 1, -1
        lines = 0
        for number in range(len(rows)):
            count = len(self._lines(number))
            if lines + count >= height:
                self.bottom = (row_key(rows[number]), height - lines)
                return
            lines += count
        self.bottom = None

    def action_page(self, direction: int) -> None:
        """One screen, with one line of overlap."""
        self.scroll(direction * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """The first row that is held."""
        if self.sheet is not None and self.sheet.view.rows:
            self.bottom = (row_key(self.sheet.view.rows[0]), 1)
            self._stop_at_top()
            self.redraw()

    def action_end(self) -> None:
        """The newest row, and follow it from now on."""
        self.bottom = None
        self.redraw()

    def reveal(self, key: str) -> bool:
        """Bring a row onto the screen; False when it is not held."""
        if self._index(key) is None:
            return False
        if self.picture is None or all(shown != key for shown, _line in self.picture):
            self.bottom = (key, 10_000)
            self._stop_at_top()
        self.redraw()
        return True

    # --- selecting -------------------------------------------------------------------

    def select(self, key: str) -> None:
        """Give a row the focus; "" takes it away."""
        self.selected = key
        self.redraw()
        self.post_message(self.Selected())

    def action_select(self, step: int) -> None:
        """The next message in a direction; past the last one nothing is selected."""
        if self.sheet is None:
            return
        rows = self.sheet.view.rows
        index = self._index(self.selected) if self.selected else None
        at = (len(rows) if index is None else index) + step
        while 0 <= at < len(rows):
            row = rows[at]
            if isinstance(row, (Message, Gap)):
                self.selected = row_key(row)
                self.reveal(self.selected)
                self.post_message(self.Selected())
                return
            at += step

    def on_focus(self) -> None:
        """Something is selected whenever the pane has the focus."""
        if not self.selected:
            self.action_select(-1)
        self.redraw()

    def on_blur(self) -> None:
        """The selection is not shown any more."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click gives a message the focus."""
        if self.picture is None or not 0 <= event.y < len(self.picture):
            return
        key = self.picture[event.y][0]
        if key and isinstance(self._row(key), (Message, Gap)):
            self.select(key)

    def _row(self, key: str) -> Row | None:
        index = self._index(key)
        return self.sheet.view.rows[index] if self.sheet and index is not None else None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll(WHEEL)


def _same(one: Place, other: Place) -> bool:
    return one.before is other.before and one.marker == other.marker and one.read == other.read


def _seq(row: Row) -> int:
    """For finding a place by seq; our local echoes are after everything."""
    if isinstance(row, Gap):
        return row.last
    if isinstance(row, Message) and row.state is not SendState.SENT:
        return 1 << 62
    return row.seq or 1 << 62
