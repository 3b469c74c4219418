"""What TalkBot must not forget: whom it greeted, reminders, polls, how people speak.

A small SQLite file of its own, or tables in the database of servers of which each may run
TalkBot. Every call is on disk when it returns: a reminder is confirmed only after that.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from talkbot_tui import paths

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reminder (
    id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, name TEXT NOT NULL,
    due INTEGER NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS poll (
    server_msg_id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL, question TEXT NOT NULL,
    options TEXT NOT NULL, language TEXT NOT NULL, revision INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS vote (
    server_msg_id TEXT NOT NULL, user_id TEXT NOT NULL, choice INTEGER NOT NULL,
    by_reaction INTEGER NOT NULL, PRIMARY KEY (server_msg_id, user_id));
CREATE TABLE IF NOT EXISTS answered (server_msg_id TEXT PRIMARY KEY, at INTEGER NOT NULL);
"""


_KEEP = "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_ANSWERED = (
    "INSERT INTO answered VALUES (?, ?) ON CONFLICT (server_msg_id) DO UPDATE SET at = excluded.at"
)
_VOTE = (
    "INSERT INTO vote VALUES (?,?,?,?) ON CONFLICT (server_msg_id, user_id)"
    " DO UPDATE SET choice = excluded.choice, by_reaction = excluded.by_reaction"
)
_COPIED = (
    ("SELECT * FROM fact", "INSERT INTO fact VALUES (?,?) ON CONFLICT DO NOTHING"),
    ("SELECT * FROM reminder", "INSERT INTO reminder VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING"),
    ("SELECT * FROM poll", "INSERT INTO poll VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"),
    ("SELECT * FROM vote", "INSERT INTO vote VALUES (?,?,?,?) ON CONFLICT DO NOTHING"),
    ("SELECT * FROM answered", "INSERT INTO answered VALUES (?,?) ON CONFLICT DO NOTHING"),
)


class Rows(Protocol):
    """What runs SQL that SQLite and PostgreSQL both understand; `?` stands for a value."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Run it; the result has `fetchone` and `fetchall`."""


class Shelf(Protocol):
    """Where it all lies."""

    async def do(self, work: Callable[[Rows], T]) -> T:
        """Run `work` in a transaction; it may be run more than once."""

    async def close(self) -> None:
        """Nothing more will be asked."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to say later; `due` in ms, `name` is the handle of who asked."""

    reminder_id: str
    conversation_id: str
    name: str
    due: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with its choices; `revision` of the message that shows it."""

    server_msg_id: str
    conversation_id: str
    question: str
    options: tuple[str, ...]
    language: str
    revision: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's choice, counted from 0."""

    choice: int
    by_reaction: bool


class FileShelf:
    """A file of TalkBot's own; one thing at a time, in a thread."""

    def __init__(self, path: Path) -> None:
        """Open or make it, 0600; raises `OSError` and `sqlite3.Error`."""
        paths.private_folder(path.parent)
        paths.private_file(path)
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        # One thread: whoever is cancelled leaves a whole unit behind, before the next one.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="talkbot-memory")

    async def do(self, work: Callable[[Rows], T]) -> T:
        """Run `work` in a transaction."""

        def unit() -> T:
            with self._db:
                return work(self._db)

        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(unit)))

    async def close(self) -> None:
        """Nothing more will be asked."""
        await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._db.close)))
        self._thread.shutdown(wait=False)


