"""What servers on one database tell each other through it: who lives, who is there, whose turn.

Times are the database's own, so that a server whose clock is wrong takes nothing away from
the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.messages import Stored, streaming
from talkbot_tui.server.storage.schema import (
    conversation,
    growing,
    lease,
    member,
    node,
    node_presence,
)
from talkbot_tui.server.storage.tx import Tx

LEASE_MS = 40_000
"""How long a server counts as living after it was last heard of."""

PARTING_MS = 10_000
"""How long the people of a server that ended count as there: they come back on another."""

STEP = 500
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class Present:
    """How one person is on one server."""

    status: str
    text: str


def clock(tx: Tx) -> int:
    """The database's clock in ms since 1970; on SQLite it is this machine's."""
    if tx.sql.dialect.name != "postgresql":
        return tx.now
    asked = sa.func.extract("epoch", sa.func.clock_timestamp()) * 1000
    now: int = tx.sql.execute(sa.select(sa.cast(asked, sa.BigInteger))).scalar_one()
    return now


def renew(tx: Tx, node_id: str, name: str) -> bool:
    """Go on living; whether the database still knew that we do."""
    now = clock(tx)
    known = tx.sql.execute(
        node.update().where(node.c.node_id == node_id).values(renewed_at=now)
    ).rowcount
    if not known:
        tx.sql.execute(node.insert().values(node_id=node_id, name=name[:128], renewed_at=now))
    return bool(known)


def living(tx: Tx) -> dict[str, str]:
    """The servers that live and have not taken their leave: id to name."""
    there = node.c.renewed_at > clock(tx) - LEASE_MS + PARTING_MS
    rows = tx.sql.execute(sa.select(node.c.node_id, node.c.name).where(there))
    return {row[0]: row[1] for row in rows}


def _lives(tx: Tx) -> sa.ColumnElement[bool]:
    return node.c.renewed_at > clock(tx) - LEASE_MS


def leave(tx: Tx, node_id: str) -> None:
    """This server ends: its turns are free, and its people fade."""
    parting = clock(tx) - LEASE_MS + PARTING_MS
    tx.sql.execute(node.update().where(node.c.node_id == node_id).values(renewed_at=parting))
    tx.sql.execute(lease.delete().where(lease.c.holder == node_id))


def bury(tx: Tx) -> int:
    """Take away the servers that live no more; their people were last seen when they were."""
    rows = tx.sql.execute(
        sa.select(node.c.node_id, node.c.renewed_at).where(sa.not_(_lives(tx))).with_for_update()
    ).all()
    for node_id, renewed_at in rows:
        people_there = sa.select(node_presence.c.user_id).where(node_presence.c.node_id == node_id)
        people.seen(tx, dict.fromkeys(tx.sql.scalars(people_there), renewed_at))
    _forget(tx, [row[0] for row in rows])
    return len(rows)


def _forget(tx: Tx, node_ids: Sequence[str]) -> None:
    tx.sql.execute(node_presence.delete().where(node_presence.c.node_id.in_(node_ids)))
    tx.sql.execute(node.delete().where(node.c.node_id.in_(node_ids)))


def set_present(tx: Tx, node_id: str, changes: Mapping[str, Present | None]) -> None:
    """How people are on this server; None for who is there no more."""
    for part in _parts(sorted(changes)):
        tx.sql.execute(
            node_presence.delete().where(
                node_presence.c.node_id == node_id, node_presence.c.user_id.in_(part)
            )
        )
        rows = [
            {"user_id": user_id, "node_id": node_id, "status": here.status, "text": here.text}
            for user_id in part
            if (here := changes[user_id]) is not None
        ]
        if rows:
            tx.sql.execute(node_presence.insert(), rows)


def present(tx: Tx, but: str, user_ids: Iterable[str]) -> dict[str, list[Present]]:
    """How people are on the other living servers."""
    found: dict[str, list[Present]] = {}
    for part in _parts(sorted(user_ids)):
        rows = tx.sql.execute(
            sa.select(node_presence.c.user_id, node_presence.c.status, node_presence.c.text)
            .join(node, node.c.node_id == node_presence.c.node_id)
            .where(node_presence.c.user_id.in_(part), node_presence.c.node_id != but, _lives(tx))
            .order_by(node_presence.c.user_id, node_presence.c.node_id)
        )
        for user_id, status, text in rows:
            found.setdefault(user_id, []).append(Present(status, text))
    return found


def take(tx: Tx, name: str, holder: str, ms: int) -> bool:
    """Take, or keep, what only one server does at a time, for `ms`; whether we have it."""
    now = clock(tx)
    mine = {"holder": holder, "until": now + ms}
    free = sa.or_(lease.c.holder == holder, lease.c.until <= now)
    if tx.sql.execute(lease.update().where(lease.c.name == name, free).values(mine)).rowcount:
        return True
    if tx.sql.scalar(sa.select(lease.c.holder).where(lease.c.name == name)) is not None:
        return False
    # Whoever is first with it; the other's unit is run again and finds it taken.
    tx.sql.execute(lease.insert().values(name=name, **mine))
    return True


def release(tx: Tx, name: str, holder: str) -> None:
    """Let another server have it."""
    tx.sql.execute(lease.delete().where(lease.c.name == name, lease.c.holder == holder))


def memberships(tx: Tx, user_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Of each person a short sum that changes when they come into or go out of a conversation."""
    found: dict[str, tuple[int, int]] = {}
    for part in _parts(sorted(user_ids)):
        rows = tx.sql.execute(
            sa.select(member.c.user_id, sa.func.count(), sa.func.sum(member.c.joined_at))
            .where(member.c.user_id.in_(part))
            .group_by(member.c.user_id)
        )
        found.update({row[0]: (row[1], int(row[2])) for row in rows})
    return found


