"""What a request leads to: an answer to one connection, and deliveries to others.

Deliveries are values, so that rules can be tested without a socket; they are
carried out in the order of the commits, in `fanout`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from talkbot_tui.wire.acks import EmptyAck
from talkbot_tui.wire.server_events import LogEvent, UserInfo


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person or a bot, by one session."""

    user: UserInfo
    session_id: str = ""

    @property
    def user_id(self) -> str:
        """The actor's id."""
        return self.user.user_id


@dataclass(frozen=True, slots=True)
class Publish:
    """A durable event, to all members that are subscribed."""

    event: LogEvent


@dataclass(frozen=True, slots=True)
class Tell:
    """An ephemeral event to a conversation, but not to `but` (a user id)."""

    conversation_id: str
    name: str
    payload: msgspec.Struct
    but: str = ""


@dataclass(frozen=True, slots=True)
class TellUser:
    """An event to all connections of one user."""

    user_id: str
    name: str
    payload: msgspec.Struct


@dataclass(frozen=True, slots=True)
class Enter:
    """From here on the user receives the conversation; they are told to sync it."""

    user_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Exit:
    """From here on nothing of the conversation reaches the user."""

    user_id: str
    conversation_id: str


@dataclass(frozen=True, slots=True)
class StreamBegins:
    """A message whose text will grow."""

    conversation_id: str
    server_msg_id: str
    sender_id: str
    text: str


@dataclass(frozen=True, slots=True)
class StreamEnds:
    """Its text grows no more."""

    server_msg_id: str


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Close the live connections of a session, or of a whole user but `keep`."""

    user_id: str
    session_id: str | None = None
    keep: str = ""


Delivery = Publish | Tell | TellUser | Enter | Exit | StreamBegins | StreamEnds | EndSessions


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, and what follows once it is on disk."""

    answer: msgspec.Struct = field(default_factory=EmptyAck)
    deliveries: tuple[Delivery, ...] = ()
