"""Messages, reactions, idempotency and search in the store."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.schema import member, mention, message, operation, reaction
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.storage.words import question, vector
from talkbot_tui.wire.errors import Code, Refused


@dataclass(frozen=True, slots=True)
class Stored:
    """The parts of a message that decide what may be done with it."""

    number: int
    server_msg_id: str
    conversation_id: str
    seq: int
    ts: int
    sender_id: str
    client_msg_id: str
    digest: str
    text: str
    revision: int
    streaming: bool
    deleted: bool


_UNTIDY = "index_untidy"
_STORED = tuple(message.c[name] for name in Stored.__dataclass_fields__)
_BY_CLIENT_ID = sa.select(*_STORED).where(
    message.c.sender_id == sa.bindparam("sender"),
    message.c.client_msg_id == sa.bindparam("client_id"),
)
_STREAMING = sa.select(*_STORED).where(sa.text("streaming")).order_by(message.c.number)
_INSERT = message.insert().returning(message.c.number)
_INDEX = sa.text("INSERT INTO message_text (rowid, text) VALUES (:number, :text)")
INDEX_WORDS = "INSERT INTO message_text (number, words) VALUES (:number, CAST(:words AS tsvector))"
_INDEX_WORDS = sa.text(INDEX_WORDS)


def digest(*parts: object) -> str:
    """A fingerprint of a request's content, to tell a repeat from a clash of ids."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def find(tx: Tx, conversation_id: str, server_msg_id: str) -> Stored | None:
    """A message of that conversation."""
    row = tx.sql.execute(
        sa.select(*_STORED).where(
            message.c.server_msg_id == server_msg_id,
            message.c.conversation_id == conversation_id,
        )
    ).first()
    return None if row is None else Stored(*row)


def by_client_id(tx: Tx, sender_id: str, client_msg_id: str) -> Stored | None:
    """The message that a sender has stored under an id of theirs."""
    row = tx.sql.execute(_BY_CLIENT_ID, {"sender": sender_id, "client_id": client_msg_id}).first()
    return None if row is None else Stored(*row)


def streaming(tx: Tx) -> list[Stored]:
    """Messages whose text still grows."""
    return [Stored(*row) for row in tx.sql.execute(_STREAMING)]


def growing_of(tx: Tx, conversation_id: str, server_msg_id: str) -> str | None:
    """Who writes a growing message of that conversation; None when it does not grow."""
    found = find(tx, conversation_id, server_msg_id)
    return found.sender_id if found and found.streaming and not found.deleted else None


def insert(tx: Tx, mentions: Sequence[str], **values: Any) -> None:
    """Store a message that has been numbered."""
    row = {
        "ts": tx.now,
        "mentions": json.dumps(list(mentions)),
        "revision": 0,
        "deleted": False,
        "outcome": None,
        **values,
    }
    number: int = tx.sql.execute(_INSERT, row).scalar_one()
    _mention(tx, values["server_msg_id"], values["conversation_id"], values["seq"], mentions)
    if not values["streaming"]:
        _index(tx, number, values["text"])


def rewrite(tx: Tx, old: Stored, seq: int, mentions: Sequence[str], **values: Any) -> None:
    """Give a message another text; `values` are columns."""
    tx.sql.execute(
        message.update()
        .where(message.c.number == old.number)
        .values(changed_seq=seq, mentions=json.dumps(list(mentions)), **values)
    )
    tx.sql.execute(mention.delete().where(mention.c.server_msg_id == old.server_msg_id))
    _mention(tx, old.server_msg_id, old.conversation_id, old.seq, mentions)
    _unindex(tx, old.number)
    if not values["streaming"]:
        _index(tx, old.number, values["text"])


def checkpoint(tx: Tx, texts: Mapping[str, str]) -> None:
    """Save how far streaming texts have come; that has no number of its own."""
    for server_msg_id, text in texts.items():
        tx.sql.execute(
            message.update()
            .where(message.c.server_msg_id == server_msg_id, message.c.streaming)
            .values(text=text)
        )


def erase(tx: Tx, old: Stored, seq: int) -> None:
    """Leave only the place of a message."""
    tx.sql.execute(
        message.update()
        .where(message.c.number == old.number)
        .values(
            text="",
            mentions="[]",
            reply_to=None,
            format=None,
            streaming=False,
            outcome=None,
            deleted=True,
            changed_seq=seq,
        )
    )
    for table in (mention, reaction):
        tx.sql.execute(table.delete().where(table.c.server_msg_id == old.server_msg_id))
    _unindex(tx, old.number)


def touch(tx: Tx, old: Stored, seq: int) -> None:
    """Remember which event changed a message last."""
    tx.sql.execute(message.update().where(message.c.number == old.number).values(changed_seq=seq))


def reacted(tx: Tx, server_msg_id: str, user_id: str, emoji: str) -> bool:
    """Whether that reaction is there."""
    return (
        tx.sql.scalar(
            sa.select(reaction.c.seq).where(
                reaction.c.server_msg_id == server_msg_id,
                reaction.c.user_id == user_id,
                reaction.c.emoji == emoji,
            )
        )
        is not None
    )


def react(tx: Tx, server_msg_id: str, user_id: str, emoji: str, seq: int, *, on: bool) -> None:
    """Put a reaction or take it away."""
    if on:
        tx.sql.execute(
            reaction.insert().values(
                server_msg_id=server_msg_id, user_id=user_id, emoji=emoji, seq=seq
            )
        )
        return
    tx.sql.execute(
        reaction.delete().where(
            reaction.c.server_msg_id == server_msg_id,
            reaction.c.user_id == user_id,
            reaction.c.emoji == emoji,
        )
    )


