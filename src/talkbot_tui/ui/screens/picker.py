"""Choosing one of many by typing: rooms, commands, emoji."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from talkbot_tui import i18n
from talkbot_tui.ui.ink import Line, Span
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView
from talkbot_tui.ui.widgets.too_small import TooSmall

_ = i18n.Domain("app")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to choose: `words` are what typing is compared with."""

    key: str
    line: Line
    words: str = ""


def score(typed: str, text: str) -> int:
    """How well `typed` fits `text`; 0 for not at all, more for whole words and beginnings."""
    typed, text = typed.casefold().strip(), text.casefold()
    if not typed:
        return 1
    at = text.find(typed)
    if at >= 0:
        return 1000 - at + (500 if at == 0 or not text[at - 1].isalnum() else 0)
    at = -1
    spread = 0
    for letter in typed:
        found = text.find(letter, at + 1)
        if found < 0:
            return 0
        spread += found - at
        at = found
    return max(1, 200 - spread)


def filtered(entries: Sequence[Entry], typed: str) -> list[Entry]:
    """The entries that fit, best first; all in their order while nothing is typed."""
    if not typed.strip():
        return list(entries)
    ranked = [(score(typed, entry.words), entry) for entry in entries]
    ranked = [(points, entry) for points, entry in ranked if points]
    ranked.sort(key=lambda pair: -pair[0])
    return [entry for _points, entry in ranked]


class Picker(Gauged, ModalScreen[str]):
    """Gives the key of the chosen entry, "" when nothing was chosen; typing narrows them."""

    CSS_PATH = "picker.tcss"
    BINDINGS = [
        Binding("escape", "give_up", show=False),
        Binding("ctrl+c", "give_up", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("ctrl+k", "give_up", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry] = (),
        *,
        empty: str = "",
    ) -> None:
        super().__init__()
        self.heading = title
        self.entries = list(entries)
        self.empty = empty
        self.fitting: list[Entry] = list(entries)
        self.chosen = 0
        self.box = LineList(id="entries")
        self.told = LineView(id="told")
        self.tiny = TooSmall()
        self.field = Input(id="typed", compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Title, field, list, one line of help."""
        self.field.cursor_blink = False
        heading = LineView(id="heading")
        heading.show([Span(f" {self.heading}", "strong bold")])
        with Vertical(id="box"):
            yield heading
            yield self.field
            yield self.box
            yield self.told
        yield self.tiny

    def on_resize(self, event: events.Resize) -> None:
        """A very small terminal shows one line."""
        self.tiny.measure(event.size)

    def on_mount(self) -> None:
        """Everything can be chosen at first."""
        self.set_focus(self.field)
        self._fit(self.field.value)
        self._show()

    def _show(self) -> None:
        self.chosen = max(0, min(self.chosen, len(self.fitting) - 1))
        lines = [(entry.key, entry.line) for entry in self.fitting]
        current = self.fitting[self.chosen].key if self.fitting else ""
        self.box.show(lines, current)
        if not self.fitting:
            self.told.show([Span(" " + (self.empty or _("nothing fits")), "muted")])
        else:
            self.told.show([Span(" " + _("Enter chooses · Esc closes"), "muted")])

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self.chosen = 0
        self._fit(event.value)

    def _fit(self, value: str) -> None:
        self.fitting = filtered(self.entries, value)
        if self.is_mounted:
            self._show()

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field was there belongs into it."""
        if self.focused is self.field:
            return
        event.stop()
        if event.is_printable and event.character:
            self.field.value += event.character
            self.field.cursor_position = len(self.field.value)
        elif event.key == "enter":
            # A screen can be left only after it has come.
            self.call_after_refresh(self._choose, self.field.value)

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose(event.value)

    def _choose(self, value: str) -> None:
        self._fit(value)
        if self.fitting:
            self.dismiss(self.fitting[min(self.chosen, len(self.fitting) - 1)].key)

    @on(LineList.Chosen)
    def _clicked(self, event: LineList.Chosen) -> None:
        self.dismiss(event.key)

    def action_move(self, step: int) -> None:
        """Another entry."""
        self.chosen += step
        self._show()

    def action_give_up(self) -> None:
        """Nothing."""
        self.dismiss("")
