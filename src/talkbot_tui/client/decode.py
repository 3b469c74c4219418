"""What a server sent, as values of the core: every text passes `core.text` here."""

from __future__ import annotations

from typing import assert_never

from talkbot_tui.core.model import (
    Conversation,
    ConversationChanged,
    Kind,
    LogEvent,
    Member,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Outcome,
    Presence,
    PresenceInfo,
    Reaction,
    ReactionsChanged,
    RoomSnapshot,
    SyncSnapshot,
    User,
)
from talkbot_tui.core.text import clean, clean_name
from talkbot_tui.wire import acks
from talkbot_tui.wire import server_events as wire

EMOJI_MAX = 32


def user(info: wire.UserInfo) -> User:
    """A person or bot."""
    return User(info.user_id, clean_name(info.name), clean_name(info.display_name), info.bot)


def conversation(info: wire.ConversationInfo) -> Conversation:
    """A conversation as we see it."""
    return Conversation(
        conversation_id=info.conversation_id,
        kind=Kind(info.kind),
        name=clean_name(info.name),
        topic=clean_name(info.topic),
        visibility=info.visibility,
        role=info.role or "",
        member_count=info.member_count,
        peer=user(info.peer) if info.peer else None,
        archived=info.archived,
    )


def text(sent: str) -> tuple[str, int]:
    """The text as it may be shown, and its size as sent: 0 when that is its length."""
    shown = clean(sent)
    return shown, 0 if shown == sent else len(sent)


def reactions(sent: list[wire.ReactionInfo]) -> tuple[Reaction, ...]:
    """The whole set of reactions."""
    return tuple(
        Reaction(clean_name(found.emoji)[:EMOJI_MAX], tuple(found.user_ids)) for found in sent
    )


def outcome(sent: str | None) -> Outcome | None:
    """How a stream ended, if it has."""
    return Outcome(sent) if sent else None


def message(event: wire.MessageEvent, me: str) -> Message:
    """A message in its current state; ours are known by the id that we gave them."""
    shown, size = text(event.text)
    own = bool(me) and event.sender.user_id == me and bool(event.client_msg_id)
    return Message(
        key=event.client_msg_id if own else event.server_msg_id,
        conversation_id=event.conversation_id,
        sender=user(event.sender),
        text=shown,
        ts=event.ts,
        client_msg_id=event.client_msg_id if own else "",
        server_msg_id=event.server_msg_id,
        seq=event.seq,
        changed_seq=max(event.seq, event.changed_seq or 0),
        revision=event.revision,
        reply_to=event.reply_to or "",
        format=event.format or "",
        mentions=tuple(event.mentions),
        reactions=reactions(event.reactions),
        deleted=event.deleted,
        streaming=event.streaming,
        outcome=outcome(event.outcome),
        size=size,
    )


def log_event(event: wire.LogEvent, me: str) -> LogEvent:
    """One numbered event of a conversation; `me` is our user id, "" before it is known."""
    place = (event.conversation_id, event.seq, event.ts, user(event.sender))
    match event:
        case wire.MessageEvent():
            return MessagePosted(*place, message=message(event, me))
        case wire.EditEvent():
            if event.deleted:
                return MessageDeleted(*place, server_msg_id=event.server_msg_id)
            return MessageEdited(
                *place,
                server_msg_id=event.server_msg_id,
                text=text(event.text)[0],
                revision=event.revision,
                mentions=tuple(event.mentions),
                streaming=event.streaming,
                outcome=outcome(event.outcome),
            )
        case wire.DeleteEvent():
            return MessageDeleted(*place, server_msg_id=event.server_msg_id)
        case wire.ReactionEvent():
            return ReactionsChanged(
                *place, server_msg_id=event.server_msg_id, reactions=reactions(event.reactions)
            )
        case wire.MemberEvent():
            return MemberChanged(
                *place, user=user(event.user), change=event.change, role=event.role
            )
        case wire.ConversationEvent():
            return ConversationChanged(
                *place, conversation=conversation(event.conversation), change=event.change
            )
    assert_never(event)


def log_events(events: list[wire.LogEvent], me: str) -> tuple[LogEvent, ...]:
    """A page of the log."""
    return tuple(log_event(event, me) for event in events)


def presence(info: wire.PresenceInfo | wire.PresenceEvent) -> PresenceInfo:
    """One person's presence."""
    return PresenceInfo(Presence(info.status), clean_name(info.text), info.last_seen)


def member(info: acks.MemberInfo) -> Member:
    """A person in a conversation."""
    return Member(user(info.user), info.role)


def snapshot(answer: acks.SyncAck) -> SyncSnapshot:
    """The whole answer to `sync`."""
    me = user(answer.user)
    return SyncSnapshot(
        epoch=answer.epoch,
        user=me,
        server_version=clean_name(answer.server_version),
        rooms=tuple(_room(room, me.user_id) for room in answer.conversations),
        text_max=answer.limits.text,
        text_bytes_max=answer.limits.text_bytes,
        features=tuple(answer.features),
    )


def _room(room: acks.SyncRoom, me: str) -> RoomSnapshot:
    return RoomSnapshot(
        conversation=conversation(room.conversation),
        head_seq=room.head_seq,
        read_seq=room.read_seq,
        unread=room.unread,
        mentions=room.mentions,
        from_seq=room.from_seq,
        events=log_events(room.events, me),
        more=room.more,
        last_message=message(room.last_message, me) if room.last_message else None,
        reads=tuple(room.reads.items()),
    )
