"""Opening the cache's file: private, of our version, whole; or put aside with the user told."""

from __future__ import annotations

import errno
import logging
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from talkbot_tui.client import migrations, sqlite_aside, sqlite_rescue, sqlite_rows
from talkbot_tui.client.sqlite_checks import (
    Damaged,
    check_header,
    check_owner,
    check_whole,
    is_damage,
    read_only,
    words,
)
from talkbot_tui.client.sqlite_log import harm
from talkbot_tui.client.store import StoreError
from talkbot_tui.paths import private_file

log = logging.getLogger(__name__)


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


def _any_code(error: Exception) -> str:
    if isinstance(error, sqlite3.Error):
        return error_code(error)
    found = error.errno if isinstance(error, OSError) else 0
    return {
        errno.ENOSPC: "disk_full",
        errno.EDQUOT: "disk_full",
        errno.EACCES: "read_only",
        errno.EPERM: "read_only",
        errno.EROFS: "read_only",
    }.get(found or 0, "io_error")


def open_file(path: Path) -> tuple[sqlite3.Connection, list[tuple[str, str]]]:
    """A connection to an up-to-date file, and what the user must be told about it.

    A damaged file is put aside as `*.corrupt-<time>`, its unsent messages and
    drafts are taken over where they can be read. Raises `StoreError`: newer,
    unsafe, read_only, disk_full, io_error.
    """
    _check_safe(path)
    flag, late = path.with_name(path.name + ".damaged"), False
    try:
        if sqlite_aside.begun(path):
            reason = "the rescue was interrupted"
        else:
            private_file(path)
            if not flag.exists():
                return _connect(path), []
            reason = "found damaged in the last run"
    except sqlite3.Error as error:
        if not is_damage(error):
            raise StoreError(error_code(error), str(path), str(error)) from None
        reason = words(error)
    except Damaged as damaged:
        reason, late = str(damaged), damaged.late
    except OSError as error:
        raise StoreError(_any_code(error), str(path), str(error)) from None
    try:
        kept = sqlite_aside.put(path, late=late)
        log.warning("%s is damaged (%s); it is kept as %s", path, reason, kept.path)
        flag.unlink(missing_ok=True)
        db, whole = _made_from(kept.path, path)
    except (sqlite3.Error, Damaged, OSError) as error:
        raise StoreError(_any_code(error), str(path), str(error)) from None
    notices = [("cache_damaged", str(kept.path))]
    if kept.late or not whole:
        notices.append(("unsent_lost", str(kept.path)))
    return db, notices


def _made_from(aside: Path, path: Path) -> tuple[sqlite3.Connection, bool]:
    """A new file with what is unsent in the damaged one, and whether that is all.

    Raises `StoreError`, `Damaged`, `sqlite3.Error`, `OSError`; the next start tries again.
    """
    private_file(path)
    db = _connect(path)
    try:
        found = sqlite_rescue.read(aside)
        with transaction(db):
            for message in found.in_order():
                sqlite_rows.put_local(db, message)
            for room, text in found.drafts.items():
                sqlite_rows.put_draft(db, room, text)
        sqlite_aside.done(path)
    except BaseException:
        db.close()
        raise
    log.warning("%d unsent messages and drafts were taken over", len(found))
    return db, found.whole


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
    sides = (path.with_name(path.name + side) for side in sqlite_aside.SIDES)
    for found in (*sides, sqlite_aside.marker(path)):
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(found.lstat().st_mode):
                raise StoreError("unsafe", str(found))


def _connect(path: Path) -> sqlite3.Connection:
    """Raises `StoreError`, `Damaged`, `sqlite3.Error`, `OSError`."""
    check_header(path)
    steps = migrations.steps()
    db = None
    try:
        _look(path, len(steps))
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
        # A file that somebody prepared, or that is damaged, must not reach further than its rows.
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA cell_size_check = ON")
        version = check_owner(db, path, len(steps))
        check_whole(db, steps[:version], path.stat().st_size)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA secure_delete = ON")
        _migrate(db, path, steps, version)
        sqlite_rows.load(db)
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, (msgspec.DecodeError, ValueError, TypeError)):
            # A row, or a name, that is no text or not what we write into it.
            raise Damaged(str(error)) from None
        raise
    return db


def _look(path: Path, known: int) -> None:
    """What is not ours to change stays as it is, and so does the log beside it."""
    try:
        with closing(read_only(path)) as db:
            check_owner(db, path, known)
            if found := harm(path):
                raise Damaged(found, late=True)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        # The machine stopped during the first start; opening takes back what was half done.


def _migrate(db: sqlite3.Connection, path: Path, steps: tuple[str, ...], version: int) -> None:
    """All missing steps in one transaction: the old file stays whole if one fails."""
    if version == len(steps):
        return
    try:
        with transaction(db):
            for step in steps[version:]:
                for statement in _statements(step):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {len(steps)}")
    except sqlite3.Error as error:
        # It was whole a moment ago: a step that fails is no damage.
        raise StoreError(error_code(error), str(path), str(error)) from None


def _statements(script: str) -> Iterator[str]:
    """`executescript` would commit on its own account, so the script is split here."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
