"""The composer: text for one room, which it names and never leaves.

A text belongs to the room it was begun in: the composer carries that room's id,
and another room's text is loaded only by `load`, which says for which room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message as Posted
from textual.widgets import TextArea

from talkbot_tui.core.text import clean
from talkbot_tui.ui.keys import command_of, hand_on
from talkbot_tui.ui.widgets.type_ahead import TypeAhead

_NOT_INHERITED = {"cursor_page_up", "cursor_page_down", "select_line", "select_all", "copy"}
_TAKEN = {"ctrl+k", "f6", "f7", "ctrl+c,super+c"}


def _inherited() -> list[Binding]:
    kept = []
    for binding in TextArea.BINDINGS:
        assert isinstance(binding, Binding)
        if binding.key not in _TAKEN and binding.action not in _NOT_INHERITED:
            kept.append(Binding(binding.key, binding.action, show=False))
    return kept


def _ignore(_command: str) -> None:
    """Until the screen says what runs commands."""


class Composer(TypeAhead, inherit_bindings=False):
    """Where the user writes."""

    BINDINGS = [
        *_inherited(),
        Binding("alt+b", "cursor_word_left", show=False),
        Binding("alt+f", "cursor_word_right", show=False),
        Binding("alt+d", "delete_word_right", show=False),
    ]
    DEFAULT_CSS = """
    Composer, Composer:focus {
        border: none; padding: 0; width: 1fr; height: auto; min-height: 1; max-height: 8;
        background: transparent; scrollbar-size-vertical: 1;
    }
    """

    class Written(Posted):
        """The user changed the text."""

        def __init__(self, room_id: str, text: str) -> None:
            super().__init__()
            self.room_id = room_id
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.room_id = ""
        self.loaded = ""
        self.past: list[str] = []
        self.past_at = 0
        self.unsent = ""
        self.commands: Mapping[str, str] = {}
        self.run_command: Callable[[str], None] = _ignore
        self.keep: Callable[[str, str], None] = lambda _room_id, _text: None
        self.candidates: Callable[[str], Sequence[str]] = lambda _word: ()
        self.cycle: tuple[list[str], int, tuple[int, int], str] | None = None

    # --- whose text this is ------------------------------------------------------------

    def load(self, room_id: str, text: str) -> None:
        """From now on write for this room, starting with `text`."""
        self.settle()
        self.room_id = room_id
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Another text, with the cursor at its end; nobody is told."""
        self.settle()
        self.loaded = text
        if text or self.document.text or self.history.undo_stack or self.history.redo_stack:
            self.load_text(text)
            self.move_cursor(self.document.end)
        self.past_at = len(self.past)
        self.cycle = None

    def remember(self, text: str) -> None:
        """`text` was sent: the arrow keys bring it back."""
        if text and (not self.past or self.past[-1] != text):
            self.past.append(text)
            del self.past[:-200]
        self.past_at = len(self.past)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell only what the user changed."""
        event.stop()
        self._tell_written(self.text)

    def settle(self) -> None:
        """Take in what was typed ahead; it is told before the text or its room can be another."""
        if self.ahead:
            super().settle()
            self._tell_written(self.document.text)

    def _tell_written(self, text: str) -> None:
        if text != self.loaded:
            self.loaded = text
            self.post_message(self.Written(self.room_id, text))

    def leave(self) -> None:
        """The app ends: there is no time to tell it in turn."""
        super().settle()
        if self.room_id:
            self.keep(self.room_id, self.document.text)

    # --- keys ------------------------------------------------------------------------------

    async def _on_paste(self, event: events.Paste) -> None:
        """A paste is text, whatever its lines: it never sends."""
        event.prevent_default()
        event.stop()
        text = clean(event.text)
        result = self._replace_via_keyboard(text, *self.selection)
        if result is not None:
            self.move_cursor(result.end_location)

    async def _on_key(self, event: events.Key) -> None:
        """Commands run here, in the order of the keys; the rest is text."""
        if hand_on(self, event):
            return
        command = command_of(event, self.commands)
        if not command:
            return
        event.stop()
        event.prevent_default()
        if command == "switcher" and self._kill():
            return
        self.run_command(command)

    def _kill(self) -> bool:
        """Delete what is right of the cursor; False when nothing is."""
        row, column = self.cursor_location
        if column >= len(self.document[row]):
            return False
        self.action_delete_to_end_of_line()
        return True

    def action_cursor_up(self, select: bool = False) -> None:
        """In the first line: what was sent before."""
        if not select and self.cursor_location[0] == 0 and (not self.text or self._from_past()):
            self.older()
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """In the last line: what was sent after."""
        last = self.document.line_count - 1
        if not select and self.cursor_location[0] == last and self._from_past():
            self.newer()
        else:
            super().action_cursor_down(select)

    def _from_past(self) -> bool:
        return self.past_at < len(self.past) and self.text == self.past[self.past_at]

    def older(self) -> None:
        """Show what was sent before."""
        if self.past_at == 0:
            return
        if self.past_at == len(self.past):
            self.unsent = self.text
        self._recall(self.past_at - 1)

    def newer(self) -> None:
        """Show what was sent after, at last what was being written."""
        if self.past_at < len(self.past):
            self._recall(self.past_at + 1)

    def _recall(self, at: int) -> None:
        text = self.unsent if at == len(self.past) else self.past[at]
        self.load_text(text)
        self.move_cursor(self.document.end)
        self.past_at = at

    # --- completion ------------------------------------------------------------------------

    def complete(self) -> bool:
        """Complete the word before the cursor, or try its next completion; False for none."""
        self.settle()
        row, column = self.cursor_location
        line = self.document[row]
        if self.cycle is not None and self.cycle[2][1] == column and self.cycle[3] == self.text:
            found, at, (start, end), _text = self.cycle
            at = (at + 1) % len(found)
        else:
            start = line.rfind(" ", 0, column) + 1
            word, end, at = line[start:column], column, 0
            if not word or (word.startswith("/") and (row or start)):
                return False
            found = list(self.candidates(word))
            if not found:
                return False
        text = found[at] + ("" if line[end:].startswith(" ") else " ")
        self.replace(text, (row, start), (row, end))
        self.move_cursor((row, start + len(text)))
        self.cycle = (found, at, (start, start + len(text)), self.text)
        return True
