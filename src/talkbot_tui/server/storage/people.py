"""People and bots in the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server.ids import new_id
from talkbot_tui.server.names import fold_user_name, mentioned, refuse_reserved, skeleton
from talkbot_tui.server.storage.schema import member, meta, user
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.server_events import UserInfo

SYSTEM = UserInfo(user_id="system", name="system", bot=True)
"""Who the server itself is in the log."""

INFO = (user.c.user_id, user.c.name, user.c.display_name, user.c.bot)


@dataclass(frozen=True, slots=True)
class Account:
    """What signing in needs to know."""

    info: UserInfo
    password_hash: str | None
    disabled: bool


def info(row: Sequence[Any]) -> UserInfo:
    """The public side of a row that begins with `INFO`'s columns."""
    return UserInfo(user_id=row[0], name=row[1], display_name=row[2], bot=bool(row[3]))


def get_meta(tx: Tx, key: str) -> str | None:
    """A value that belongs to the database as a whole."""
    value: str | None = tx.sql.scalar(sa.select(meta.c.value).where(meta.c.key == key))
    return value


def set_meta(tx: Tx, key: str, value: str) -> None:
    """Set such a value."""
    if tx.sql.execute(meta.update().where(meta.c.key == key).values(value=value)).rowcount == 0:
        tx.sql.execute(meta.insert().values(key=key, value=value))


def add_person(
    tx: Tx, wanted: str, password_hash: str | None, *, bot: bool = False, display_name: str = ""
) -> UserInfo:
    """Make an account.

    Raises `Refused`: name_invalid, name_taken (also by a name that looks the same).
    """
    name = fold_user_name(wanted)
    refuse_reserved(name, bot=bot)
    look = skeleton(name)
    if tx.sql.scalar(sa.select(user.c.user_id).where(user.c.skeleton == look)) is not None:
        raise Refused(Code.NAME_TAKEN, "That name is taken.", field="username")
    person = UserInfo(
        user_id=new_id(),
        name=name,
        display_name=display_name or (wanted.strip() if wanted.strip() != name else ""),
        bot=bot,
    )
    insert_person(tx, person, look, password_hash)
    return person


def insert_person(tx: Tx, person: UserInfo, look: str, password_hash: str | None) -> None:
    """Store a checked account."""
    tx.sql.execute(
        user.insert().values(
            user_id=person.user_id,
            name=person.name,
            skeleton=look,
            display_name=person.display_name,
            bot=person.bot,
            password_hash=password_hash,
            created_at=tx.now,
        )
    )


def by_name(tx: Tx, name: str) -> Account | None:
    """The account of that name."""
    return _account(tx, user.c.skeleton == skeleton(name))


def by_id(tx: Tx, user_id: str) -> Account | None:
    """The account of that id."""
    return _account(tx, user.c.user_id == user_id)


def _account(tx: Tx, where: sa.ColumnElement[bool]) -> Account | None:
    row = tx.sql.execute(
        sa.select(*INFO, user.c.password_hash, user.c.disabled_at).where(where)
    ).first()
    if row is None or row[0] == SYSTEM.user_id:
        return None
    return Account(info(row), row[4], row[5] is not None)


def infos(tx: Tx, user_ids: Iterable[str]) -> dict[str, UserInfo]:
    """The public side of several people, by id."""
    rows = tx.sql.execute(sa.select(*INFO).where(user.c.user_id.in_(set(user_ids))))
    return {row[0]: info(row) for row in rows}


def set_password(tx: Tx, user_id: str, password_hash: str) -> None:
    """Store a new password's hash."""
    tx.sql.execute(
        user.update().where(user.c.user_id == user_id).values(password_hash=password_hash)
    )


def disable(tx: Tx, user_id: str) -> None:
    """The account cannot sign in any more."""
    tx.sql.execute(user.update().where(user.c.user_id == user_id).values(disabled_at=tx.now))


def seen(tx: Tx, times: Mapping[str, int]) -> None:
    """Remember when people were last there."""
    for user_id, at in sorted(times.items()):
        tx.sql.execute(user.update().where(user.c.user_id == user_id).values(last_seen=at))


def page_of_people(tx: Tx, prefix: str, after: str, limit: int) -> list[UserInfo]:
    """People whose name begins with `prefix`, in order of name, above `after`."""
    folded = prefix.casefold()
    rows = tx.sql.execute(
        sa.select(*INFO)
        .where(
            user.c.name.startswith(folded, autoescape=True),
            user.c.name > after,
            user.c.disabled_at.is_(None),
            user.c.user_id != SYSTEM.user_id,
        )
        .order_by(user.c.name)
        .limit(limit)
    )
    return [info(row) for row in rows]


def humans(tx: Tx, limit: int) -> list[UserInfo]:
    """People who are no bots, the first ones."""
    rows = tx.sql.execute(
        sa.select(*INFO)
        .where(sa.not_(user.c.bot), user.c.disabled_at.is_(None))
        .order_by(user.c.created_at)
        .limit(limit)
    )
    return [info(row) for row in rows]


def mentioned_members(tx: Tx, conversation_id: str, text: str) -> list[str]:
    """Ids of the members whom `text` mentions, in order of first mention."""
    looks = mentioned(text) if "@" in text else []
    if not looks:
        return []
    rows = tx.sql.execute(
        sa.select(user.c.skeleton, user.c.user_id)
        .join(member, member.c.user_id == user.c.user_id)
        .where(member.c.conversation_id == conversation_id, user.c.skeleton.in_(looks[:64]))
    )
    ids = {row[0]: row[1] for row in rows}
    return [ids[look] for look in looks if look in ids]


def acquainted(tx: Tx, user_id: str, others: Iterable[str]) -> dict[str, int]:
    """Those of `others` who share a conversation with the user: id to last seen."""
    mine = sa.select(member.c.conversation_id).where(member.c.user_id == user_id)
    rows = tx.sql.execute(
        sa.select(user.c.user_id, user.c.last_seen).where(
            user.c.user_id.in_(set(others)),
            user.c.user_id.in_(
                sa.select(member.c.user_id).where(member.c.conversation_id.in_(mine))
            ),
        )
    )
    return {row[0]: row[1] for row in rows}
