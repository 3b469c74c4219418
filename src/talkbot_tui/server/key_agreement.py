"""All nodes on one database sign with one key; whoever has another is refused at its start.

Otherwise everybody would be signed out whenever the balancer takes them to another node.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from talkbot_tui.server.storage import people
from talkbot_tui.server.storage.database import Database
from talkbot_tui.server.storage.faults import StoreProblem
from talkbot_tui.server.storage.schema import meta
from talkbot_tui.server.storage.tx import Tx

KEY = "signing_key"


def agree_on_key(database: Database, fingerprints: Sequence[str]) -> None:
    """Make sure that this node's key is the database's; blocks.

    fingerprints: of the key and of those before it. The first node's key counts, and from a
    rotation on the new one: a node that knows the old one as the one before brings it.
    Raises `StoreProblem`.
    """
    (agreed,) = database.append([lambda tx: _agree(tx, fingerprints)])
    if isinstance(agreed, Exception):
        raise StoreProblem(f"the database does not answer: {agreed}")
    if not agreed:
        raise StoreProblem(
            "this server's signing key is not the one of the database's other servers: give all "
            "the same TALKBOT_SECRET or TALKBOT_SECRET_FILE; after changing it, put the old one "
            "into TALKBOT_SECRET_PREVIOUS; where that is lost: talkbot-tui admin adopt-key"
        )


def adopt_key(tx: Tx, fingerprint: str) -> None:
    """From now on that key is the database's."""
    people.set_meta(tx, KEY, fingerprint)


def _agree(tx: Tx, fingerprints: Sequence[str]) -> bool:
    known = tx.sql.scalar(sa.select(meta.c.value).where(meta.c.key == KEY).with_for_update())
    if known is None or known in fingerprints[1:]:
        adopt_key(tx, fingerprints[0])
        return True
    return bool(known == fingerprints[0])
