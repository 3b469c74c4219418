"""A server's database with years of talk in it, written in one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from bench.tui.clients import IN_OTHER, OTHER_PREFIX
from bench.tui.texts import talk, token

from talkbot_tui.server.ids import new_id
from talkbot_tui.server.storage import schema
from talkbot_tui.server.storage.database import FILE

APART_MS = 20_000


def fill(folder: Path, reader: str, writers: Sequence[str], room: str, history: int) -> str:
    """Put `history` messages into `room` and a screenful into every other; the newest's token.

    The server that owns `folder` must not run. `writers` become members of every room; the
    account `reader` has read everything. `room` is the one with the newest message.
    """
    engine = sa.create_engine(f"sqlite:///{folder / FILE}")
    with engine.begin() as db:
        conversation, user = schema.conversation.c, schema.user.c
        people = dict(db.execute(sa.select(user.name, user.user_id)).tuples().all())
        senders = [people[name] for name in writers]
        rows = db.execute(
            sa.select(conversation.conversation_id, conversation.name, conversation.head_seq)
        ).all()
        now = int(time.time() * 1000)
        for number, (id_, name, head) in enumerate(sorted(rows, key=lambda row: str(row.name))):
            main = name == room
            count = history if main else IN_OTHER
            _join(db, id_, [*senders, people[reader]])
            newest = now if main else now - (number + 1) * 3_600_000
            texts = talk("h" if main else OTHER_PREFIX, count, seed=17)
            _write(db, id_, head, senders, texts, newest)
            count += head
            db.execute(
                schema.conversation.update()
                .where(conversation.conversation_id == id_)
                .values(head_seq=count, member_count=_members(db, id_))
            )
            db.execute(
                schema.member.update()
                .where(schema.member.c.conversation_id == id_)
                .values(read_seq=count)
            )
    engine.dispose()
    return token("h", history - 1)


def _members(db: sa.Connection, room: str) -> int:
    members = sa.select(sa.func.count()).where(schema.member.c.conversation_id == room)
    return db.execute(members).scalar_one()


def _join(db: sa.Connection, room: str, people: Sequence[str]) -> None:
    column = schema.member.c
    there = set(db.scalars(sa.select(column.user_id).where(column.conversation_id == room)))
    new = [
        {"conversation_id": room, "user_id": who, "role": "member", "joined_at": 0, "read_seq": 0}
        for who in people
        if who not in there
    ]
    if new:
        db.execute(schema.member.insert(), new)


def _write(
    db: sa.Connection,
    room: str,
    head: int,
    senders: Sequence[str],
    texts: Sequence[str],
    newest: int,
) -> None:
    events, messages = [], []
    for index, text in enumerate(texts):
        place = {
            "conversation_id": room,
            "seq": head + 1 + index,
            "ts": newest - (len(texts) - 1 - index) * APART_MS,
            "sender_id": senders[index % len(senders)],
            "server_msg_id": new_id(),
        }
        events.append({**place, "type": "message", "body": None})
        messages.append(
            {
                **place,
                "client_msg_id": new_id(),
                "digest": "",
                "text": text,
                "mentions": "[]",
                "revision": 0,
                "streaming": False,
                "deleted": False,
            }
        )
    db.execute(schema.event.insert(), events)
    db.execute(schema.message.insert(), messages)
    db.execute(
        sa.text(
            "INSERT INTO message_text (rowid, text) SELECT number, text FROM message"
            " WHERE conversation_id = :room AND seq > :head"
        ),
        {"room": room, "head": head},
    )
