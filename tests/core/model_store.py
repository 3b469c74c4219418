"""A cache in memory that does what the store's effects promise, and survives the session."""

from __future__ import annotations

from dataclasses import replace

from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Loaded, PageLoaded, StoredRoom
from talkbot_tui.core.model import (
    LogEvent,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
    RoomSummary,
    SendState,
    User,
)
from talkbot_tui.core.mutations import apply, merge


class ModelStore:
    """Rooms, events and outbox; every effect is one transaction."""

    def __init__(self) -> None:
        self.epoch = ""
        self.me = User("", "")
        self.outbox: dict[str, Message] = {}
        self.rooms: dict[str, RoomSummary] = {}
        self.places: dict[str, tuple[int, tuple[tuple[int, int], ...]]] = {}
        self.events: dict[str, dict[int, LogEvent]] = {}
        self.drafts: dict[str, str] = {}

    def perform(self, effect: f.Effect) -> None:
        match effect:
            case f.SaveLocal(message=message) | f.UpdateLocal(message=message):
                self.outbox[message.client_msg_id] = message
            case f.DropLocal(client_msg_id=client_msg_id):
                self.outbox.pop(client_msg_id, None)
            case f.SaveEvents():
                self._save(effect)
            case f.SaveRoom(summary=summary):
                self.rooms[summary.conversation.conversation_id] = summary
            case f.ForgetRoom(conversation_id=room):
                for table in (self.rooms, self.places, self.events):
                    table.pop(room, None)
            case f.ForgetAll(epoch=epoch, me=me):
                self.rooms.clear()
                self.places.clear()
                self.events.clear()
                self.epoch, self.me = epoch, me
            case f.SaveIdentity(epoch=epoch, me=me):
                self.epoch, self.me = epoch, me
            case f.SaveDraft(conversation_id=room, text=text):
                self.drafts[room] = text
            case _:
                pass

    def waits(self, client_msg_id: str) -> bool:
        """Whether this message is still to be sent, as far as the disk knows."""
        held = self.outbox.get(client_msg_id)
        return held is not None and held.state is not SendState.FAILED

    def _save(self, effect: f.SaveEvents) -> None:
        held = self.events.setdefault(effect.conversation_id, {})
        self.places[effect.conversation_id] = (effect.cursor, effect.ranges)
        for event in effect.events:
            old = held.get(event.seq)
            if isinstance(event, MessagePosted) and isinstance(old, MessagePosted):
                event = replace(event, message=merge(old.message, event.message))
            held[event.seq] = event
            if isinstance(event, (MessageEdited, MessageDeleted, ReactionsChanged)):
                for other in held.values():
                    if (
                        isinstance(other, MessagePosted)
                        and other.message.server_msg_id == event.server_msg_id
                    ):
                        held[other.seq] = replace(other, message=apply(other.message, event))

    def page(self, effect: f.LoadPage) -> PageLoaded:
        rows = sorted(self.events.get(effect.conversation_id, {}).values(), key=lambda e: e.seq)
        rows = [
            row
            for row in rows
            if (not effect.before or row.seq < effect.before)
            and row.seq > effect.after
            and not isinstance(row, (MessageEdited, MessageDeleted, ReactionsChanged))
        ]
        page = rows[: effect.limit] if effect.after else rows[-effect.limit :]
        return PageLoaded(effect.conversation_id, tuple(page), effect.before, effect.after)

    def loaded(self) -> Loaded:
        rooms = []
        for room, summary in self.rooms.items():
            cursor, ranges = self.places.get(room, (0, ()))
            rooms.append(
                StoredRoom(replace(summary, draft=self.drafts.get(room, "")), cursor, ranges)
            )
        return Loaded(self.epoch, self.me, tuple(rooms), tuple(self.outbox.values()))
