"""The chat screen: it brings the user's deeds to the engine, and the engine's changes back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.message import Message as Posted

from talkbot_tui import i18n
from talkbot_tui.core.changes import DraftReturned, Jumped
from talkbot_tui.core.events import (
    FillGap,
    JumpTo,
    ReachedBottom,
    ReachedTop,
    ReadUpTo,
    ShowNewest,
    Typed,
)
from talkbot_tui.core.lean import Extra
from talkbot_tui.ui import commands, words
from talkbot_tui.ui.changes import Ear
from talkbot_tui.ui.desk import Ordered, Sent, Told
from talkbot_tui.ui.finding import Hunt
from talkbot_tui.ui.keys import commands_by_key
from talkbot_tui.ui.port import EnginePort
from talkbot_tui.ui.screens.parts import ChatParts
from talkbot_tui.ui.widgets.composer import Composer
from talkbot_tui.ui.widgets.line_list import LineList
from talkbot_tui.ui.widgets.message_pane import MessagePane, Sheet

if TYPE_CHECKING:
    from talkbot_tui.ui.surroundings import Surroundings

_ = i18n.Domain("app")

LEAD_TO_LEAVING = ("interrupt", "quit", "send", "palette", "complete")
"""What comes before leaving, by key, by name or out of the list; anything else takes it back."""

PATIENCE_S = 0.3
"""How long the app's first picture waits for the rows of its room."""


def _nothing() -> None:
    """Where there is nothing to end."""


