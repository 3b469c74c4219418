"""Opening the cache's file: private, of our version, whole; or put aside with the user told."""

from __future__ import annotations

import logging
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from talkbot_tui.client import migrations, sqlite_rows
from talkbot_tui.client.store import StoreError
from talkbot_tui.core.model import Message
from talkbot_tui.paths import private_file

log = logging.getLogger(__name__)

SIDES = ("", "-wal", "-shm")
HEADER_BYTES = 100


def error_code(error: sqlite3.Error) -> str:
    """Our word for what SQLite says."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return {
        sqlite3.SQLITE_FULL: "disk_full",
        sqlite3.SQLITE_READONLY: "read_only",
        sqlite3.SQLITE_CANTOPEN: "read_only",
        sqlite3.SQLITE_PERM: "read_only",
        sqlite3.SQLITE_CORRUPT: "unreadable",
        sqlite3.SQLITE_NOTADB: "unreadable",
        sqlite3.SQLITE_BUSY: "busy",
        sqlite3.SQLITE_LOCKED: "busy",
    }.get(primary, "io_error")


def open_file(path: Path) -> tuple[sqlite3.Connection, list[tuple[str, str]]]:
    """A connection to an up-to-date file, and what the user must be told about it.

    A damaged file is put aside as `*.corrupt-<time>`, its unsent messages and
    drafts are taken over where they can be read. Raises `StoreError`: newer,
    unsafe, read_only, disk_full, io_error.
    """
    _check_safe(path)
    flag = path.with_name(path.name + ".damaged")
    try:
        private_file(path)
        if not flag.exists():
            return _connect(path), []
        reason = "found damaged in the last run"
    except sqlite3.DatabaseError as error:
        if error_code(error) != "unreadable":
            raise StoreError(error_code(error), str(path), str(error)) from None
        reason = str(error)
    except OSError as error:
        raise StoreError("read_only", str(path), error.strerror or str(error)) from None
    aside = _put_aside(path)
    log.warning("%s is damaged (%s); it is kept as %s", path, reason, aside)
    flag.unlink(missing_ok=True)
    try:
        private_file(path)
        db = _connect(path)
        saved, whole = _rescue(aside, db)
    except (sqlite3.Error, OSError) as error:
        raise StoreError("io_error", str(path), str(error)) from None
    notices = [("cache_damaged", str(aside))]
    if not whole:
        notices.append(("unsent_lost", str(aside)))
    log.warning("%d unsent messages and drafts were taken over", saved)
    return db, notices


def flag_damaged(path: Path) -> None:
    """Remember for the next start that the file is damaged."""
    with suppress(OSError):
        private_file(path.with_name(path.name + ".damaged"))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, on disk at the end."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def _check_safe(path: Path) -> None:
    """A link or a strange file in our place is not followed, and not replaced either."""
    for side in SIDES:
        found = path.with_name(path.name + side)
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(found.lstat().st_mode):
                raise StoreError("unsafe", str(found))


def _damage(reason: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _connect(path: Path) -> sqlite3.Connection:
    if 0 < path.stat().st_size < HEADER_BYTES:
        # SQLite takes such a stump for an empty file and would write over it.
        raise _damage("shorter than a header")
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    try:
        steps = migrations.steps()
        version = db.execute("PRAGMA user_version").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version > len(steps) or (not empty and owner != migrations.APPLICATION_ID):
            raise StoreError("newer" if version > len(steps) else "unsafe", str(path))
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        _migrate(db, steps, version)
        sqlite_rows.load(db)
    except msgspec.DecodeError as error:
        db.close()
        raise _damage(str(error)) from None
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, steps: tuple[str, ...], version: int) -> None:
    """All missing steps in one transaction: the old file stays whole if one fails."""
    if version == len(steps):
        return
    with transaction(db):
        for step in steps[version:]:
            for statement in _statements(step):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(steps)}")


def _statements(script: str) -> Iterator[str]:
    """`executescript` would commit on its own account, so the script is split here."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _put_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    for side in SIDES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
    return aside


def _rescue(aside: Path, db: sqlite3.Connection) -> tuple[int, bool]:
    """Take over unsent messages and drafts; how many, and whether none is missing."""
    saved, whole = 0, True
    try:
        with closing(sqlite3.connect(f"file:{aside}?mode=ro", uri=True)) as old, transaction(db):
            rows = old.execute("SELECT body FROM outbox ORDER BY position")
            for (body,) in _readable(rows):
                try:
                    sqlite_rows.put_local(db, msgspec.json.decode(body, type=Message))
                    saved += 1
                except msgspec.DecodeError:
                    whole = False
            for room, text in _readable(old.execute("SELECT conversation_id, text FROM drafts")):
                sqlite_rows.put_draft(db, str(room), str(text))
                saved += 1
    except sqlite3.DatabaseError as error:
        log.warning("not everything could be taken over: %s", error)
        whole = False
    return saved, whole


def _readable(rows: sqlite3.Cursor) -> Iterator[tuple[str, ...]]:
    """Rows up to the first that cannot be read."""
    try:
        yield from rows
    except UnicodeDecodeError:
        log.warning("a row could not be read")
