"""Whether a cache's file is what we wrote: checks that cost little, before it is relied on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from talkbot_tui.client import migrations
from talkbot_tui.client.store import StoreError

HEADER_BYTES = 100
EVENTS_CHECKED_BYTES = 16 * 1024 * 1024
"""Checking the events of such a file takes some 25 ms."""

FORMATS = (1, 2)
"""What the header may say of how the file is read and written (bytes 18 and 19)."""

# The system's fault, not the file's: another attempt may do better.
_PASSING = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


class Damaged(Exception):
    """The file is not what we wrote; the text says what is wrong.

    Attributes:
        late: what was written last is what is harmed, and nothing else tells of it.
    """

    def __init__(self, text: str, *, late: bool = False) -> None:
        """`text` is for the log."""
        super().__init__(text)
        self.late = late


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error while opening a file tells of the file rather than of the system."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF not in _PASSING


def is_unreadable(error: Exception) -> bool:
    """Whether an error while reading or writing tells of rows that are not what we wrote."""
    if isinstance(error, sqlite3.Error):
        primary = getattr(error, "sqlite_errorcode", None)
        if primary is None:
            # What is no text in UTF-8 has no code, only words.
            return isinstance(error, sqlite3.OperationalError)
        return primary & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return isinstance(error, (msgspec.DecodeError, UnicodeDecodeError, KeyError))


def words(error: Exception) -> str:
    """An error for the log, without the texts of messages that SQLite may quote."""
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, whatever characters the path has."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def check_header(path: Path) -> None:
    """Refuse what SQLite would take for empty, or open for reading only; raises `Damaged`."""
    if path.with_name(path.name + "-journal").exists():
        # The first start was cut short: opening takes back what was half written.
        return
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    if 0 < len(head) < HEADER_BYTES:
        # SQLite takes such a stump for an empty file and would write over it.
        raise Damaged("shorter than a header")
    if head and not set(head[18:20]) <= set(FORMATS):
        raise Damaged("the header names no format of ours")


def check_owner(db: sqlite3.Connection, path: Path, known: int) -> int:
    """The file's schema version; raises `StoreError`: newer than `known`, or not ours (unsafe)."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version > known:
        raise StoreError("newer", str(path))
    if not empty and owner != migrations.APPLICATION_ID:
        raise StoreError("unsafe", str(path))
    return version


def check_whole(db: sqlite3.Connection, steps: Sequence[str], size: int) -> None:
    """Tables are as `steps` make them, and their pages are whole; raises `Damaged`.

    The events of a file whose `size` (bytes) is large are left out: they can be fetched
    again, and nobody shall wait for it at each start.
    """
    with closing(sqlite3.connect(":memory:")) as fresh:
        for step in steps:
            fresh.executescript(step)
        if db.execute(_SCHEMA).fetchall() != fresh.execute(_SCHEMA).fetchall():
            raise Damaged("its tables are not ours")
    small = ("outbox", "drafts", "meta", "rooms", "places") if steps else ()
    events = ("events",) if steps and size <= EVENTS_CHECKED_BYTES else ()
    for table in (*small, *events):
        for (line,) in db.execute(f"PRAGMA integrity_check({table})"):
            if line != "ok":
                raise Damaged(line)
