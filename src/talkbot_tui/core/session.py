"""The session: takes events and the time, gives effects and changes. It does no I/O.

`handle` returns what must be done; `take_changes` what must be redrawn. The same
events at the same times give the same effects, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from talkbot_tui.core import arrivals as a
from talkbot_tui.core import (
    composing,
    echoes,
    fetching,
    history,
    live,
    patience,
    reading,
    syncing,
)
from talkbot_tui.core import events as e
from talkbot_tui.core.changes import Change
from talkbot_tui.core.effects import Effect
from talkbot_tui.core.facts import Facts
from talkbot_tui.core.link import Link
from talkbot_tui.core.model import Member, Message, PresenceInfo, RoomSummary, User
from talkbot_tui.core.state import State, Timer
from talkbot_tui.core.timeline import Timeline

HANDLERS: dict[type, Callable[[State, Any], None]] = {
    e.Compose: composing.compose,
    e.Retry: composing.retry,
    e.Discard: composing.discard,
    e.SendHeld: patience.send_held,
    e.EditMessage: composing.edit,
    e.DeleteMessage: composing.delete,
    e.React: composing.react,
    e.StopStream: composing.stop_stream,
    e.OpenConversation: history.open_conversation,
    e.ReachedTop: history.reached_top,
    e.ReachedBottom: history.reached_bottom,
    e.JumpTo: history.jump_to,
    e.ShowNewest: history.show_newest,
    e.FillGap: history.fill_gap,
    e.ReadUpTo: reading.read_up_to,
    e.Typed: reading.typed,
    e.SetDraft: reading.set_draft,
    e.WatchUsers: reading.watch_users,
    e.SetPresence: reading.set_presence,
    e.ReconnectNow: syncing.reconnect_now,
    a.LinkConnecting: syncing.link_connecting,
    a.LinkUp: syncing.link_up,
    a.LinkDown: syncing.link_down,
    a.LinkRefused: syncing.link_refused,
    a.Latency: syncing.latency,
    a.Synced: syncing.synced,
    a.SyncFailed: syncing.sync_failed,
    a.LogArrived: live.log_arrived,
    a.HeadsArrived: live.heads_arrived,
    a.Resync: live.resync,
    a.StreamDelta: live.stream_delta,
    a.HistoryArrived: history.history_arrived,
    a.HistoryFailed: history.history_failed,
    a.PageLoaded: history.page_loaded,
    a.TypingHint: reading.typing_hint,
    a.PresenceHint: reading.presence_hint,
    a.ReadHint: reading.read_hint,
    a.ReadFailed: reading.read_failed,
    a.MembersArrived: reading.members_arrived,
    a.MessageAcked: composing.acked,
    a.MessageRefused: composing.refused,
    a.MessageUnanswered: composing.unanswered,
    a.MessageUnconfirmed: composing.unconfirmed,
    a.MessageUnsent: composing.unsent,
    a.OperationRefused: composing.operation_refused,
    a.Loaded: syncing.loaded,
    a.Saved: composing.saved,
    a.SaveFailed: composing.save_failed,
}
"""Who answers to which event; `Tick` is answered by the timers that are due."""


class Session:
    """One user's conversations, as far as they are known here.

    Attributes:
        lasting: what is unsent is still there at the next start.
    """

    def __init__(self, *, asks: bool = False, once: bool = False, lasting: bool = True) -> None:
        """`asks`: there is somebody to ask before late messages are sent.

        once: the server would store a message again that is sent again, so none ever is.
        lasting: what is unsent is still there at the next start.
        """
        self.lasting = lasting
        self._state = State(asks=asks, once=once)

    def handle(self, event: e.Event, now: int) -> list[Effect]:
        """Take in one event at time `now` (ms); what must be done, in this order."""
        self._state.begin(now)
        if isinstance(event, e.Tick):
            for timer in self._state.due():
                self._ring(timer)
        else:
            HANDLERS[type(event)](self._state, event)
        return self._state.finish()

    def take_changes(self) -> tuple[Change, ...]:
        """What changed since the last call, merged: at most one change of rows per conversation."""
        return self._state.changes.take()

    # --- views, cheap and read-only ------------------------------------------------

    @property
    def me(self) -> User:
        """Ourselves; with empty ids before the first load or sync."""
        return self._state.me

    @property
    def link(self) -> Link:
        """The connection."""
        return self._state.link

    @property
    def synced_once(self) -> bool:
        """Whether the server has answered a `sync` since the start."""
        return self._state.synced_once

    @property
    def open_id(self) -> str:
        """The conversation that the user looks at, "" for none."""
        return self._state.open_id

    @property
    def text_max(self) -> int:
        """How many code points a message may have."""
        return self._state.text_max

    def rooms(self) -> tuple[RoomSummary, ...]:
        """The room list in display order: mentions, then unread, then latest activity."""
        return self._state.rooms.summaries()

    def room(self, conversation_id: str) -> RoomSummary | None:
        """One line of the room list."""
        room = self._state.rooms.get(conversation_id)
        return room.shown if room else None

    def timeline(self, conversation_id: str) -> Timeline:
        """The rows of one conversation; without numbered rows while it is not open."""
        room = self._state.rooms.get(conversation_id)
        return room.timeline if room else Timeline(conversation_id)

    def unread_from(self, conversation_id: str) -> int:
        """Our read mark when the room was opened: what is above was new; 0 when all was read."""
        room = self._state.rooms.get(conversation_id)
        return room.marker if room else 0

    def reads(self, conversation_id: str) -> Mapping[str, int]:
        """How far others have read, by user id."""
        room = self._state.rooms.get(conversation_id)
        return room.reads if room else {}

    def roster(self, conversation_id: str) -> tuple[Member, ...]:
        """The members, as far as they are known."""
        return self._state.roster.members(conversation_id)

    def presence(self, user_id: str) -> PresenceInfo:
        """One person's presence; offline when nothing is known."""
        return self._state.roster.presence(user_id)

    def typing(self, conversation_id: str) -> tuple[User, ...]:
        """Who is writing there now, without ourselves."""
        return self._state.roster.typing(conversation_id, self._state.me.user_id)

    def user(self, user_id: str) -> User | None:
        """Anybody seen so far."""
        return self._state.roster.user(user_id)

    def message(self, conversation_id: str, server_msg_id: str) -> Message | None:
        """A message that is in memory."""
        return composing.find_message(self._state, conversation_id, server_msg_id)

    def facts(self, client_msg_id: str) -> Facts:
        """What became of a message of ours."""
        return self._state.facts.of(client_msg_id)

    def draft(self, conversation_id: str) -> str:
        """The unsent text of the composer there."""
        room = self._state.rooms.get(conversation_id)
        return room.draft if room else ""

    # --- inside --------------------------------------------------------------------

    def _ring(self, timer: Timer) -> None:
        state, (name, conversation_id) = self._state, timer
        room = state.rooms.known(conversation_id)
        match name:
            case "hold":
                live.hold_over(state, conversation_id)
            case "lane":
                echoes.pump(state, conversation_id)
            case "sync":
                state.request_sync()
            case "heads":
                syncing.ask_heads(state)
            case "typing":
                reading.typing_over(state)
            case "fetch" if room is not None:
                fetching.pump(state, room)
            case "read" if room is not None:
                reading.tell_read(state, room)
