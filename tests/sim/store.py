"""A disk: what a transaction wrote is there after a crash, what was under way may be.

Mirrors `client.sqlite_store.SqliteStore`: effects are performed in order in one
transaction; on a full disk messages go back to their author and the rest is owed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from talkbot_tui.client.owed import with_owed
from talkbot_tui.client.store import StoreEffect, StoreEvent
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Loaded, PageLoaded, Saved, SaveFailed, StoredRoom
from talkbot_tui.core.model import (
    LogEvent,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
    RoomSummary,
    User,
)
from talkbot_tui.core.mutations import apply, merge
from talkbot_tui.core.ranges import Span


class Cached:
    """One room's places and messages on disk."""

    def __init__(self) -> None:
        self.cursor = 0
        self.ranges: tuple[Span, ...] = ()
        self.events: dict[int, LogEvent] = {}
        self.messages: dict[str, int] = {}


class SimStore:
    """What is on disk, and what is owed to it.

    Attributes:
        full: nothing can be written.
        page: at most so many events in a page.
        dropped: told of each `DropLocal` once it is on disk.
        unsure: messages whose last word was owed when a process died: what the next one
            says of them it cannot know.
    """

    def __init__(self, page: int) -> None:
        self.full = False
        self.page = page
        self.epoch = ""
        self.me = User("", "")
        self.outbox: dict[str, Message] = {}
        self.drafts: dict[str, str] = {}
        self.rooms: dict[str, RoomSummary] = {}
        self.cached: dict[str, Cached] = {}
        self.dropped: Callable[[str], None] = lambda client_msg_id: None
        self.unsure: set[str] = set()
        self._owed: list[StoreEffect] = []
        self._perform: dict[type, Callable[[Any], StoreEvent | None]] = {
            f.SaveLocal: self._save_local,
            f.UpdateLocal: self._update_local,
            f.DropLocal: self._drop_local,
            f.SaveEvents: self._save_events,
            f.SaveRoom: self._save_room,
            f.ForgetRoom: self._forget_room,
            f.ForgetAll: self._forget_all,
            f.SaveIdentity: self._save_identity,
            f.SaveDraft: self._save_draft,
            f.LoadPage: self._load_page,
        }

    def open(self) -> Loaded:
        """What the last process left; what was owed is gone with it."""
        for effect in self._owed:
            if isinstance(effect, f.UpdateLocal):
                self.unsure.add(effect.message.client_msg_id)
        self._owed = []
        rooms = []
        for name, summary in self.rooms.items():
            held = self.cached.get(name)
            shown = replace(summary, draft=self.drafts.get(name, ""))
            rooms.append(StoredRoom(shown, held.cursor if held else 0, held.ranges if held else ()))
        return Loaded(self.epoch, self.me, tuple(rooms), tuple(self.outbox.values()))

    def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        """One transaction. Mirrors `SqliteStore._apply` and `_failed`."""
        if self.full:
            return self._failed(effects)
        owed, self._owed = self._owed, []
        answers = [self._perform[type(effect)](effect) for effect in (*owed, *effects)]
        return [answer for answer in answers if answer is not None]

    def close(self) -> None:
        """Write what is owed. Mirrors `SqliteStore._close`."""
        self.apply([])

    def _failed(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        answers: list[StoreEvent] = []
        for effect in effects:
            if isinstance(effect, f.SaveLocal):
                answers.append(SaveFailed(effect.message.client_msg_id, "disk_full"))
            elif isinstance(effect, f.LoadPage):
                limit = min(effect.limit, self.page)
                found = with_owed(self._load_page(effect), self._owed, limit)
                answers.append(replace(self._load_page(effect), events=tuple(found)))
            else:
                self._owed.append(effect)
        return answers

    # --- one effect ------------------------------------------------------------------

    def _save_local(self, effect: f.SaveLocal) -> StoreEvent:
        self.outbox[effect.message.client_msg_id] = effect.message
        self.drafts.pop(effect.message.conversation_id, None)
        return Saved(effect.message.client_msg_id)

    def _update_local(self, effect: f.UpdateLocal) -> None:
        self.outbox[effect.message.client_msg_id] = effect.message

    def _drop_local(self, effect: f.DropLocal) -> None:
        self.outbox.pop(effect.client_msg_id, None)
        self.dropped(effect.client_msg_id)

    def _save_room(self, effect: f.SaveRoom) -> None:
        self.rooms[effect.summary.conversation.conversation_id] = effect.summary

    def _forget_room(self, effect: f.ForgetRoom) -> None:
        self.rooms.pop(effect.conversation_id, None)
        self.cached.pop(effect.conversation_id, None)

    def _forget_all(self, effect: f.ForgetAll) -> None:
        self.rooms.clear()
        self.cached.clear()
        self.epoch, self.me = effect.epoch, effect.me

    def _save_identity(self, effect: f.SaveIdentity) -> None:
        self.epoch, self.me = effect.epoch, effect.me

    def _save_draft(self, effect: f.SaveDraft) -> None:
        self.drafts[effect.conversation_id] = effect.text

    def _save_events(self, effect: f.SaveEvents) -> None:
        held = self.cached.setdefault(effect.conversation_id, Cached())
        held.cursor, held.ranges = effect.cursor, effect.ranges
        for event in effect.events:
            if isinstance(event, (MessageEdited, MessageDeleted, ReactionsChanged)):
                seq = held.messages.get(event.server_msg_id, 0)
                old = held.events.get(seq)
                if isinstance(old, MessagePosted):
                    held.events[seq] = replace(old, message=apply(old.message, event))
            else:
                old = held.events.get(event.seq)
                if isinstance(event, MessagePosted):
                    if isinstance(old, MessagePosted):
                        event = replace(event, message=merge(old.message, event.message))
                    held.messages[event.message.server_msg_id] = event.seq
                held.events[event.seq] = event

    def _load_page(self, effect: f.LoadPage) -> PageLoaded:
        held = self.cached.get(effect.conversation_id)
        seqs = sorted(held.events) if held else []
        limit = min(effect.limit, self.page)
        if effect.after:
            seqs = [seq for seq in seqs if seq > effect.after][:limit]
        else:
            seqs = [seq for seq in seqs if not effect.before or seq < effect.before][-limit:]
        events = tuple(held.events[seq] for seq in seqs) if held else ()
        return PageLoaded(effect.conversation_id, events, effect.before, effect.after)
