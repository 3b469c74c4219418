"""A room of the modelled server: a log of places that say what is true now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from talkbot_tui.core.model import (
    Conversation,
    LogEvent,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
)


@dataclass(frozen=True, slots=True)
class Tell:
    """What others are told: a room's subscribers, or all connections of one user."""

    what: Any
    room: str = ""
    user: str = ""
    but: str = ""


@dataclass(frozen=True, slots=True)
class Enter:
    """From here on the user's connections receive the room."""

    user: str
    room: str


@dataclass(frozen=True, slots=True)
class Exit:
    """From here on nothing of the room reaches the user."""

    user: str
    room: str


Delivery = Tell | Enter | Exit


@dataclass(frozen=True, slots=True)
class Wire:
    """A place of the log as it goes to its author, and as it goes to everybody else.

    Mirrors `client.decode.message`: only our own messages are known by the id that we
    gave them. Both are made once, since many receive them.
    """

    own: LogEvent
    other: LogEvent

    @property
    def seq(self) -> int:
        return self.own.seq

    def to(self, user_id: str) -> LogEvent:
        """The event as this user's client decodes it; "" is nobody yet."""
        return self.own if user_id and self.own.sender.user_id == user_id else self.other


@dataclass(slots=True)
class ServerRoom:
    """A log of places, the messages as they are now, and who is in.

    Attributes:
        log: each place with what is true now, so that a page is a slice.
        changes: the places of edits, deletions and reactions, by message.
    """

    conversation: Conversation
    log: list[Wire] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    changes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.conversation.conversation_id

    @property
    def head(self) -> int:
        return len(self.log)

    def copy(self) -> ServerRoom:
        return ServerRoom(
            self.conversation,
            list(self.log),
            dict(self.messages),
            dict(self.changes),
            dict(self.members),
            dict(self.reads),
        )

    def place(self, event: LogEvent) -> Tell:
        """The next place of the log, and what everybody is told of it."""
        assert event.seq == self.head + 1
        self.log.append(_wire(event))
        return Tell(self.log[-1], room=self.id)

    def change(
        self, now: Message, event: MessageEdited | MessageDeleted | ReactionsChanged
    ) -> Tell:
        """A message is as `now` says: its own place and those of its changes say so too."""
        name = now.server_msg_id
        told = self.place(event)
        self.messages[name] = now
        first = self.log[now.seq - 1].own
        assert isinstance(first, MessagePosted)
        self.log[now.seq - 1] = _wire(replace(first, message=now))
        for seq in self.changes.get(name, ()):
            self.log[seq - 1] = _wire(_today(self.log[seq - 1].own, now))
        self.changes[name] = (*self.changes.get(name, ()), event.seq)
        return told

    def page(self, first: int, last: int, user_id: str) -> tuple[LogEvent, ...]:
        return tuple(place.to(user_id) for place in self.log[max(first, 1) - 1 : max(last, 0)])

    def newest(self, user_id: str) -> Message | None:
        """The last message."""
        for name in reversed(self.messages):
            event = self.log[self.messages[name].seq - 1].to(user_id)
            assert isinstance(event, MessagePosted)
            return event.message
        return None

    def unread(self, user_id: str) -> tuple[int, int]:
        """How many messages of others lie above the mark, and how many of them name the user."""
        mark = self.reads.get(user_id, 0)
        new = [
            m
            for m in self.messages.values()
            if m.seq > mark and m.sender.user_id != user_id and not m.deleted
        ]
        return len(new), sum(user_id in m.mentions for m in new)


def _wire(event: LogEvent) -> Wire:
    if not isinstance(event, MessagePosted):
        return Wire(event, event)
    message = event.message
    other = replace(message, key=message.server_msg_id, client_msg_id="")
    return Wire(event, replace(event, message=other))


def _today(event: LogEvent, now: Message) -> LogEvent:
    """An older change as a page serves it when the message is as `now` says."""
    place = (event.conversation_id, event.seq, event.ts, event.sender, now.server_msg_id)
    match event:
        case MessageEdited() if now.deleted:
            return MessageDeleted(*place)
        case MessageEdited():
            return MessageEdited(*place, now.text, now.revision, now.mentions)
        case ReactionsChanged():
            return ReactionsChanged(*place, now.reactions)
        case _:
            return event
