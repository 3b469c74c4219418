"""What the inspector asks for: one line of text, or an event to emit by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input

from talkbot_tui import i18n
from talkbot_tui.core.text import clean_line
from talkbot_tui.ui.ink import Span
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.choice import Choice
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView
from talkbot_tui.ui.widgets.too_small import TooSmall

_ = i18n.Domain("app")

Check = Callable[[str], str]
"""What is wrong with a text, "" for nothing; it may act on it at once, too."""


class Ask(Gauged, ModalScreen[str | None]):
    """Gives what was typed, None when nothing was wanted; tells at once what is wrong with it."""

    CSS_PATH = "inspector_ask.tcss"
    BINDINGS = [Binding("escape,ctrl+c,f12", "give_up", show=False, priority=True)]

    def __init__(self, title: str, value: str, help: str, check: Check) -> None:
        super().__init__()
        self.heading, self.help, self.check = title, help, check
        self.field = Input(value, id="typed", compact=True, select_on_focus=False)
        self.told = LineView(id="told")
        self.tiny = TooSmall()

    def compose(self) -> ComposeResult:
        """Title, field, one line of help."""
        self.field.cursor_blink = False
        heading = LineView(id="heading")
        heading.show([Span(f" {self.heading}", "strong bold")])
        with Vertical(id="box"):
            yield heading
            yield self.field
            yield self.told
        yield self.tiny

    def on_mount(self) -> None:
        """Type at once."""
        self.set_focus(self.field)
        self._tell("")

    def on_resize(self, event: events.Resize) -> None:
        """A very small terminal shows one line."""
        self.tiny.measure(event.size)

    def _tell(self, problem: str) -> None:
        self.told.show([Span(f" {problem or self.help}", "warn" if problem else "muted")])

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self._tell(self.check(event.value))

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field was there belongs into it."""
        type_into(self.field, self, event)

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        problem = self.check(event.value)
        if problem:
            self._tell(problem)
        else:
            self.dismiss(event.value)

    def action_give_up(self) -> None:
        """Nothing."""
        self.dismiss(None)


class ByHand(NamedTuple):
    """An event of the user's own making."""

    event: str
    arguments: list[object]
    ack: bool


class Emit(Gauged, ModalScreen[ByHand | None]):
    """Gives an event to emit; its name is completed from those that are known."""

    CSS_PATH = "inspector_ask.tcss"
    BINDINGS = [
        Binding("escape,ctrl+c,f12", "give_up", show=False, priority=True),
        Binding("tab,down", "further", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", show=False, priority=True),
        Binding("enter", "go_on", show=False, priority=True),
    ]

    def __init__(self, names: Sequence[str], last: Callable[[str], str]) -> None:
        """`last`: the arguments that an event had when it was sent before, as JSON."""
        super().__init__()
        self.names, self.last = list(names), last
        self.event = Input(
            compact=True, suggester=SuggestFromList(self.names, case_sensitive=True), id="event"
        )
        self.arguments = Input(compact=True, id="arguments")
        self.ack = Choice(_("ask for an answer (ack)"))
        self.ack.value = True
        self.known = LineList(id="known")
        self.told = LineView(id="told")
        self.tiny = TooSmall()

    def compose(self) -> ComposeResult:
        """Two fields, a choice, the names that fit."""
        heading = LineView(id="heading")
        heading.show([Span(" " + _("Emit an event"), "strong bold")])
        labels = []
        for text in (_("event"), _("arguments, as JSON, with commas between them")):
            labels.append(label := LineView())
            label.show([Span(f" {text}", "muted")])
        for field in (self.event, self.arguments):
            field.cursor_blink = False
        with Vertical(id="box"):
            yield heading
            yield labels[0]
            yield self.event
            yield labels[1]
            yield self.arguments
            yield self.ack
            yield self.known
            yield self.told
        yield self.tiny

    def on_mount(self) -> None:
        """Begin with the name."""
        self.set_focus(self.event)
        self._tell("")
        self._list("")

    def on_resize(self, event: events.Resize) -> None:
        """A very small terminal shows one line."""
        self.tiny.measure(event.size)

    def _tell(self, problem: str) -> None:
        text = problem or _("Enter sends · Tab completes and moves · Space marks · Esc closes")
        self.told.show([Span(f" {text}", "warn" if problem else "muted")])

    def _list(self, typed: str) -> None:
        fitting = [name for name in self.names if name.startswith(typed)]
        self.known.show([(name, (Span(f" {clean_line(name)}", "link"),)) for name in fitting])

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        if event.input is self.event:
            self._list(event.value)
        self._tell("")

    def on_key(self, event: events.Key) -> None:
        """What was typed before the fields were there is the beginning of the name."""
        if self.focused is None:
            type_into(self.event, self, event)

    @on(LineList.Chosen)
    def _clicked(self, event: LineList.Chosen) -> None:
        self._complete(event.key)
        self.set_focus(self.arguments)

    def _complete(self, name: str) -> None:
        self.event.value = name
        self.event.cursor_position = len(name)
        if not self.arguments.value:
            self.arguments.value = self.last(name)
            self.arguments.cursor_position = len(self.arguments.value)

    def action_further(self) -> None:
        """Go on to the next field, at once; the name is completed when all of it has come."""
        if self.focused is self.event:
            self.event.call_later(self._complete_typed)
        self.focus_next()

    def _complete_typed(self) -> None:
        typed = self.event.value
        fitting = [name for name in self.names if name.startswith(typed)]
        if typed:
            self._complete(typed if typed in fitting or not fitting else fitting[0])

    def action_go_on(self) -> None:
        """Send it, when all that was typed has come."""
        (self.focused or self.event).call_later(self._send)

    def _send(self) -> None:
        name = self.event.value.strip()
        if not name:
            self._tell(_("An event needs a name."))
            self.set_focus(self.event)
            return
        try:
            arguments = json.loads(f"[{self.arguments.value}]", parse_constant=_no_number)
        except (ValueError, RecursionError):
            self._tell(_('This is no JSON; like this: {"text": "hi"}, "words", 12'))
            self.set_focus(self.arguments)
            return
        self.dismiss(ByHand(name, arguments, self.ack.value))

    def action_give_up(self) -> None:
        """Nothing."""
        self.dismiss(None)


def type_into(field: Input, screen: Screen[Any], event: events.Key) -> None:
    """Put a key into a field that has not got the focus yet."""
    if screen.focused is not field and event.is_printable and event.character:
        event.stop()
        field.value += event.character
        field.cursor_position = len(field.value)


def _no_number(name: str) -> object:
    raise ValueError(name)
