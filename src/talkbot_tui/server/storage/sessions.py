"""Sign-ins, tokens, revocations and invites in the store; secrets only as hashes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from talkbot_tui.server.ids import new_id
from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.schema import (
    invite,
    personal_token,
    refresh_token,
    revocation,
    session,
    user,
)
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused
from talkbot_tui.wire.http import PersonalToken, SessionInfo
from talkbot_tui.wire.server_events import UserInfo

REFRESH_PREFIX = "tbr_"
PERSONAL_PREFIX = "tbp_"
DAY_MS = 24 * 3600 * 1000
_ANNOUNCING = 0x74616C6B626F7402
GRACE_MS = 60_000
"""How long a rotated refresh token may be used again: its answer may have been lost."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A valid sign-in: who, by which session (a personal token's id for those), until when."""

    user: UserInfo
    session_id: str
    expires_at: int


def hashed(token: str) -> str:
    """What is stored instead of a token; they are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def begin(tx: Tx, user_id: str, client: str, days: int) -> tuple[str, str]:
    """Make a session; returns its id and its first refresh token."""
    session_id = new_id()
    tx.sql.execute(
        session.insert().values(
            session_id=session_id,
            user_id=user_id,
            client=client[:128],
            created_at=tx.now,
            last_used_at=tx.now,
            expires_at=tx.now + days * DAY_MS,
        )
    )
    return session_id, _new_refresh(tx, session_id, None)


def _new_refresh(tx: Tx, session_id: str, parent: str | None) -> str:
    token = REFRESH_PREFIX + secrets.token_urlsafe(32)
    tx.sql.execute(
        refresh_token.insert().values(
            hash=hashed(token),
            session_id=session_id,
            parent=parent,
            created_at=tx.now,
            closed=False,
        )
    )
    return token


def rotate(tx: Tx, token: str, days: int) -> tuple[UserInfo, str, str] | Refused:
    """Change a refresh token for its successor: (user, session id, new token).

    A refusal is returned, not raised: revoking the family must be stored.
    """
    row = tx.sql.execute(
        sa.select(
            refresh_token.c.hash,
            refresh_token.c.parent,
            refresh_token.c.rotated_at,
            refresh_token.c.closed,
            refresh_token.c.session_id,
        )
        .where(refresh_token.c.hash == hashed(token))
        .with_for_update()
    ).first()
    if row is None:
        return Refused(Code.TOKEN_INVALID, "That refresh token is not known.")
    owner = check(tx, row.session_id)
    if isinstance(owner, Refused):
        return owner
    lapsed = row.rotated_at is not None and tx.now - row.rotated_at > GRACE_MS
    if row.closed or lapsed:
        # A successor, or another one's successor, is in use, so this copy is somebody else's.
        revoke(tx, owner.user.user_id, row.session_id)
        return Refused(Code.SESSION_REVOKED, "That refresh token was used before; sign in again.")
    if row.rotated_at is None:
        tx.sql.execute(
            refresh_token.update().where(refresh_token.c.hash == row.hash).values(rotated_at=tx.now)
        )
        if row.parent:
            _close_others(tx, row.session_id, row.parent, row.hash)
    tx.sql.execute(
        session.update()
        .where(session.c.session_id == row.session_id)
        .values(last_used_at=tx.now, expires_at=tx.now + days * DAY_MS)
    )
    return owner.user, row.session_id, _new_refresh(tx, row.session_id, row.hash)


def _close_others(tx: Tx, session_id: str, parent: str, used: str) -> None:
    """Of a parent and the successors it was given within the grace only `used` goes on."""
    sibling = sa.and_(refresh_token.c.parent == parent, refresh_token.c.hash != used)
    tx.sql.execute(
        refresh_token.update()
        .where(
            # The index is on the session.
            refresh_token.c.session_id == session_id,
            sa.or_(refresh_token.c.hash == parent, sibling),
        )
        .values(closed=True)
    )


def check(tx: Tx, session_id: str) -> Grant | Refused:
    """The session's owner, or why it is worth nothing any more."""
    row = tx.sql.execute(
        sa.select(*people.INFO, session.c.revoked_at, session.c.expires_at, user.c.disabled_at)
        .join(session, session.c.user_id == user.c.user_id)
        .where(session.c.session_id == session_id)
    ).first()
    if row is None:
        return Refused(Code.TOKEN_INVALID, "There is no such session.")
    if row.revoked_at is not None or row.disabled_at is not None:
        return Refused(Code.SESSION_REVOKED, "The session has ended; sign in again.")
    if row.expires_at <= tx.now:
        return Refused(Code.TOKEN_EXPIRED, "The session has expired; sign in again.")
    return Grant(people.info(row[:4]), session_id, row.expires_at)


def check_personal(tx: Tx, token: str) -> Grant | Refused:
    """The same for a personal token."""
    return _check_personal(tx, personal_token.c.hash == hashed(token))


def check_id(tx: Tx, grant_id: str) -> Grant | Refused:
    """The same for the id of a session or of a personal token, as `Grant` has it."""
    found = check(tx, grant_id)
    if isinstance(found, Refused) and found.code is Code.TOKEN_INVALID:
        return _check_personal(tx, personal_token.c.token_id == grant_id)
    return found


