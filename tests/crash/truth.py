"""What a run's files say at its end: the server's log, and whether every file is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.crash.places import Run
from tests.histories.checker import Violation
from tests.histories.record import Entry, What, digest_of

LOG = """
SELECT event.seq, event.sender_id, message.server_msg_id, message.client_msg_id, message.text
FROM event LEFT JOIN message
  ON message.conversation_id = event.conversation_id AND message.seq = event.seq
WHERE event.conversation_id = ? ORDER BY event.seq
"""


def truth(run: Run) -> Iterator[Entry]:
    """The room's log as the server's file has it."""
    with closing(sqlite3.connect(run.database)) as db:
        for seq, sender, message_id, client_id, text in db.execute(LOG, (run.facts.room,)):
            yield Entry(
                What.TRUTH,
                0.0,
                user=sender,
                room=run.facts.room,
                client_id=client_id or "",
                message_id=message_id or "",
                seq=seq,
                digest=digest_of(text) if text else "",
                epoch=run.facts.epoch,
            )


def damage(path: Path) -> Iterator[Violation]:
    """What SQLite finds wrong in a file."""
    with closing(sqlite3.connect(path)) as db:
        for (line,) in db.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield Violation("damaged file", f"{path.name}: {line}")