class ChatScreen(ChatParts):
    """One user's chat on one engine.

    Attributes:
        leaving: leaving was asked for once; another time does it.
        asked: what was told of unsent messages then.
        asked_delete: key of the message whose deletion waits for a second key press.
        wanted_room: the room to open as soon as it is listed, "" for none.
        ear: hears the engine.
        hunt: the search whose hit is looked at; Esc goes back to it.
        turned_away: the text that could not be sent; why is told while it stands there.
    """

    CSS_PATH = "chat.tcss"
    AUTO_FOCUS = "Composer"
    BINDINGS = [*commands.bindings(commands.Where.SCREEN)]
    HORIZONTAL_BREAKPOINTS = [(0, "-one"), (60, "-slim"), (80, "-two"), (100, "-three")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-high")]

    class Whole(Posted):
        """The first picture has all that it can have without a connection."""

        def __init__(self, room_id: str) -> None:
            super().__init__()
            self.room_id = room_id

    def __init__(self, engine: EnginePort, around: Surroundings, room: str = "") -> None:
        super().__init__(engine, around)
        self.wanted_room = room
        self.turned_away = ""
        self.leaving = False
        self.asked = ""
        self.asked_delete = ""
        self.hunt: Hunt | None = None
        self.ear = Ear(self)
        self.laid_out = self.told_whole = False
        self.unsubscribe: Callable[[], None] = _nothing

    def on_mount(self) -> None:
        """Show what is known already; the rest comes as changes."""
        overrides = self.around.settings.keys
        self.composer.candidates = self.desk.complete
        self.composer.keep = self.desk.keep_draft
        self.composer.commands = commands_by_key(commands.Where.COMPOSER, overrides)
        self.pane.commands = commands_by_key(commands.Where.MESSAGE, overrides)
        self.composer.run_command = self.pane.run_command = self.action_command
        self.unsubscribe = self.engine.subscribe(self.ear)
        self.watch(self.app, "app_focus", self._looked_at, init=False)
        if self.desk.room_id:
            self._present(self.desk.room_id)
        self.choose_room()
        self.show_all()

    def on_unmount(self) -> None:
        """Hear no more."""
        self.unsubscribe()

    def on_resize(self, event: events.Resize) -> None:
        """A very small terminal shows one line."""
        self.tiny.measure(event.size)
        self.call_after_refresh(self._laid_out)

    def _laid_out(self) -> None:
        self.show_all()
        if not self.laid_out:
            self.laid_out = True
            # A room of which nothing is cached: its rows come from the server, if any.
            self.set_timer(PATIENCE_S, self._tell_whole)
            self.look_whole()

    # --- what changed ------------------------------------------------------------------

    def look_whole(self) -> None:
        """Tell, once, when the first picture has all that it can have."""
        room_id = self.desk.room_id
        if self.laid_out and (not room_id or self.engine.session.timeline(room_id).rows):
            self._tell_whole()

    def _tell_whole(self) -> None:
        if not self.told_whole:
            self.told_whole = True
            self.post_message(self.Whole(self.composer.room_id))

    def on_screen_resume(self) -> None:
        """A screen above closed: what is visible counts as read again."""
        self.pane.redraw()

    def _looked_at(self) -> None:
        self.pane.redraw()

    def returned(self, change: DraftReturned) -> None:
        """A message could not be saved: give its text back, and say why."""
        why = words.refusal(change.reason, change.reason)
        room_id = change.conversation_id
        here = room_id == self.composer.room_id
        written = self.composer.text if here else self.engine.session.draft(room_id)
        text = self.desk.give_back(room_id, change.text, written)
        if here and text != written:
            self.composer.set_text(text)
        self.tell(_("Not sent, your text is back: {why}").format(why=why), "bad")

    # --- rooms --------------------------------------------------------------------------

    def choose_room(self) -> None:
        """Open the room that is waited for, or a first one when none is open."""
        wanted = self.desk.first_room(self.wanted_room) if self.wanted_room else ""
        if wanted:
            self.wanted_room = ""
            self.open_room(wanted)
        elif not self.desk.room_id and (first := self.desk.first_room()):
            self.open_room(first)

    def open_room(self, room_id: str) -> None:
        """Look at another conversation; what was written stays with its room."""
        self.hunt = None
        if room_id == self.composer.room_id == self.desk.room_id:
            self.set_focus(self.composer)
            return
        if self.desk.room_id and self._tells_typing:
            self.engine.dispatch(Typed(self.desk.room_id, on=False))
        self.desk.open(room_id)
        self._present(room_id)

    def _present(self, room_id: str) -> None:
        if self.composer.room_id:
            self.tell("")
        self.composer.load(room_id, self.desk.text_for(room_id))
        self.pane.show(Sheet(room_id, self.engine.session.timeline(room_id), self.frame_for))
        if self.has_class("-one"):
            self.remove_class("-rooms-on", "-people-on")
        self.show_all()
        self.show_banner()
        self.set_focus(self.composer)

    def open_when_known(self, room_id: str) -> None:
        """Go to a room that the server has just given us, as soon as it is listed."""
        self.wanted_room = room_id
        self.choose_room()

    @on(LineList.Chosen)
    def _chosen(self, event: LineList.Chosen) -> None:
        if event.source is self.rooms:
            self.open_room(event.key)

    # --- the pane -----------------------------------------------------------------------------

    @on(MessagePane.Seen)
    def _seen(self, event: MessagePane.Seen) -> None:
        self._read(event.conversation_id, event.seq)
        self.show_typing()

    def read_on(self) -> None:
        """What comes at the end that is looked at is read as it comes: no count flashes up."""
        if self.pane.sheet is not None and self.pane.newest:
            self._read(self.pane.sheet.conversation_id, self.pane.newest)

    def _read(self, room_id: str, seq: int) -> None:
        room = self.engine.session.room(room_id)
        if room and self.app.app_focus and self.is_current and seq > room.read_seq:
            self.engine.dispatch(ReadUpTo(room_id, seq))

    @on(MessagePane.TopReached)
    def _top(self, event: MessagePane.TopReached) -> None:
        self.engine.dispatch(ReachedTop(event.conversation_id))

    @on(MessagePane.BottomReached)
    def _bottom(self, event: MessagePane.BottomReached) -> None:
        self.engine.dispatch(ReachedBottom(event.conversation_id))

    @on(MessagePane.GapShown)
    def _gap(self, event: MessagePane.GapShown) -> None:
        self.engine.dispatch(FillGap(event.conversation_id, event.last))

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        if self.focused is self.composer and self.pane.selected:
            # Who comes back later means what is on the screen then, not what was meant before.
            self.pane.select("")
        self.call_later(self.show_hints)

    def go_to(self, room_id: str, seq: int) -> None:
        """Show a place in a room, however far back."""
        self.open_room(room_id)
        self.engine.dispatch(JumpTo(room_id, seq))

    def landed(self, jumped: Jumped) -> None:
        """The place is there: it has the focus, with what is around it."""
        if jumped.conversation_id == self.desk.room_id and self.pane.reveal(jumped.key, True):
            self.pane.select(jumped.key)
            self.set_focus(self.pane)

    def go_to_end(self) -> None:
        """The newest message, and follow it."""
        self.hunt = None
        self.engine.dispatch(ShowNewest(self.desk.room_id))
        self.pane.action_end()

    # --- the composer --------------------------------------------------------------------------

    @on(Composer.Written)
    def _written(self, event: Composer.Written) -> None:
        if not event.text.startswith("/"):
            # Who types a command may be asking a second time.
            self.leaving = False
        # A burst of keys may have changed or sent the text before we hear of this.
        here = event.room_id == self.composer.room_id
        text = self.composer.text if here else event.text
        if text != self.turned_away:
            self.tell("")
            self.turned_away = ""
        self.desk.keep_draft(event.room_id, text)
        if text and self._tells_typing and not text.startswith("/"):
            self.engine.dispatch(Typed(event.room_id, on=True))

    @property
    def _tells_typing(self) -> bool:
        return self.around.settings.typing and not self.around.lean.sheds(Extra.TYPING)

    def submit(self) -> None:
        """Send what is written, to the room for which it was written."""
        room_id, text = self.composer.room_id, self.composer.text
        task = self.desk.tasks.get(room_id)
        if task is None and not text.strip() and self.desk.held(room_id):
            self.action_command("send_held")
            return
        match self.desk.submit(room_id, text):
            case Told(line):
                self.leaving = False
                self.turned_away = text
                self.tell(line)
            case Ordered(command, rest):
                self._clear(room_id, text, "")
                self.action_command(command.id, rest)
            case Sent():
                self.leaving = False
                self._clear(room_id, text, task.kept if task else "")
                self.go_to_end()

    def _clear(self, room_id: str, text: str, next_text: str) -> None:
        self.composer.remember(text)
        self.composer.set_text(next_text)
        self.desk.keep_draft(room_id, next_text)
        self.tell("")
        self.show_banner()

    # --- commands -------------------------------------------------------------------------------

    def action_command(self, command_id: str, rest: str = "") -> None:
        """Run a command; one that asks the server runs beside the screen."""
        from talkbot_tui.ui.actions import HANDLERS

        if command_id not in LEAD_TO_LEAVING:
            self.leaving = False
        if command_id != "delete":
            self.asked_delete = ""
        asked = HANDLERS[command_id](self, rest)
        if asked is not None:
            self.ask(asked)

    def ask(self, asked: Coroutine[Any, Any, None]) -> None:
        """Let a question to the server run beside the screen; a refusal is told."""
        self.run_worker(self._answer(asked), group="lookup", exit_on_error=False)

    async def _answer(self, asked: Coroutine[Any, Any, None]) -> None:
        from talkbot_tui.client.lookups import LookupFailed

        try:
            await asked
        except LookupFailed as failed:
            self.tell(words.refusal(failed.code, failed.message))

    def toggle_pane(self, name: str) -> None:
        """Show or hide `rooms` or `people`, whatever the width says."""
        part = self.rooms if name == "rooms" else self.people
        shown = part.display and part.size.width > 0
        self.set_class(not shown, f"-{name}-on")
        self.set_class(shown, f"-{name}-off")
        if self.has_class("-one") and not shown:
            self.remove_class("-people-on" if name == "rooms" else "-rooms-on")
        self.call_after_refresh(self.show_all)

    def leave(self) -> None:
        """End the app; with unsent messages only when it is asked for again."""
        unsent = self.desk.unsent_texts()
        if unsent and not self.leaving:
            self.leaving = True
            self.asked = words.unsent_line(unsent, lasting=self.engine.session.lasting)
            self.tell(self.asked)
        else:
            self.app.exit(0)

    def look_unsent(self) -> None:
        """What was asked before leaving is over once all is sent."""
        if self.asked and self.notice.text == self.asked and not self.desk.unsent_texts():
            self.leaving, self.asked = False, ""
            self.tell("")
