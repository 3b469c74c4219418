"""What a server sends: the durable log, the ephemeral hints, and how it says goodbye."""

from __future__ import annotations

from typing import Literal

from talkbot_tui.wire.client_events import Kind, Outcome, Role, Visibility
from talkbot_tui.wire.scalars import Count, Id, Millis, Seq, ServerPayload


class UserInfo(ServerPayload, frozen=True):
    """A person or a bot."""

    user_id: Id
    name: str
    display_name: str = ""
    bot: bool = False


class ReactionInfo(ServerPayload, frozen=True):
    """One emoji under a message and who put it there."""

    emoji: str
    user_ids: list[str]


class ConversationInfo(ServerPayload, frozen=True):
    """A conversation as one user sees it.

    role: that user's, absent when they are no member. peer: the other person of
    a direct conversation.
    """

    conversation_id: Id
    kind: Kind
    visibility: Visibility = "public"
    name: str = ""
    topic: str = ""
    role: Role | None = None
    member_count: Count = 0
    peer: UserInfo | None = None
    archived: bool = False
    created_at: Millis = 0


class LogEventBase(ServerPayload, frozen=True):
    """Base of the durable events. Each seq of a conversation has exactly one."""

    conversation_id: Id
    seq: Seq
    ts: Millis
    sender: UserInfo


class MessageEvent(LogEventBase, frozen=True, tag_field="type", tag="message"):
    """A message in its current state, wherever in the log it is served.

    changedSeq: seq of the last event that changed it, absent when none did; an
    `edit`, `delete` or `reaction` with a seq up to it is already contained.
    deleted: a tombstone; `text` is empty.
    """

    server_msg_id: Id
    client_msg_id: str
    text: str
    mentions: list[str] = []
    reply_to: str | None = None
    format: str | None = None
    revision: Count = 0
    changed_seq: int | None = None
    reactions: list[ReactionInfo] = []
    streaming: bool = False
    outcome: Outcome | None = None
    deleted: bool = False
    bot: bool = False


class EditEvent(LogEventBase, frozen=True, tag_field="type", tag="edit"):
    """A message has other text; a superseded edit is served with the current text and revision."""

    server_msg_id: Id
    text: str
    revision: Count
    mentions: list[str] = []
    streaming: bool = False
    outcome: Outcome | None = None
    deleted: bool = False


class DeleteEvent(LogEventBase, frozen=True, tag_field="type", tag="delete"):
    """A message is gone."""

    server_msg_id: Id


class ReactionEvent(LogEventBase, frozen=True, tag_field="type", tag="reaction"):
    """A reaction was added or taken away; `reactions` is the whole set after it."""

    server_msg_id: Id
    emoji: str
    on: bool
    reactions: list[ReactionInfo] = []


class MemberEvent(LogEventBase, frozen=True, tag_field="type", tag="member"):
    """Somebody joined, left, was invited or removed, or has another role."""

    user: UserInfo
    change: Literal["joined", "left", "invited", "removed", "role"]
    role: Role = "member"


class ConversationEvent(LogEventBase, frozen=True, tag_field="type", tag="conversation"):
    """The conversation was made or changed."""

    conversation: ConversationInfo
    change: Literal["created", "renamed", "topic", "visibility", "archived", "updated"] = "updated"


LogEvent = MessageEvent | EditEvent | DeleteEvent | ReactionEvent | MemberEvent | ConversationEvent


class StreamEvent(ServerPayload, frozen=True):
    """A piece of a streaming message at code point `offset`; may be lost."""

    conversation_id: Id
    server_msg_id: Id
    offset: Count
    delta: str


class StopEvent(ServerPayload, frozen=True):
    """To the bot that is streaming: a member asks it to end."""

    conversation_id: Id
    server_msg_id: Id
    user_id: Id


class TypingEvent(ServerPayload, frozen=True):
    """Somebody writes; forget it after 6 s."""

    conversation_id: Id
    user_id: Id
    on: bool


class PresenceInfo(ServerPayload, frozen=True):
    """One person's presence; `lastSeen` in ms."""

    status: Literal["online", "away", "offline"]
    text: str = ""
    last_seen: Millis = 0


class PresenceEvent(ServerPayload, frozen=True):
    """A watched person's presence changed."""

    user_id: Id
    status: Literal["online", "away", "offline"]
    text: str = ""
    last_seen: Millis = 0


class ReadEvent(ServerPayload, frozen=True):
    """Somebody has read up to `seq`; above 100 members only one's own come."""

    conversation_id: Id
    user_id: Id
    seq: Count
    unread: int | None = None
    mentions: int | None = None


class ResyncEvent(ServerPayload, frozen=True):
    """Broadcasts may have been missed; absent means everywhere."""

    conversation_ids: list[Id] | None = None


class LimitedEvent(ServerPayload, frozen=True):
    """An event without an ack was dropped because it came too often."""

    event: str
    retry_after_ms: Count


class GoodbyeEvent(ServerPayload, frozen=True):
    """The server closes this connection next."""

    code: str
    retry_after_ms: int | None = None
