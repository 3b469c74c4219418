"""Opening a database: private files, numbered migrations, one writer, a few readers.

A file that is no database of ours, is damaged, or was written by a newer
version is refused before anything in it changes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from talkbot_tui import paths
from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.storage.faults import StoreProblem
from talkbot_tui.server.storage.migrating import migrate, refuse_newer
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.storage.writer import Settle, Writer

__all__ = ["FILE", "Database", "StoreProblem", "open_database"]

T = TypeVar("T")

FILE = "server.db"
READERS = 2


class Database:
    """One open store. `write` and `read` run functions in its threads."""

    def __init__(
        self,
        writing: sa.Engine,
        reading: sa.Engine,
        writer: Writer | None = None,
        readers: int = READERS,
    ) -> None:
        """Take over both engines; `close` disposes of them."""
        self._engines = (writing, reading)
        self._reading = reading
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self.writer = writer or Writer(writing)

    async def write(
        self, unit: Callable[[Tx], T], settle: Settle | None = None, place: str = ""
    ) -> T:
        """Run `unit` in a transaction and return its value once that is on disk.

        `unit` may be run more than once. place: the conversation that it is about, which then
        no other node changes between what the unit reads and what it writes.

        `settle(value)` is called in the event loop in the order of the commits and
        before anybody who waits goes on; it happens also when the waiter is cancelled.
        """
        return await asyncio.shield(self.writer.submit(unit, settle, place))

    async def read(self, question: Callable[[Tx], T]) -> T:
        """Run `question` on a snapshot of what is committed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.ask, question)

    def ask(self, question: Callable[[Tx], T]) -> T:
        """The same as `read`, in the calling thread."""
        with self._reading.connect() as connection:
            try:
                return question(Tx(connection, now_ms()))
            finally:
                connection.rollback()

    def append(self, batch: Sequence[Callable[[Tx], Any]], places: Sequence[str] = ()) -> list[Any]:
        """Run units in one transaction, in the calling thread; a failed one is its exception.

        places: of each the conversation that it is about, as `write` has it.
        """
        return self.writer.append(batch, places)

    def close(self) -> None:
        """Finish what is queued, then close; blocks."""
        self.writer.close()
        self._readers.shutdown()
        for engine in self._engines:
            engine.dispose()


def open_database(
    data_dir: Path, url: str = "", options: DatabaseOptions | None = None
) -> Database:
    """Open, and where needed make or migrate, the store.

    url: of a PostgreSQL server; without one it is a file in `data_dir`. Raises `StoreProblem`.
    """
    if url:
        # Its driver is an extra that a server on SQLite does not have.
        from talkbot_tui.server.storage.postgres import open_postgres

        return open_postgres(url, options or DatabaseOptions())
    try:
        path = paths.private_folder(data_dir) / FILE
        fresh = not path.exists()
        paths.private_file(path)
        if not fresh:
            _inspect(path)
        writing, reading = _sqlite(path, 1, "BEGIN IMMEDIATE"), _sqlite(path, READERS, "BEGIN")
        migrate(writing, str(path))
    except OSError as error:
        raise StoreProblem(
            f"{error.filename or data_dir}: {error.strerror or error}; "
            "choose another folder with --data-dir"
        ) from None
    except (sqlite3.DatabaseError, sa.exc.DatabaseError) as error:
        raise StoreProblem(_damaged(path, error)) from None
    return Database(writing, reading)


def _damaged(path: Path, error: Exception) -> str:
    reason = " ".join(str(getattr(error, "orig", None) or error).split())
    return f"{path}: cannot be used: {reason}; restore a backup or choose another --data-dir"


def _inspect(path: Path) -> None:
    """Refuse a foreign, damaged or newer file while it is open for reading only."""
    if path.stat().st_size == 0:
        return
    try:
        _look(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK":
            raise
        # The machine stopped during the first start; opening takes back what was half done.
        _look(path, "rw")


def _look(path: Path, mode: str) -> None:
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        with sqlite3.connect(uri, uri=True) as connection:
            rows = connection.execute("PRAGMA quick_check(1)").fetchall()
            if rows != [("ok",)]:
                raise sqlite3.DatabaseError(rows[0][0])
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if tables and "alembic_version" not in tables:
                raise StoreProblem(f"{path}: is no database of this server; choose another folder")
            version = (
                connection.execute("SELECT version_num FROM alembic_version").fetchone()
                if tables
                else None
            )
    finally:
        if "connection" in locals():
            connection.close()
    if version:
        refuse_newer(version[0], str(path))


def _sqlite(path: Path, connections: int, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": 10, "check_same_thread": False},
        poolclass=sa.pool.QueuePool,
    )

    @sa.event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        # The driver's own idea of when a transaction starts breaks savepoints.
        connection.isolation_level = None
        for pragma in (
            # A file that somebody prepared must not reach further than its rows.
            "trusted_schema=OFF",
            "cell_size_check=ON",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