def first_answer(tx: Tx, user_id: str, client_op_id: str, content: str) -> dict[str, Any] | None:
    """What that request was answered the first time; None when it is new.

    Raises `Refused` (id_conflict) when the id belongs to another request.
    """
    row = tx.sql.execute(
        sa.select(operation.c.digest, operation.c.answer).where(
            operation.c.user_id == user_id, operation.c.client_op_id == client_op_id
        )
    ).first()
    if row is None:
        return None
    if row[0] != content:
        raise Refused(Code.ID_CONFLICT, "That id was used for another request.")
    answer: dict[str, Any] = json.loads(row[1])
    return answer


def remember_answer(
    tx: Tx, user_id: str, client_op_id: str, content: str, answer: msgspec.Struct
) -> None:
    """Keep the answer for repeats."""
    tx.sql.execute(
        operation.insert().values(
            user_id=user_id,
            client_op_id=client_op_id,
            digest=content,
            answer=msgspec.json.encode(answer).decode(),
            at=tx.now,
        )
    )


def search(
    tx: Tx,
    user_id: str,
    query: str,
    *,
    conversation_id: str | None,
    sender_id: str | None,
    before: int | None,
    after: int | None,
    below: int | None,
    limit: int,
) -> list[tuple[int, str]]:
    """Matches in the user's conversations, newest first: (number, server_msg_id).

    below: only numbers under it, to go on from a page.
    """
    words = _words(query)
    if not words:
        return []
    where: list[sa.ColumnElement[bool]] = [
        message.c.conversation_id.in_(
            sa.select(member.c.conversation_id).where(member.c.user_id == user_id)
        ),
        sa.not_(message.c.deleted),
        _matching(tx, words),
    ]
    if conversation_id:
        where.append(message.c.conversation_id == conversation_id)
    if sender_id:
        where.append(message.c.sender_id == sender_id)
    if before is not None:
        where.append(message.c.ts < before)
    if after is not None:
        where.append(message.c.ts > after)
    if below is not None:
        where.append(message.c.number < below)
    rows = tx.sql.execute(
        sa.select(message.c.number, message.c.server_msg_id)
        .where(*where)
        .order_by(message.c.number.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def _words(query: str) -> list[str]:
    words = query.replace('"', " ").split()
    return [word for word in words if any(char.isalnum() for char in word)][:16]


def _matching(tx: Tx, words: Sequence[str]) -> sa.ColumnElement[bool]:
    """Every word must occur; the last may be unfinished. Nothing of them is syntax."""
    if tx.sql.dialect.name != "sqlite":
        return _matching_words(words)
    asked = " ".join(f'"{word}"' for word in words) + "*"
    index = sa.table("message_text", sa.column("rowid"), sa.column("message_text"))
    hits = sa.select(index.c.rowid).where(index.c.message_text.op("MATCH")(asked))
    return message.c.number.in_(hits)


def _matching_words(asked: Sequence[str]) -> sa.ColumnElement[bool]:
    query = question(asked)
    if not query:
        return sa.false()
    index = sa.table("message_text", sa.column("number"), sa.column("words"))
    hits = sa.select(index.c.number).where(
        index.c.words.op("@@")(sa.cast(query, postgresql.TSQUERY))
    )
    return message.c.number.in_(hits)


def _mention(
    tx: Tx, server_msg_id: str, conversation_id: str, seq: int, user_ids: Sequence[str]
) -> None:
    if user_ids:
        tx.sql.execute(
            mention.insert(),
            [
                {
                    "user_id": user_id,
                    "server_msg_id": server_msg_id,
                    "conversation_id": conversation_id,
                    "seq": seq,
                }
                for user_id in user_ids
            ],
        )


def _index(tx: Tx, number: int, text: str) -> None:
    if tx.sql.dialect.name == "sqlite":
        tx.sql.execute(_INDEX, {"number": number, "text": text})
    else:
        tx.sql.execute(_INDEX_WORDS, {"number": number, "words": vector(text)})


def index_untidy(tx: Tx) -> bool:
    """Whether words of erased texts may still lie in the index's file."""
    return tx.sql.dialect.name == "sqlite" and people.get_meta(tx, _UNTIDY) == "1"


def tidy_index(tx: Tx) -> bool:
    """One step of rewriting the index without the words of erased texts; whether more is left.

    The index answers no search with them from the deletion on; this takes them off the disk.
    """
    if not index_untidy(tx):
        return False
    step = "INSERT INTO message_text (message_text, rank) VALUES ('merge', -200)"
    connection: sqlite3.Connection = tx.sql.connection.driver_connection  # type: ignore[assignment]  # the dialect says so
    before = connection.total_changes
    tx.sql.exec_driver_sql(step)
    if connection.total_changes - before >= 2:
        return True
    people.set_meta(tx, _UNTIDY, "0")
    return False


def _unindex(tx: Tx, number: int) -> None:
    key = "number"
    if tx.sql.dialect.name == "sqlite":
        people.set_meta(tx, _UNTIDY, "1")
        key = "rowid"
    index = sa.table("message_text", sa.column(key))
    tx.sql.execute(index.delete().where(index.c[key] == number))
