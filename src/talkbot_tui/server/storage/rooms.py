"""Conversations and their members in the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.schema import conversation, member, mention, message, user
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import MemberInfo
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.server_events import ConversationInfo, UserInfo

COLUMNS = (
    conversation.c.conversation_id,
    conversation.c.kind,
    conversation.c.visibility,
    conversation.c.name,
    conversation.c.topic,
    conversation.c.archived,
    conversation.c.member_count,
    conversation.c.created_at,
    conversation.c.head_seq,
)

MEMBERSHIPS_MAX = 2000
"""Of one person: the answer to `sync` names them all, and others can add some."""

# Statements of every message are put together once: building them costs more than running them.
_FIND = (
    sa.select(*COLUMNS, sa.func.coalesce(member.c.role, ""), member.c.read_seq)
    .outerjoin(
        member,
        sa.and_(
            member.c.conversation_id == conversation.c.conversation_id,
            member.c.user_id == sa.bindparam("person"),
        ),
    )
    .where(conversation.c.conversation_id == sa.bindparam("room"))
)
_NEXT_SEQ = (
    conversation.update()
    .where(conversation.c.conversation_id == sa.bindparam("room"))
    .values(head_seq=conversation.c.head_seq + 1)
    .returning(conversation.c.head_seq)
)


@dataclass(frozen=True, slots=True)
class Room:
    """A conversation and, for members, where one stands in it; `role` is "" for others."""

    conversation_id: str
    kind: str
    visibility: str
    name: str
    topic: str
    archived: bool
    member_count: int
    created_at: int
    head_seq: int
    role: str = ""
    read_seq: int = 0

    def info(self, peer: UserInfo | None = None, *, shared: bool = False) -> ConversationInfo:
        """As it travels; `shared` leaves out what differs from member to member."""
        return ConversationInfo(
            conversation_id=self.conversation_id,
            kind=self.kind,  # type: ignore[arg-type]  # the column holds only the contract's kinds
            visibility=self.visibility,  # type: ignore[arg-type]  # the same
            name=self.name,
            topic=self.topic,
            role=None if shared or not self.role else self.role,  # type: ignore[arg-type]  # same
            member_count=self.member_count,
            peer=None if shared else peer,
            archived=self.archived,
            created_at=self.created_at,
        )


def find(tx: Tx, conversation_id: str, user_id: str) -> Room | None:
    """The conversation as that user stands to it."""
    row = tx.sql.execute(_FIND, {"room": conversation_id, "person": user_id}).first()
    return None if row is None else Room(*row[:10], read_seq=row[10] or 0)


def of_user(tx: Tx, user_id: str) -> list[Room]:
    """All conversations of a user."""
    rows = tx.sql.execute(
        sa.select(*COLUMNS, member.c.role, member.c.read_seq)
        .join(member, member.c.conversation_id == conversation.c.conversation_id)
        .where(member.c.user_id == user_id)
        .order_by(conversation.c.conversation_id)
    )
    return [Room(*row) for row in rows]


def heads(tx: Tx, user_id: str) -> dict[str, int]:
    """The head of each conversation of a user."""
    rows = tx.sql.execute(
        sa.select(conversation.c.conversation_id, conversation.c.head_seq)
        .join(member, member.c.conversation_id == conversation.c.conversation_id)
        .where(member.c.user_id == user_id)
    )
    return {row[0]: row[1] for row in rows}


def next_seq(tx: Tx, conversation_id: str) -> int:
    """Take the conversation's next number; it is given back when the unit fails."""
    seq: int = tx.sql.execute(_NEXT_SEQ, {"room": conversation_id}).scalar_one()
    return seq


def by_pair(tx: Tx, pair: str) -> str | None:
    """The direct conversation of two people."""
    found: str | None = tx.sql.scalar(
        sa.select(conversation.c.conversation_id).where(conversation.c.pair == pair)
    )
    return found


def by_skeleton(tx: Tx, look: str) -> str | None:
    """The channel whose name looks so."""
    found: str | None = tx.sql.scalar(
        sa.select(conversation.c.conversation_id).where(conversation.c.skeleton == look)
    )
    return found


def insert(tx: Tx, **values: Any) -> None:
    """Store a new conversation without members."""
    tx.sql.execute(
        conversation.insert().values(
            **{
                "name": "",
                "topic": "",
                "archived": False,
                "head_seq": 0,
                "member_count": 0,
                "created_at": tx.now,
                **values,
            }
        )
    )


def update(tx: Tx, conversation_id: str, **values: Any) -> None:
    """Change columns of a conversation."""
    tx.sql.execute(
        conversation.update()
        .where(conversation.c.conversation_id == conversation_id)
        .values(**values)
    )


def add_member(tx: Tx, conversation_id: str, user_id: str, role: str, read_seq: int) -> None:
    """Store a membership; raises `Refused` (limit) for who is in too many already."""
    mine = sa.select(sa.func.count()).where(member.c.user_id == user_id)
    if (tx.sql.scalar(mine) or 0) >= MEMBERSHIPS_MAX and not _is_bot(tx, user_id):
        raise Refused(Code.LIMIT, f"A person is in at most {MEMBERSHIPS_MAX} conversations.")
    tx.sql.execute(
        member.insert().values(
            conversation_id=conversation_id,
            user_id=user_id,
            role=role,
            joined_at=tx.now,
            read_seq=read_seq,
        )
    )
    update(tx, conversation_id, member_count=conversation.c.member_count + 1)


def _is_bot(tx: Tx, user_id: str) -> bool:
    return bool(tx.sql.scalar(sa.select(user.c.bot).where(user.c.user_id == user_id)))


