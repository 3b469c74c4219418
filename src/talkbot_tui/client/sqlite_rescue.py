"""Taking over what is unsent from a damaged cache: whatever of it can still be read."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from talkbot_tui.client import migrations
from talkbot_tui.client.sqlite_checks import read_only, words
from talkbot_tui.core.model import Message

log = logging.getLogger(__name__)

PAGE = 4096
FOLDER_PREFIX = ".rescue-"
"""Folders named so hold a copy for as long as it is read."""
_SIZE, _VALID_FOR = slice(28, 32), slice(92, 96)
"""Header fields: the file's length in pages, and what makes it believed."""

_BODIES = "SELECT position, body FROM outbox ORDER BY position"
_DRAFTS = "SELECT conversation_id, text FROM drafts ORDER BY conversation_id"
_IDS = "SELECT 0, client_msg_id FROM outbox INDEXED BY sqlite_autoindex_outbox_1"


@dataclass(slots=True)
class Found:
    """What could be read.

    Attributes:
        messages: unsent messages by their position, which is the order of composing.
        drafts: text by conversation.
        whole: nothing is missing, as far as the file itself can tell.
    """

    messages: dict[int, Message] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    whole: bool = True

    def __len__(self) -> int:
        return len(self.messages) + len(self.drafts)

    def in_order(self) -> list[Message]:
        """The messages in the order in which they were composed."""
        return [self.messages[position] for position in sorted(self.messages)]


def read(aside: Path) -> Found:
    """Read the unsent messages and the drafts of a damaged file.

    Never raises for its damage; `OSError` and `sqlite3.Error` when there is no room for a copy.
    """
    if not aside.exists():
        return Found(whole=False)
    found = _read(aside)
    if not found.whole:
        with _with_new_head(aside) as copy:
            again = _read(copy) if copy else Found()
        # What the log beside it has, a copy of the file alone has not.
        log_beside = aside.with_name(aside.name + "-wal")
        again.whole = again.whole and not log_beside.exists()
        if len(again) > len(found):
            found = again
    return found


def _read(path: Path) -> Found:
    found = Found()
    try:
        with closing(read_only(path)) as db:
            for position, body in _rows(db, _BODIES, found):
                try:
                    found.messages[int(position)] = msgspec.json.decode(body, type=Message)
                except (msgspec.DecodeError, ValueError, TypeError):
                    found.whole = False
            for room, text in _rows(db, _DRAFTS, found):
                if isinstance(text, str):
                    found.drafts[str(room)] = text
                else:
                    found.whole = False
            # Rows can vanish without a word; the table's index tells of them once more.
            taken = {message.client_msg_id for message in found.messages.values()}
            for _, name in _rows(db, _IDS, found):
                found.whole = found.whole and str(name) in taken
    except (sqlite3.Error, ValueError) as error:
        log.warning("the damaged file cannot be read: %s", words(error))
        found.whole = False
    return found


def _rows(db: sqlite3.Connection, query: str, found: Found) -> Iterator[tuple[Any, Any]]:
    """Rows from both ends up to a place that cannot be read."""
    ways = (query, f"{query} DESC") if "ORDER" in query else (query,)
    for way in ways:
        try:
            yield from db.execute(way)
        except (sqlite3.Error, ValueError) as error:
            log.warning("not all of the damaged file can be read: %s", words(error))
            found.whole = False
        else:
            return


@contextmanager
def _with_new_head(aside: Path) -> Iterator[Path | None]:
    """A copy whose first page, which says where everything is, comes from a new file.

    Tables that were made empty, in the same order, begin at the same pages.
    """
    data = aside.read_bytes()
    if len(data) < 2 * PAGE:
        yield None
        return
    with tempfile.TemporaryDirectory(dir=aside.parent, prefix=FOLDER_PREFIX) as folder:
        fresh, copy = Path(folder) / "fresh.db", Path(folder) / "copy.db"
        with closing(sqlite3.connect(fresh)) as db:
            db.execute(f"PRAGMA page_size = {PAGE}")
            for step in migrations.steps():
                db.executescript(step)
        head = bytearray(fresh.read_bytes()[:PAGE])
        head[_SIZE] = head[_VALID_FOR] = bytes(4)
        copy.touch(mode=0o600)
        copy.write_bytes(bytes(head) + data[PAGE:])
        yield copy
