"""The message pane: draws the visible rows of a timeline itself, and only these.

The position is a row's key and a line of it, not a number of lines from the
top: nothing above the screen is ever measured, so a million rows cost what a
thousand cost, and what is read does not move when rows come before or after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import events
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip

from talkbot_tui.core.model import Gap, Message, Row, row_key
from talkbot_tui.ui.ink import Inked, Line, marked
from talkbot_tui.ui.keys import command_of, hand_on
from talkbot_tui.ui.render import Frame, Place
from talkbot_tui.ui.widgets.drawn import Drawings
from talkbot_tui.ui.widgets.viewport import TimelineView, Viewport, seq_of

WHEEL = 3
MOVES: dict[str, tuple[str, tuple[int, ...]]] = {
    "up": ("action_select", (-1,)),
    "down": ("action_select", (1,)),
    "home": ("action_top", ()),
    "end": ("action_end", ()),
}
"""Keys that move in the pane, besides the commands."""


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


class MessagePane(Inked, can_focus=True):
    """Shows a `Sheet`; follows the end until the user goes back."""

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

    class BottomReached(TopReached):
        """The last row in memory is on the screen, and it is not the newest."""

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
        self.commands: Mapping[str, str] = {}
        self.run_command: Callable[[str], None] = lambda _command: None
        self.port = Viewport(lambda index: len(self._lines(index)))
        self.drawings = Drawings()
        self.fresh = False
        self.first_unread = -1

    # --- what is shown -----------------------------------------------------------

    def show(self, sheet: Sheet | None) -> None:
        """Show another conversation, at its end."""
        self.drawings.leave(self.sheet.conversation_id if self.sheet else "")
        self.sheet = sheet
        self.port.end()
        self.port.picture = []
        self.selected = ""
        self.redraw()

    def update(self, marker: int, read_up_to: int, *, changed: bool) -> None:
        """The rows changed, or what is known about them."""
        if self.sheet is None:
            return
        if not changed and (marker, read_up_to) == (self.sheet.marker, self.sheet.read_up_to):
            return
        self.sheet.marker, self.sheet.read_up_to = marker, read_up_to
        self.drawings.forget_replies()
        if self.selected and self.sheet.view.find(self.selected) is None:
            self.selected = ""
            self.post_message(self.Selected())
        self.redraw()

    def forget(self) -> None:
        """Draw everything anew: theme, language, names or width changed."""
        self.drawings.forget()
        self.drawings.frame = None
        self.redraw()

    def redraw(self) -> None:
        """The picture is out of date."""
        self.fresh = False
        self.refresh()

    @property
    def frame(self) -> Frame | None:
        """What the rows are drawn for; None until they are."""
        return self.drawings.frame

    @property
    def following(self) -> bool:
        """Whether the newest row is kept on the screen."""
        return self.port.bottom is None and not (self.sheet and self.sheet.view.detached)

    @property
    def newest(self) -> int:
        """The seq of the last row, when that is on the screen or comes there next; 0 otherwise."""
        if self.sheet is None or not self.following or self.covered:
            return 0
        for row in reversed(self.sheet.view.rows):
            if isinstance(row, Gap):
                return 0
            if row.seq:
                return row.seq
            # Our own, which the server has not numbered yet.
        return 0

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
        self.drawings.forget()

    # --- drawing -------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines, and nothing else is ever made."""
        width, height = self.size
        self._prepare()
        if not self.fresh or len(self.port.picture) != height:
            self._layout(height)
        strips = [self._strip(key, line, width) for key, line in self.port.picture]
        strips = strips[crop.y : crop.bottom]
        if crop.x == 0 and crop.width == width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _prepare(self) -> bool:
        """Know how wide we are; False while there is nothing to lay out."""
        width = self.size.width
        if self.sheet is not None and (self.frame is None or self.frame.width != width):
            self.drawings.begin(self.sheet.conversation_id, self.sheet.frame(width))
            self.fresh = False
        return self.sheet is not None and bool(self.sheet.view.rows) and width > 0

    def _layout(self, height: int) -> None:
        self.fresh = True
        if self.sheet is None or not self._prepare():
            self.port.picture = [("", 0)] * height
            return
        self.first_unread = self._find_unread()
        self.port.layout(self.sheet.view, height)
        self.call_later(self._tell)

    def _strip(self, key: str, number: int, width: int) -> Strip:
        drawn = self.drawings.get(key)
        if drawn is None:
            return Strip.blank(width, self.rich_style)
        selected = key == self.selected and self.has_focus
        strip = drawn.strips.get((number, selected))
        if strip is None:
            line = drawn.lines[number]
            if selected and self.frame is not None:
                line = marked(line, self.frame.glyphs.selected)
            strip = self.strip(line, width, "selected" if selected else "")
            drawn.strips[number, selected] = strip
        return strip

    def _lines(self, index: int) -> list[Line]:
        sheet = self.sheet
        assert sheet is not None
        rows = sheet.view.rows
        row = rows[index]
        before = rows[index - 1] if index else None
        read = isinstance(row, Message) and 0 < row.seq <= sheet.read_up_to
        return self.drawings.draw(row, Place(before, index == self.first_unread, read))

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
            if seq_of(rows[middle]) > self.sheet.marker:
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
        if self.sheet is None or not self.sheet.view.rows:
            return
        room, rows = self.sheet.conversation_id, self.sheet.view.rows
        keys = [key for key, _line in self.port.picture if key]
        indexes = [index for key in dict.fromkeys(keys) if (index := self._index(key)) is not None]
        if not indexes:
            return
        shown = [rows[index] for index in indexes]
        seqs = [row.seq for row in shown if not isinstance(row, Gap) and row.seq]
        if seqs:
            self.post_message(self.Seen(room, max(seqs)))
        if min(indexes) == 0:
            self.post_message(self.TopReached(room))
        if max(indexes) == len(rows) - 1 and self.sheet.view.detached:
            self.post_message(self.BottomReached(room))
        for row in shown:
            if isinstance(row, Gap) and not row.fetching:
                self.post_message(self.GapShown(room, row.last))

    def _index(self, key: str) -> int | None:
        return self.sheet.view.find(key) if self.sheet else None

    # --- moving --------------------------------------------------------------------

    def scroll(self, lines: int) -> None:
        """Move down by `lines`, up when negative."""
        if self.sheet is not None and self._prepare():
            self.port.scroll(self.sheet.view, self.size.height, lines)
            self.redraw()

    def action_page(self, direction: int) -> None:
        """One screen, with one line of overlap."""
        self.scroll(direction * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """The first row that is held."""
        if self.sheet is not None and self._prepare():
            self.port.top(self.sheet.view, self.size.height)
            self.redraw()

    def action_end(self) -> None:
        """The newest row, and follow it from now on."""
        self.port.end()
        self.redraw()

    def reveal(self, key: str, middle: bool = False) -> bool:
        """Bring a row onto the screen, into its middle if asked; False when it is not held."""
        if self.sheet is None or self._index(key) is None:
            return False
        if self._prepare():
            self.port.reveal(self.sheet.view, self.size.height, key, middle)
        self.redraw()
        return True

    # --- keys ------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        """Commands and movements, in the order of the keys; a letter is never text here."""
        if hand_on(self, event):
            return
        command = command_of(event, self.commands)
        if command:
            self.run_command(command)
        elif event.key in MOVES:
            name, argument = MOVES[event.key]
            getattr(self, name)(*argument)
        else:
            return
        event.stop()
        event.prevent_default()

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
        """Something is selected whenever the pane has the focus: what one looks at."""
        if not self.selected:
            if self._prepare():
                # What was just sent counts, also before it is painted.
                self._layout(self.size.height)
            self.selected = self._pick(slice(0, None))
            self.action_select(0 if self.selected else -1)
        self.redraw()

    def on_blur(self) -> None:
        """The selection is not shown any more."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click gives a message the focus."""
        if event.y >= 0 and (key := self._pick(slice(event.y, event.y + 1))):
            self.select(key)

    def _pick(self, lines: slice) -> str:
        """The lowest message on these lines of the screen; "" for none."""
        rows = (self._row(key) for key, _line in reversed(self.port.picture[lines]))
        return next((row_key(row) for row in rows if isinstance(row, (Message, Gap))), "")

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
