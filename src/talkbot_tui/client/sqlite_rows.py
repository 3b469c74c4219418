"""The store's effects as SQL, within a transaction that the caller opened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from talkbot_tui.client.store import StoreEffect, StoreEvent
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Loaded, PageLoaded, Saved, StoredRoom
from talkbot_tui.core.model import (
    ConversationChanged,
    LogEvent,
    MemberChanged,
    Message,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionsChanged,
    RoomSummary,
    User,
)
from talkbot_tui.core.mutations import apply, merge
from talkbot_tui.wire.codec import prepare

KINDS: dict[str, type[Any]] = {
    "message": MessagePosted,
    "member": MemberChanged,
    "conversation": ConversationChanged,
}
_KIND_OF = {kind: name for name, kind in KINDS.items()}
prepare(*KINDS.values(), Message, RoomSummary, User)


def perform(db: sqlite3.Connection, effect: StoreEffect) -> StoreEvent | None:
    """Carry out one effect; what is to be told when the transaction is on disk."""
    return _PERFORM[type(effect)](db, effect)


def load(db: sqlite3.Connection) -> Loaded:
    """Everything that the session needs at start; messages are read by page later.

    Raises `ValueError` or `TypeError` for what is not as it was written: SQLite looks at the
    pages of a file, not at what kind of value a bit has made of another.
    """
    meta = dict(db.execute("SELECT key, value FROM meta"))
    int(meta.get("texts", 0))
    me = msgspec.json.decode(meta["me"], type=User) if "me" in meta else User("", "")
    written = dict(db.execute("SELECT conversation_id, text FROM drafts"))
    drafts = msgspec.convert(written, dict[str, str])
    rooms = []
    for room, summary, cursor, ranges in db.execute(
        "SELECT rooms.conversation_id, summary, cursor, ranges"
        " FROM rooms LEFT JOIN places USING (conversation_id)"
    ):
        shown = msgspec.json.decode(summary, type=RoomSummary)
        shown = replace(shown, draft=drafts.get(room, ""))
        spans = tuple((first, last) for first, last in json.loads(ranges or "[]"))
        rooms.append(StoredRoom(shown, cursor or 0, spans))
    epoch = msgspec.convert(meta.get("epoch", ""), str)
    return Loaded(epoch, me, tuple(rooms), outbox(db))


def outbox(db: sqlite3.Connection) -> tuple[Message, ...]:
    """Unsent messages, in order of composing."""
    rows = db.execute("SELECT body FROM outbox ORDER BY position")
    return tuple(msgspec.json.decode(body, type=Message) for (body,) in rows)


def save_local(db: sqlite3.Connection, effect: f.SaveLocal) -> Saved:
    """Keep a local echo; the draft that it was written as goes with the same transaction."""
    put_local(db, effect.message)
    db.execute("DELETE FROM drafts WHERE conversation_id = ?", (effect.message.conversation_id,))
    return Saved(effect.message.client_msg_id)


def put_local(db: sqlite3.Connection, message: Message) -> None:
    """Keep an unsent message as it is now, at its place."""
    db.execute(
        "INSERT INTO outbox (client_msg_id, conversation_id, body) VALUES (?, ?, ?)"
        " ON CONFLICT (client_msg_id) DO UPDATE SET body = excluded.body",
        (message.client_msg_id, message.conversation_id, _json(message)),
    )


def put_draft(db: sqlite3.Connection, conversation_id: str, text: str) -> None:
    """Keep the composer's text; "" removes it."""
    if text:
        db.execute(
            "INSERT INTO drafts VALUES (?, ?) ON CONFLICT DO UPDATE SET text = excluded.text",
            (conversation_id, text),
        )
    else:
        db.execute("DELETE FROM drafts WHERE conversation_id = ?", (conversation_id,))


def _update_local(db: sqlite3.Connection, effect: f.UpdateLocal) -> None:
    put_local(db, effect.message)


def _drop_local(db: sqlite3.Connection, effect: f.DropLocal) -> None:
    db.execute("DELETE FROM outbox WHERE client_msg_id = ?", (effect.client_msg_id,))


def _save_draft(db: sqlite3.Connection, effect: f.SaveDraft) -> None:
    put_draft(db, effect.conversation_id, effect.text)


def _save_room(db: sqlite3.Connection, effect: f.SaveRoom) -> None:
    db.execute(
        "INSERT INTO rooms VALUES (?, ?) ON CONFLICT DO UPDATE SET summary = excluded.summary",
        (effect.summary.conversation.conversation_id, _json(effect.summary)),
    )


