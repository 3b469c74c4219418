"""People of an outside identity provider in the store, and the sessions their tokens open."""

from __future__ import annotations

import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.schema import outside_identity, session
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.scalars import USER_NAME_MAX
from talkbot_tui.wire.server_events import UserInfo

NAMES_TRIED = 50


def known(tx: Tx, issuer: str, subject: str) -> UserInfo | None:
    """The account of that identity."""
    user_id = tx.sql.scalar(
        sa.select(outside_identity.c.user_id).where(
            outside_identity.c.issuer == issuer, outside_identity.c.subject == subject
        )
    )
    account = people.by_id(tx, user_id) if user_id else None
    return account.info if account else None


def add(tx: Tx, issuer: str, subject: str, wanted: str) -> UserInfo:
    """Make an account without a password for it, `wanted2`, … where `wanted` is somebody's.

    Raises `Refused`: name_invalid; name_taken when all that were tried are.
    """
    person = _add_named(tx, wanted)
    tx.sql.execute(
        outside_identity.insert().values(
            issuer=issuer, subject=subject, user_id=person.user_id, created_at=tx.now
        )
    )
    return person


def _add_named(tx: Tx, wanted: str) -> UserInfo:
    for number in range(1, NAMES_TRIED + 1):
        tail = str(number) if number > 1 else ""
        try:
            return people.add_person(tx, wanted[: USER_NAME_MAX - len(tail)] + tail, None)
        except Refused as error:
            if error.code is not Code.NAME_TAKEN:
                raise
    raise Refused(Code.NAME_TAKEN, "That name and those like it are taken.")


def open_session(tx: Tx, user_id: str, session_id: str, client: str, expires_at: int) -> None:
    """Make the session of an outside token, or let it last as long as its newest token."""
    later = sa.case((session.c.expires_at < expires_at, expires_at), else_=session.c.expires_at)
    done = tx.sql.execute(
        session.update()
        .where(session.c.session_id == session_id)
        .values(last_used_at=tx.now, expires_at=later)
    )
    if done.rowcount == 0:
        tx.sql.execute(
            session.insert().values(
                session_id=session_id,
                user_id=user_id,
                client=client[:128],
                created_at=tx.now,
                last_used_at=tx.now,
                expires_at=expires_at,
            )
        )
