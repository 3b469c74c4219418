"""The search screen: hits of the cache while one types, those of the server when asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from talkbot_tui import i18n
from talkbot_tui.core.model import Message
from talkbot_tui.core.search import Ask, Hit, Snippet
from talkbot_tui.ui import clockwork, finding, words
from talkbot_tui.ui.finding import Hunt
from talkbot_tui.ui.glyphs import kind_glyph
from talkbot_tui.ui.ink import Line, Span
from talkbot_tui.ui.terminal.gauge import Gauged
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.line_view import LineView
from talkbot_tui.ui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from talkbot_tui.ui.screens.chat import ChatScreen

_ = i18n.Domain("app")

REMOTE, MORE = "@server", "@more"
"""Keys of what can be chosen besides hits; no message has such an id."""


class Finder(Gauged, ModalScreen[Message | None]):
    """Gives the message that was chosen, None when there was none."""

    CSS_PATH = "picker.tcss"
    BINDINGS = [
        Binding("escape", "give_up", show=False),
        Binding("ctrl+c", "give_up", show=False, priority=True),
        Binding("ctrl+f", "give_up", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-5)", show=False, priority=True),
        Binding("pagedown", "move(5)", show=False, priority=True),
    ]

    def __init__(self, chat: ChatScreen, hunt: Hunt) -> None:
        """`hunt`: a search to go on with, or a new one with what was typed already."""
        super().__init__()
        self.chat = chat
        self.hunt = hunt
        self.told_why = ""
        self.waiting = False
        self.box = LineList(id="entries")
        self.told = LineView(id="told")
        self.tiny = TooSmall()
        self.field = Input(hunt.typed, id="typed", compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Title, field, hits, one line of help."""
        self.field.cursor_blink = False
        heading = LineView(id="heading")
        heading.show([Span(" " + _("Search messages"), "strong bold")])
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
        """Show what was found before, or begin."""
        self.set_focus(self.field)
        if self.hunt.hits:
            self._show()
        else:
            self._begin(self.hunt.typed)

    # --- asking ------------------------------------------------------------------------

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self.hunt.typed:
            self._begin(event.value)

    def _begin(self, typed: str) -> None:
        hunt, around = self.hunt, self.chat.around
        hunt.typed, hunt.remote, hunt.chosen = typed, False, 0
        asked = finding.understood(typed, self.chat.desk, around.clock(), around.zone)
        self.told_why = "" if isinstance(asked, Ask) else asked
        hunt.ask = asked if isinstance(asked, Ask) else Ask("")
        self.run_worker(self._local(hunt.ask, first=True), group="search", exclusive=True)

    async def _local(self, ask: Ask, *, first: bool) -> None:
        found = await self.chat.engine.search(ask)
        self.hunt.took(found, first=first)
        self._show()

    async def _remote(self) -> None:
        from talkbot_tui.client.lookups import LookupFailed

        ask = self.hunt.ask
        self.waiting = True
        self._show()
        try:
            found = await self.chat.engine.lookups.search(ask.words, ask.conversation_id or None)
        except LookupFailed as failed:
            self.told_why = words.refusal(failed.code, failed.message)
        else:
            self.told_why = ""
            self.hunt.took_remote(list(found))
        finally:
            self.waiting = False
        self._show()

    # --- showing -----------------------------------------------------------------------

    @property
    def keys(self) -> list[str]:
        """What can be chosen, in order."""
        hunt = self.hunt
        keys = [hit.message.server_msg_id for hit in hunt.hits]
        if hunt.more:
            keys.append(MORE)
        if hunt.ask.words and not hunt.remote and self.chat.engine.session.link.online:
            keys.append(REMOTE)
        return keys

    def _show(self) -> None:
        hunt, keys = self.hunt, self.keys
        hunt.chosen = max(0, min(hunt.chosen, len(keys) - 1))
        lines: list[tuple[str, Line]] = []
        for hit in hunt.hits:
            key = hit.message.server_msg_id
            lines += [(key, self._head(hit)), (key, _words_of(hit.snippet))]
        for key, text in (
            (MORE, _("older hits")),
            (REMOTE, _("search on the server, for what is not on this computer")),
        ):
            if key in keys:
                lines.append((key, (Span(f" {self.chat.around.glyphs.dot} {text}", "link"),)))
        self.box.show(lines, keys[hunt.chosen] if keys else "")
        self.told.show([Span(f" {self._line()}", "warn" if self.told_why else "muted")])

    def _line(self) -> str:
        hunt = self.hunt
        if self.waiting:
            return _("searching")
        if self.told_why:
            return self.told_why
        if hunt.problem or not hunt.ask.words:
            return hunt.problem or _("type a word to find")
        if not hunt.hits:
            return _("nothing found")
        return _("Enter goes there · Esc closes")

    def _head(self, hit: Hit) -> Line:
        """When, where and by whom."""
        message, around = hit.message, self.chat.around
        room = self.chat.engine.session.room(message.conversation_id)
        name = mark = ""
        if room is not None:
            name = words.title_of(room.conversation)
            mark = kind_glyph(around.glyphs, room.conversation)
        return (
            Span(f" {clockwork.stamp(message.ts, around.zone)} ", "muted"),
            Span(f"{mark}{name} ", "strong"),
            Span(words.name_of(message.sender), "bold"),
        )

    # --- choosing ----------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """What was typed before the field was there belongs into it."""
        if self.focused is not self.field and event.is_printable and event.character:
            event.stop()
            self.field.value += event.character
            self.field.cursor_position = len(self.field.value)

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        keys = self.keys
        if keys:
            self._choose(keys[self.hunt.chosen])

    @on(LineList.Chosen)
    def _clicked(self, event: LineList.Chosen) -> None:
        if event.key in self.keys:
            self.hunt.chosen = self.keys.index(event.key)
            self._choose(event.key)

    def _choose(self, key: str) -> None:
        hunt = self.hunt
        if key == REMOTE:
            self.run_worker(self._remote(), group="search", exclusive=True)
        elif key == MORE:
            self.run_worker(self._local(_next(hunt), first=False), group="search", exclusive=True)
        else:
            self.dismiss(hunt.hits[hunt.chosen].message)

    def action_move(self, step: int) -> None:
        """Another hit."""
        self.hunt.chosen += step
        self._show()

    def action_give_up(self) -> None:
        """Back to where the search was begun."""
        self.dismiss(None)


def _next(hunt: Hunt) -> Ask:
    return replace(hunt.ask, before=hunt.more)


def _words_of(snippet: Snippet) -> Line:
    """A snippet with its hits marked by more than a colour."""
    spans: list[Span] = [Span("   ")]
    last = 0
    for first, end in snippet.marks:
        spans.append(Span(snippet.text[last:first]))
        spans.append(Span(snippet.text[first:end], "mention bold underline"))
        last = end
    spans.append(Span(snippet.text[last:]))
    return tuple(span for span in spans if span.text)