def drop_member(tx: Tx, conversation_id: str, user_id: str) -> None:
    """Take a membership away."""
    tx.sql.execute(
        member.delete().where(
            member.c.conversation_id == conversation_id, member.c.user_id == user_id
        )
    )
    update(tx, conversation_id, member_count=conversation.c.member_count - 1)


def role_of(tx: Tx, conversation_id: str, user_id: str) -> str:
    """A member's role, "" for others."""
    role: str | None = tx.sql.scalar(
        sa.select(member.c.role).where(
            member.c.conversation_id == conversation_id, member.c.user_id == user_id
        )
    )
    return role or ""


def set_role(tx: Tx, conversation_id: str, user_id: str, role: str) -> None:
    """Give a member a role."""
    tx.sql.execute(
        member.update()
        .where(member.c.conversation_id == conversation_id, member.c.user_id == user_id)
        .values(role=role)
    )


def heir(tx: Tx, conversation_id: str, leaving: str) -> str | None:
    """Who becomes the owner when the only one leaves; None when another owner stays."""
    rows = tx.sql.execute(
        sa.select(member.c.user_id, member.c.role)
        .join(user, user.c.user_id == member.c.user_id)
        .where(
            member.c.conversation_id == conversation_id,
            member.c.user_id != leaving,
            sa.not_(user.c.bot),
        )
        .order_by(
            member.c.role != "owner",
            member.c.role != "moderator",
            member.c.joined_at,
            member.c.user_id,
        )
        .limit(1)
    ).first()
    return None if rows is None or rows[1] == "owner" else rows[0]


def owners(tx: Tx, conversation_id: str) -> int:
    """How many owners there are."""
    count: int = tx.sql.execute(
        sa.select(sa.func.count())
        .select_from(member)
        .where(member.c.conversation_id == conversation_id, member.c.role == "owner")
    ).scalar_one()
    return count


def peers(tx: Tx, rooms: Iterable[Room], user_id: str) -> dict[str, UserInfo]:
    """The other person of each direct conversation, by conversation."""
    ids = [room.conversation_id for room in rooms if room.kind == "direct"]
    if not ids:
        return {}
    rows = tx.sql.execute(
        sa.select(*people.INFO, member.c.conversation_id)
        .join(member, member.c.user_id == user.c.user_id)
        .where(member.c.conversation_id.in_(ids), member.c.user_id != user_id)
    )
    return {row[4]: people.info(row) for row in rows}


def page_of_members(tx: Tx, conversation_id: str, after: str, limit: int) -> list[MemberInfo]:
    """Members in order of name, above `after`."""
    rows = tx.sql.execute(
        sa.select(*people.INFO, member.c.role)
        .join(member, member.c.user_id == user.c.user_id)
        .where(member.c.conversation_id == conversation_id, user.c.name > after)
        .order_by(user.c.name)
        .limit(limit)
    )
    return [MemberInfo(user=people.info(row), role=row[4]) for row in rows]


def page_of_channels(tx: Tx, user_id: str, prefix: str, after: str, limit: int) -> list[Room]:
    """Public channels in order of name, above `after`, with the user's role in them."""
    rows = tx.sql.execute(
        sa.select(*COLUMNS, sa.func.coalesce(member.c.role, ""))
        .outerjoin(
            member,
            sa.and_(
                member.c.conversation_id == conversation.c.conversation_id,
                member.c.user_id == user_id,
            ),
        )
        .where(
            conversation.c.kind == "channel",
            conversation.c.visibility == "public",
            sa.not_(conversation.c.archived),
            conversation.c.name.startswith(prefix, autoescape=True),
            conversation.c.name > after,
        )
        .order_by(conversation.c.name)
        .limit(limit)
    )
    return [Room(*row) for row in rows]


def set_read(tx: Tx, conversation_id: str, user_id: str, seq: int) -> None:
    """Move a read mark; the caller has checked that it grows."""
    tx.sql.execute(
        member.update()
        .where(
            member.c.conversation_id == conversation_id,
            member.c.user_id == user_id,
            member.c.read_seq < seq,
        )
        .values(read_seq=seq)
    )


def reads(tx: Tx, conversation_id: str, user_id: str) -> dict[str, int]:
    """The others' read marks."""
    rows = tx.sql.execute(
        sa.select(member.c.user_id, member.c.read_seq).where(
            member.c.conversation_id == conversation_id,
            member.c.user_id != user_id,
            member.c.read_seq > 0,
        )
    )
    return {row[0]: row[1] for row in rows}


def unread(tx: Tx, conversation_id: str, user_id: str, read_seq: int) -> tuple[int, int]:
    """How many messages of others lie above the read mark, and how many of them mention us."""
    above = sa.and_(
        message.c.conversation_id == conversation_id,
        message.c.seq > read_seq,
        message.c.sender_id != user_id,
        sa.not_(message.c.deleted),
    )
    count: int = tx.sql.execute(
        sa.select(sa.func.count()).select_from(message).where(above)
    ).scalar_one()
    if not count:
        return 0, 0
    mentions: int = tx.sql.execute(
        sa.select(sa.func.count())
        .select_from(mention)
        .where(
            mention.c.user_id == user_id,
            mention.c.conversation_id == conversation_id,
            mention.c.seq > read_seq,
        )
    ).scalar_one()
    return count, mentions


def member_ids(tx: Tx, conversation_id: str) -> list[str]:
    """All members."""
    return list(
        tx.sql.scalars(
            sa.select(member.c.user_id).where(member.c.conversation_id == conversation_id)
        )
    )
