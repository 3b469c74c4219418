"""The numbered log of a conversation: what is written, and how it is served.

The log keeps places, not words: a message is served in its current state
wherever its place is, a superseded edit with the current text, and whatever
concerns a deleted message as a tombstone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.rooms import next_seq
from talkbot_tui.server.storage.schema import event, message, reaction, user
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.codec import prepare
from talkbot_tui.wire.server_events import (
    ConversationEvent,
    ConversationInfo,
    DeleteEvent,
    EditEvent,
    LogEvent,
    MemberEvent,
    MessageEvent,
    ReactionEvent,
    ReactionInfo,
    UserInfo,
)

_INSERT = event.insert()
prepare(UserInfo, ConversationInfo)


def add(
    tx: Tx,
    conversation_id: str,
    type_: str,
    sender_id: str,
    *,
    server_msg_id: str | None = None,
    body: msgspec.Struct | dict[str, Any] | None = None,
) -> int:
    """Number and store one event; returns its seq."""
    seq = next_seq(tx, conversation_id)
    row = {
        "conversation_id": conversation_id,
        "seq": seq,
        "type": type_,
        "ts": tx.now,
        "sender_id": sender_id,
        "server_msg_id": server_msg_id,
        "body": None if body is None else msgspec.json.encode(body).decode(),
    }
    tx.sql.execute(_INSERT, row)
    return seq


def add_member_event(
    tx: Tx, conversation_id: str, sender: UserInfo, subject: UserInfo, change: str, role: str
) -> MemberEvent:
    """Number and store that somebody came, went or has another role."""
    body = {"user": subject, "change": change, "role": role}
    seq = add(tx, conversation_id, "member", sender.user_id, body=body)
    return MemberEvent(
        conversation_id=conversation_id,
        seq=seq,
        ts=tx.now,
        sender=sender,
        user=subject,
        change=change,  # type: ignore[arg-type]  # callers pass the contract's words
        role=role,  # type: ignore[arg-type]  # the same
    )


def add_conversation_event(
    tx: Tx, sender: UserInfo, info: ConversationInfo, change: str
) -> ConversationEvent:
    """Number and store that a conversation was made or changed."""
    body = {"conversation": info, "change": change}
    seq = add(tx, info.conversation_id, "conversation", sender.user_id, body=body)
    return ConversationEvent(
        conversation_id=info.conversation_id,
        seq=seq,
        ts=tx.now,
        sender=sender,
        conversation=info,
        change=change,  # type: ignore[arg-type]  # callers pass the contract's words
    )


def page(
    tx: Tx, conversation_id: str, *, above: int = 0, below: int = 0, limit: int, newest: bool
) -> list[LogEvent]:
    """Events with `above < seq < below` (0: no bound), ascending; the newest or the oldest."""
    where = [event.c.conversation_id == conversation_id, event.c.seq > above]
    if below:
        where.append(event.c.seq < below)
    order = event.c.seq.desc() if newest else event.c.seq
    rows = tx.sql.execute(
        sa.select(event, *people.INFO)
        .join(user, user.c.user_id == event.c.sender_id)
        .where(*where)
        .order_by(order)
        .limit(limit)
    ).all()
    return _served(tx, rows[::-1] if newest else rows)


def last_messages(tx: Tx, conversation_ids: Iterable[str]) -> dict[str, MessageEvent]:
    """The newest message of each conversation that is not deleted."""
    found: list[str] = []
    for conversation_id in conversation_ids:
        newest = tx.sql.scalar(
            sa.select(message.c.server_msg_id)
            .where(message.c.conversation_id == conversation_id, sa.not_(message.c.deleted))
            .order_by(message.c.seq.desc())
            .limit(1)
        )
        if newest is not None:
            found.append(newest)
    return {shown.conversation_id: shown for shown in messages(tx, found).values()}


def messages(tx: Tx, server_msg_ids: Iterable[str]) -> dict[str, MessageEvent]:
    """Messages in their current state, by id."""
    ids = list(dict.fromkeys(server_msg_ids))
    if not ids:
        return {}
    rows = tx.sql.execute(
        sa.select(message, *people.INFO)
        .join(user, user.c.user_id == message.c.sender_id)
        .where(message.c.server_msg_id.in_(ids))
    ).all()
    sets = reactions(tx, ids)
    return {row.server_msg_id: _message(row, sets.get(row.server_msg_id, [])) for row in rows}


def reactions(tx: Tx, server_msg_ids: Sequence[str]) -> dict[str, list[ReactionInfo]]:
    """The reactions of each message, in order of first use."""
    rows = tx.sql.execute(
        sa.select(reaction.c.server_msg_id, reaction.c.emoji, reaction.c.user_id)
        .where(reaction.c.server_msg_id.in_(server_msg_ids))
        .order_by(reaction.c.seq)
    )
    grouped: dict[str, dict[str, list[str]]] = {}
    for server_msg_id, emoji, user_id in rows:
        grouped.setdefault(server_msg_id, {}).setdefault(emoji, []).append(user_id)
    return {
        server_msg_id: [ReactionInfo(emoji=emoji, user_ids=ids) for emoji, ids in by_emoji.items()]
        for server_msg_id, by_emoji in grouped.items()
    }


def _message(row: Any, shown: list[ReactionInfo]) -> MessageEvent:
    sender = people.info(row[-4:])
    if row.deleted:
        return MessageEvent(
            conversation_id=row.conversation_id,
            seq=row.seq,
            ts=row.ts,
            sender=sender,
            server_msg_id=row.server_msg_id,
            client_msg_id=row.client_msg_id,
            text="",
            revision=row.revision,
            changed_seq=row.changed_seq,
            deleted=True,
            bot=sender.bot,
        )
    return MessageEvent(
        conversation_id=row.conversation_id,
        seq=row.seq,
        ts=row.ts,
        sender=sender,
        server_msg_id=row.server_msg_id,
        client_msg_id=row.client_msg_id,
        text=row.text,
        mentions=json.loads(row.mentions),
        reply_to=row.reply_to,
        format=row.format,
        revision=row.revision,
        changed_seq=row.changed_seq,
        reactions=shown,
        streaming=bool(row.streaming),
        outcome=row.outcome,
        bot=sender.bot,
    )


def _served(tx: Tx, rows: Sequence[Any]) -> list[LogEvent]:
    current = messages(tx, [row.server_msg_id for row in rows if row.server_msg_id])
    return [_event(row, current.get(row.server_msg_id or "")) for row in rows]


def _event(row: Any, subject: MessageEvent | None) -> LogEvent:
    place: dict[str, Any] = {
        "conversation_id": row.conversation_id,
        "seq": row.seq,
        "ts": row.ts,
        "sender": people.info(row[-4:]),
    }
    body = json.loads(row.body) if row.body else {}
    if subject is not None:
        place["server_msg_id"] = subject.server_msg_id
    match row.type:
        case "message" if subject is not None:
            return subject
        case "edit" if subject is not None:
            return EditEvent(
                **place,
                text=subject.text,
                revision=subject.revision,
                mentions=subject.mentions,
                streaming=subject.streaming,
                outcome=subject.outcome,
                deleted=subject.deleted,
            )
        case "delete":
            return DeleteEvent(**place)
        case "reaction" if subject is not None:
            return ReactionEvent(
                **place,
                emoji="" if subject.deleted else body["emoji"],
                on=body["on"],
                reactions=subject.reactions,
            )
        case "member":
            subject_user = msgspec.convert(body["user"], UserInfo)
            return MemberEvent(**place, user=subject_user, change=body["change"], role=body["role"])
        case _:
            shown = msgspec.convert(body["conversation"], ConversationInfo)
            return ConversationEvent(**place, conversation=shown, change=body["change"])