def _save_events(db: sqlite3.Connection, effect: f.SaveEvents) -> None:
    db.execute(
        "INSERT INTO places VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
        " SET cursor = excluded.cursor, ranges = excluded.ranges",
        (effect.conversation_id, effect.cursor, json.dumps(effect.ranges)),
    )
    for event in effect.events:
        if isinstance(event, (MessageEdited, MessageDeleted, ReactionsChanged)):
            _change_message(db, event)
        elif isinstance(event, MessagePosted):
            _put_message(db, event)
        else:
            _put_event(db, event, "")


def _put_message(db: sqlite3.Connection, event: MessagePosted) -> None:
    held = db.execute(
        "SELECT body FROM events WHERE conversation_id = ? AND seq = ? AND kind = 'message'",
        (event.conversation_id, event.seq),
    ).fetchone()
    if held is not None:
        old = msgspec.json.decode(held[0], type=MessagePosted)
        event = replace(event, message=merge(old.message, event.message))
    _put_event(db, event, event.message.server_msg_id)


def _change_message(
    db: sqlite3.Connection, event: MessageEdited | MessageDeleted | ReactionsChanged
) -> None:
    rows = db.execute(
        "SELECT body FROM events WHERE conversation_id = ? AND server_msg_id = ?",
        (event.conversation_id, event.server_msg_id),
    ).fetchall()
    for (body,) in rows:
        held = msgspec.json.decode(body, type=MessagePosted)
        changed = apply(held.message, event)
        if changed is not held.message:
            _put_event(db, replace(held, message=changed), event.server_msg_id)


def _put_event(db: sqlite3.Connection, event: LogEvent, server_msg_id: str) -> None:
    db.execute(
        "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)",
        (event.conversation_id, event.seq, _KIND_OF[type(event)], server_msg_id, _json(event)),
    )


def _forget_room(db: sqlite3.Connection, effect: f.ForgetRoom) -> None:
    place = (effect.conversation_id,)
    db.execute("DELETE FROM rooms WHERE conversation_id = ?", place)
    db.execute("DELETE FROM places WHERE conversation_id = ?", place)
    db.execute("DELETE FROM events WHERE conversation_id = ?", place)


def _forget_all(db: sqlite3.Connection, effect: f.ForgetAll) -> None:
    db.execute("DELETE FROM rooms")
    db.execute("DELETE FROM places")
    db.execute("DELETE FROM events")
    _identify(db, effect.epoch, effect.me)


def _save_identity(db: sqlite3.Connection, effect: f.SaveIdentity) -> None:
    _identify(db, effect.epoch, effect.me)


def _identify(db: sqlite3.Connection, epoch: str, me: User) -> None:
    db.executemany(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        [("epoch", epoch), ("me", _json(me))],
    )


class _Timed(msgspec.Struct):
    ts: int


def seq_at(db: sqlite3.Connection, conversation_id: str, ts: int) -> int:
    """The first event at or after `ts` (ms), 0 for none: by halving, since times grow with seqs."""
    low, high = db.execute(
        "SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM events WHERE conversation_id = ?",
        (conversation_id,),
    ).fetchone()
    found = 0
    while low <= high:
        middle = (low + high) // 2
        seq, body = db.execute(
            "SELECT seq, body FROM events WHERE conversation_id = ? AND seq >= ?"
            " ORDER BY seq LIMIT 1",
            (conversation_id, middle),
        ).fetchone()
        if msgspec.json.decode(body, type=_Timed).ts >= ts:
            found, high = seq, middle - 1
        else:
            low = seq + 1
    return int(found)


_OLDER = (
    "SELECT kind, body FROM events WHERE conversation_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
)
_NEWER = "SELECT kind, body FROM events WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?"


def _load_page(db: sqlite3.Connection, effect: f.LoadPage) -> PageLoaded:
    rows = db.execute(
        _NEWER if effect.after else _OLDER,
        (effect.conversation_id, effect.after or effect.before or 2**62, effect.limit),
    ).fetchall()
    found = [msgspec.json.decode(body, type=KINDS[kind]) for kind, body in rows]
    events: tuple[LogEvent, ...] = tuple(found if effect.after else reversed(found))
    return PageLoaded(effect.conversation_id, events, effect.before, effect.after)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_PERFORM: dict[type, Callable[[sqlite3.Connection, Any], StoreEvent | None]] = {
    f.SaveLocal: save_local,
    f.UpdateLocal: _update_local,
    f.DropLocal: _drop_local,
    f.SaveDraft: _save_draft,
    f.SaveRoom: _save_room,
    f.SaveEvents: _save_events,
    f.ForgetRoom: _forget_room,
    f.ForgetAll: _forget_all,
    f.SaveIdentity: _save_identity,
    f.LoadPage: _load_page,
}