class Memory:
    """What lies on a shelf; `close` it at the end."""

    def __init__(self, where: Path | Shelf) -> None:
        """A path is that of a file; raises `OSError` and `sqlite3.Error`."""
        self._shelf: Shelf = FileShelf(where) if isinstance(where, Path) else where
        self._do = self._shelf.do

    async def close(self) -> None:
        """Nothing more will be asked."""
        await self._shelf.close()

    async def take_over(self, path: Path) -> None:
        """Take what an earlier file holds, once; the file gets another name."""
        loop = asyncio.get_running_loop()
        if not await loop.run_in_executor(None, path.exists):
            return
        old = FileShelf(path)
        for asked, kept in _COPIED:
            rows = await old.do(lambda db, asked=asked: db.execute(asked).fetchall())  # type: ignore[misc]  # bound now

            def copy(db: Rows, rows: Any = rows, kept: str = kept) -> None:
                for row in rows:
                    db.execute(kept, row)

            await self._do(copy)
        await old.close()
        await loop.run_in_executor(None, path.rename, path.with_suffix(".db.moved"))

    # --- facts ---------------------------------------------------------------------

    async def fact(self, name: str) -> str:
        """A value kept under `name`, "" for none."""
        row = await self._do(
            lambda db: db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        )
        return str(row[0]) if row else ""

    async def keep(self, name: str, value: str) -> None:
        """Keep a value under `name`."""
        await self._do(lambda db: db.execute(_KEEP, (name, value)))

    # --- questions ---------------------------------------------------------------------

    async def answered(self, server_msg_id: str) -> bool:
        """Whether that question needs no answer any more."""
        query = "SELECT 1 FROM answered WHERE server_msg_id = ?"
        return await self._do(lambda db: db.execute(query, (server_msg_id,)).fetchone() is not None)

    async def set_answered(self, server_msg_id: str, at: int, forget: int) -> None:
        """It was answered at `at` (ms); what was answered before `forget` is never asked for."""

        def note(db: Rows) -> None:
            db.execute("DELETE FROM answered WHERE at < ?", (forget,))
            db.execute(_ANSWERED, (server_msg_id, at))

        await self._do(note)

    # --- reminders -------------------------------------------------------------------

    async def add_reminder(self, reminder: Reminder) -> None:
        """Keep it; the same id again changes nothing."""
        row = (
            reminder.reminder_id,
            reminder.conversation_id,
            reminder.name,
            reminder.due,
            reminder.text,
            reminder.language,
        )
        await self._do(
            lambda db: db.execute(
                "INSERT INTO reminder VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", row
            )
        )

    async def next_reminder(self) -> Reminder | None:
        """The one that is due first."""
        row = await self._do(
            lambda db: db.execute("SELECT * FROM reminder ORDER BY due LIMIT 1").fetchone()
        )
        return Reminder(*row) if row else None

    async def reminders_of(self, name: str) -> int:
        """How many that person waits for."""
        query = "SELECT count(*) FROM reminder WHERE name = ?"
        row = await self._do(lambda db: db.execute(query, (name,)).fetchone())
        return int(row[0])

    async def drop_reminder(self, reminder_id: str) -> None:
        """It was said, or its request is gone."""
        await self._do(lambda db: db.execute("DELETE FROM reminder WHERE id = ?", (reminder_id,)))

    # --- polls -------------------------------------------------------------------------

    async def add_poll(self, poll: Poll) -> None:
        """Keep a poll whose message the server has."""
        row = (
            poll.server_msg_id,
            poll.conversation_id,
            poll.question,
            json.dumps(poll.options),
            poll.language,
            poll.revision,
            poll.seq,
        )
        await self._do(
            lambda db: db.execute(
                "INSERT INTO poll VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", row
            )
        )

    async def poll(self, server_msg_id: str) -> Poll | None:
        """The poll that this message shows."""
        return await self._one_poll("SELECT * FROM poll WHERE server_msg_id = ?", server_msg_id)

    async def latest_poll(self, conversation_id: str) -> Poll | None:
        """The newest poll of a conversation."""
        query = "SELECT * FROM poll WHERE conversation_id = ? ORDER BY seq DESC LIMIT 1"
        return await self._one_poll(query, conversation_id)

    async def _one_poll(self, query: str, value: str) -> Poll | None:
        row = await self._do(lambda db: db.execute(query, (value,)).fetchone())
        if row is None:
            return None
        return Poll(row[0], row[1], row[2], tuple(json.loads(row[3])), row[4], row[5], row[6])

    async def set_revision(self, server_msg_id: str, revision: int) -> None:
        """The poll's message was edited."""
        change = "UPDATE poll SET revision = ? WHERE server_msg_id = ?"
        await self._do(lambda db: db.execute(change, (revision, server_msg_id)))

    async def votes(self, server_msg_id: str) -> dict[str, Vote]:
        """Who chose what, by user id."""
        query = "SELECT user_id, choice, by_reaction FROM vote WHERE server_msg_id = ?"
        rows = await self._do(lambda db: db.execute(query, (server_msg_id,)).fetchall())
        return {user: Vote(choice, bool(how)) for user, choice, how in rows}

    async def vote(self, server_msg_id: str, user_id: str, vote: Vote | None) -> None:
        """That person's choice now; None takes it back."""
        if vote is None:
            change = "DELETE FROM vote WHERE server_msg_id = ? AND user_id = ?"
            await self._do(lambda db: db.execute(change, (server_msg_id, user_id)))
        else:
            row = (server_msg_id, user_id, vote.choice, vote.by_reaction)
            await self._do(lambda db: db.execute(_VOTE, row))
