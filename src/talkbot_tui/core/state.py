"""What the session's parts share: the state, the effects of this turn, and the timers.

The session's modules are functions over one `State`, in layers: `echoes`,
`fetching` and `membership` on it, `intake` on these, then one module per flow
(`composing`, `live`, `history`, `syncing`, `reading`), which `session` joins.
Timers are named, so that setting one again moves it; the shell is asked for one
wake-up, the earliest.
"""

from __future__ import annotations

from talkbot_tui.core.changelog import ChangeLog
from talkbot_tui.core.changes import Noticed
from talkbot_tui.core.effects import Effect, SaveRoom, SendSync, WakeAt
from talkbot_tui.core.facts import FactBook
from talkbot_tui.core.link import Link, LinkState
from talkbot_tui.core.model import LogEvent, Presence, User
from talkbot_tui.core.outbox import Outbox
from talkbot_tui.core.room_list import Room, RoomList, stored_form
from talkbot_tui.core.roster import Roster

Timer = tuple[str, str]
"""What a timer is for, and the conversation it concerns or ""."""


class State:
    """Everything the session knows.

    Attributes:
        now: the time of the event being handled, in ms; never goes back, even if
            the shell's clock does.
        me: ourselves; ids are empty before the first load or sync.
        epoch: names the server's database; "" before the first load or sync.
        early: live events that wait for the answer to `sync`.
        confirmed: ids of echoes to be dropped once their message is saved.
        sync_sent: a `sync` is under way. sync_again: another is wanted after it.
        sync_tries: how often in a row it has failed on this link. sync_silences: how many
            of the last times in a row for want of an answer.
        turns: how often heads were asked; varies the pause between two.
        typing_told: where we have told that we write, and when last.
        watching: whose presence is on the screen.
        presence: our own presence as the user set it, None for the default.
        recent: rooms whose rows are held, the latest opened last.
        asks: there is somebody to ask before late messages are sent.
        once: no message is handed to the link twice; the shell says what became of each.
        facts: what became of our messages.
    """

    def __init__(self, *, asks: bool = False, once: bool = False) -> None:
        self.asks = asks
        self.once = once
        self.now = 0
        self.me = User("", "")
        self.epoch = ""
        self.text_max = 8_000
        self.synced_once = False
        self.open_id = ""
        self.link = Link()
        self.rooms = RoomList()
        self.outbox = Outbox()
        self.facts = FactBook()
        self.roster = Roster()
        self.changes = ChangeLog()
        self.early: list[LogEvent] = []
        self.confirmed: list[str] = []
        self.sync_sent = False
        self.sync_again = False
        self.sync_tries = 0
        self.sync_silences = 0
        self.turns = 0
        self.typing_told: dict[str, int] = {}
        self.watching: tuple[str, ...] = ()
        self.presence: tuple[Presence, str] | None = None
        self.recent: list[str] = []
        self._effects: list[Effect] = []
        self._timers: dict[Timer, int] = {}
        self._asked_wake = 0
        self._skew = 0
        self._touched: dict[str, None] = {}

    # --- time --------------------------------------------------------------------

    def begin(self, now: int) -> None:
        """A turn begins at `now` by the shell's clock.

        A clock that was set back would stop every timer until it has caught up,
        so the difference is remembered and time goes on from where it was.
        """
        if self.now - now > self._skew:
            self._skew = self.now - now
            self._asked_wake = 0
        self.now = now + self._skew

    @property
    def clock(self) -> int:
        """The time by the shell's clock, which stamps messages."""
        return self.now - self._skew

    def inner(self, at: int) -> int:
        """A time by the shell's clock as our own."""
        return at + self._skew

    # --- effects ---------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Ask for `effect`, after those asked for before."""
        self._effects.append(effect)

    def notice(self, code: str, text: str = "", conversation_id: str = "") -> None:
        """Tell the user something in one line."""
        self.changes.add(Noticed(code, text, conversation_id))

    def request_sync(self) -> None:
        """Ask where the server is; one question at a time."""
        if self.link.state not in (LinkState.SYNCING, LinkState.ONLINE):
            return
        if self.sync_sent:
            self.sync_again = True
            return
        self.sync_sent = True
        self.sync_again = False
        self.cancel("sync")
        cursors = tuple((room.id, room.timeline.cursor) for room in self.rooms if room.known)
        self.emit(SendSync(cursors, self.epoch))

    def finish(self) -> list[Effect]:
        """End the turn: publish what changed, set the wake-up, hand over the effects."""
        for conversation_id in self._touched:
            self._publish(conversation_id)
        self._touched.clear()
        next_at = min(self._timers.values(), default=0)
        if next_at and (not self._asked_wake or next_at < self._asked_wake):
            self._asked_wake = next_at
            self.emit(WakeAt(next_at - self._skew))
        effects, self._effects = self._effects, []
        return effects

    # --- timers ------------------------------------------------------------------

    def timer(self, name: str, at: int, conversation_id: str = "") -> None:
        """Wake at `at` for this; a timer of the same name and conversation moves."""
        self._timers[name, conversation_id] = at

    def has_timer(self, name: str, conversation_id: str = "") -> bool:
        """Whether such a timer is set."""
        return (name, conversation_id) in self._timers

    def cancel(self, name: str, conversation_id: str = "") -> None:
        """Do not wake for this."""
        self._timers.pop((name, conversation_id), None)

    def cancel_all(self, *names: str) -> None:
        """Do not wake for any of these, wherever."""
        for timer in [timer for timer in self._timers if timer[0] in names]:
            del self._timers[timer]

    def due(self) -> list[Timer]:
        """The timers that are over now; they are set no longer."""
        # Whoever woke us waits no longer, even if it woke us a little early.
        self._asked_wake = 0
        due = sorted((at, timer) for timer, at in self._timers.items() if at <= self.now)
        for _, timer in due:
            del self._timers[timer]
        return [timer for _, timer in due]

    # --- rooms -------------------------------------------------------------------

    def touch(self, room: Room) -> None:
        """The room list's line of this room may have changed."""
        self._touched[room.id] = None

    def _publish(self, conversation_id: str) -> None:
        room = self.rooms.get(conversation_id)
        if room is None:
            self.changes.room(conversation_id)
            return
        failed, queued = self.outbox.counts(conversation_id)
        if not queued:
            # Nothing waits any more, so there is nothing to ask.
            room.held = False
        if not room.known and not failed and not queued:
            # Nothing binds us to it: a placeholder, or a room that we left.
            self.rooms.remove(conversation_id)
            self.changes.room(conversation_id)
            self.changes.reset(conversation_id)
            return
        summary = room.summary(failed, queued)
        if self.rooms.show(room, summary):
            self.changes.room(conversation_id)
        stored = stored_form(summary)
        if room.stored != stored:
            room.stored = stored
            self.emit(SaveRoom(summary))