def _check_personal(tx: Tx, which: sa.ColumnElement[bool]) -> Grant | Refused:
    row = tx.sql.execute(
        sa.select(
            *people.INFO,
            personal_token.c.token_id,
            personal_token.c.revoked_at,
            personal_token.c.expires_at,
            user.c.disabled_at,
        )
        .join(personal_token, personal_token.c.user_id == user.c.user_id)
        .where(which)
    ).first()
    if row is None:
        return Refused(Code.TOKEN_INVALID, "That token is not known.")
    if row.revoked_at is not None or row.disabled_at is not None:
        return Refused(Code.SESSION_REVOKED, "That token was revoked.")
    if row.expires_at <= tx.now:
        return Refused(Code.TOKEN_EXPIRED, "That token has expired.")
    return Grant(people.info(row[:4]), row.token_id, row.expires_at)


def revoke(tx: Tx, user_id: str, session_id: str | None = None, *, keep: str = "") -> None:
    """End one session or personal token, or all of a user's sessions but `keep`."""
    for table, key in (
        (session, session.c.session_id),
        (personal_token, personal_token.c.token_id),
    ):
        if session_id is None and table is personal_token:
            continue
        which = key == session_id if session_id else key != keep
        rows = tx.sql.execute(
            table.update()
            .where(table.c.user_id == user_id, table.c.revoked_at.is_(None), which)
            .values(revoked_at=tx.now)
            .returning(key)
        )
        for row in rows.all():
            _announce(tx, user_id, row[0])


def revoke_all(tx: Tx, user_id: str) -> None:
    """End everything of a user, personal tokens too."""
    for table in (session, personal_token):
        tx.sql.execute(
            table.update()
            .where(table.c.user_id == user_id, table.c.revoked_at.is_(None))
            .values(revoked_at=tx.now)
        )
    _announce(tx, user_id, None)


def _announce(tx: Tx, user_id: str, session_id: str | None) -> None:
    if tx.sql.dialect.name == "postgresql":
        # Who has read up to a number must never find a smaller one later.
        tx.sql.execute(sa.select(sa.func.pg_advisory_xact_lock(_ANNOUNCING)))
    tx.sql.execute(revocation.insert().values(user_id=user_id, session_id=session_id, at=tx.now))


def last_revocation(tx: Tx) -> int:
    """Number of the newest revocation."""
    return tx.sql.scalar(sa.select(sa.func.max(revocation.c.number))) or 0


def revocations(tx: Tx, above: int) -> list[tuple[int, str, str | None]]:
    """Revocations since `above`: (number, user, session or None for all of theirs)."""
    rows = tx.sql.execute(
        sa.select(revocation.c.number, revocation.c.user_id, revocation.c.session_id)
        .where(revocation.c.number > above)
        .order_by(revocation.c.number)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def of_user(tx: Tx, user_id: str, current: str) -> list[SessionInfo]:
    """A user's sign-ins that still count."""
    rows = tx.sql.execute(
        sa.select(session)
        .where(
            session.c.user_id == user_id,
            session.c.revoked_at.is_(None),
            session.c.expires_at > tx.now,
        )
        .order_by(session.c.last_used_at.desc())
    )
    return [
        SessionInfo(
            session_id=row.session_id,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            client=row.client,
            current=row.session_id == current,
        )
        for row in rows
    ]


def add_personal(tx: Tx, user_id: str, name: str, days: int) -> PersonalToken:
    """Make a personal token; the only time that its text is known."""
    token = PERSONAL_PREFIX + secrets.token_urlsafe(32)
    made = PersonalToken(
        token_id=new_id(),
        name=name,
        created_at=tx.now,
        expires_at=tx.now + days * DAY_MS,
        token=token,
    )
    tx.sql.execute(
        personal_token.insert().values(
            token_id=made.token_id,
            user_id=user_id,
            name=name,
            hash=hashed(token),
            created_at=made.created_at,
            expires_at=made.expires_at,
        )
    )
    return made


def personal_of_user(tx: Tx, user_id: str) -> list[PersonalToken]:
    """A user's personal tokens that still count."""
    rows = tx.sql.execute(
        sa.select(personal_token)
        .where(
            personal_token.c.user_id == user_id,
            personal_token.c.revoked_at.is_(None),
            personal_token.c.expires_at > tx.now,
        )
        .order_by(personal_token.c.created_at)
    )
    return [
        PersonalToken(
            token_id=row.token_id,
            name=row.name,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )
        for row in rows
    ]


def add_invite(tx: Tx, uses: int, days: int) -> str:
    """Make an invite; returns its code."""
    code = secrets.token_urlsafe(12)
    tx.sql.execute(
        invite.insert().values(
            hash=hashed(code),
            uses_left=uses,
            expires_at=tx.now + days * DAY_MS,
            created_at=tx.now,
        )
    )
    return code


def use_invite(tx: Tx, code: str) -> None:
    """Take one use of an invite; raises `Refused` (invite_invalid)."""
    done = tx.sql.execute(
        invite.update()
        .where(invite.c.hash == hashed(code), invite.c.uses_left > 0, invite.c.expires_at > tx.now)
        .values(uses_left=invite.c.uses_left - 1)
    )
    if done.rowcount == 0:
        raise Refused(Code.INVITE_INVALID, "That invite is not valid any more.", field="invite")