def heads(tx: Tx, conversation_ids: Iterable[str]) -> dict[str, int]:
    """How far the log of each conversation goes."""
    found: dict[str, int] = {}
    for part in _parts(sorted(conversation_ids)):
        rows = tx.sql.execute(
            sa.select(conversation.c.conversation_id, conversation.c.head_seq).where(
                conversation.c.conversation_id.in_(part)
            )
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def members_among(tx: Tx, conversation_id: str, user_ids: Iterable[str]) -> set[str]:
    """Those of them who are members."""
    found: set[str] = set()
    for part in _parts(sorted(user_ids)):
        found |= set(
            tx.sql.scalars(
                sa.select(member.c.user_id).where(
                    member.c.conversation_id == conversation_id, member.c.user_id.in_(part)
                )
            )
        )
    return found


def read_marks(tx: Tx, conversation_ids: Iterable[str], most: int) -> dict[str, dict[str, int]]:
    """Who has read how far, in conversations of at most `most` members."""
    found: dict[str, dict[str, int]] = {}
    for part in _parts(sorted(conversation_ids)):
        rows = tx.sql.execute(
            sa.select(member.c.conversation_id, member.c.user_id, member.c.read_seq)
            .join(conversation, conversation.c.conversation_id == member.c.conversation_id)
            .where(
                member.c.conversation_id.in_(part),
                member.c.read_seq > 0,
                conversation.c.member_count <= most,
            )
        )
        for conversation_id, user_id, seq in rows:
            found.setdefault(conversation_id, {})[user_id] = seq
    return found


def renew_growing(tx: Tx, server_msg_ids: Iterable[str]) -> None:
    """A server still hears of these growing messages."""
    now = clock(tx)
    for part in _parts(sorted(server_msg_ids)):
        known = set(
            tx.sql.scalars(
                growing.update()
                .where(growing.c.server_msg_id.in_(part))
                .values(renewed_at=now)
                .returning(growing.c.server_msg_id)
            )
        )
        rows = [{"server_msg_id": one, "renewed_at": now} for one in part if one not in known]
        if rows:
            tx.sql.execute(growing.insert(), rows)


def silent(tx: Tx, ms: int) -> list[Stored]:
    """Growing messages of which no server has heard for `ms`, as far as was watched."""
    now = clock(tx)
    watched: dict[str, int] = {
        row[0]: row[1]
        for row in tx.sql.execute(sa.select(growing.c.server_msg_id, growing.c.renewed_at))
    }
    grows = streaming(tx)
    fresh = [one.server_msg_id for one in grows if one.server_msg_id not in watched]
    if fresh:
        renew_growing(tx, fresh)
    over = watched.keys() - {one.server_msg_id for one in grows}
    for part in _parts(sorted(over)):
        tx.sql.execute(growing.delete().where(growing.c.server_msg_id.in_(part)))
    return [one for one in grows if watched.get(one.server_msg_id, now) <= now - ms]


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + STEP] for start in range(0, len(ids), STEP))
