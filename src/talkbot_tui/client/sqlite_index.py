"""The index of the cached messages' words: FTS5 tables in a file of their own.

A message's number in the index grows with its time, so that the newest hits are found first
and nothing is sorted. Conversation and sender are words of a second column: asking for them is
one more list to intersect, however often a word occurs elsewhere.

Everything here may raise `sqlite3.Error`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from talkbot_tui.core.search import Ask, Query, terms_of
from talkbot_tui.paths import private_file
from talkbot_tui.wire.codec import prepare

FORMAT = 1
MERGE_PAGES = 200
SECURE_DELETE = (3, 42, 0)
"""Since this version FTS5 takes words out at once; before, merging does it."""
_BITS = 12
_LAST_SECOND = 1 << 34

_TABLES = (
    "CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # A conversation that is forgotten has no name, until its messages are out.
    "CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE docs (room INTEGER, seq INTEGER, doc INTEGER NOT NULL, PRIMARY KEY (room, seq))"
    " WITHOUT ROWID",
    "CREATE VIRTUAL TABLE words USING fts5"
    # Who types has an unfinished word: without lists for beginnings each key would cost as much
    # as there are messages (10 to 40 ms with a million, with them less than one).
    " (text, tags, room UNINDEXED, seq UNINDEXED, tokenize = 'ascii', prefix = '2 3')",
)


class Purge:
    """How urgently words that were taken out must leave the file, too."""

    NONE, SOMETIME, NOW, UNDER_WAY = range(4)


class _Sender(msgspec.Struct):
    user_id: str


class _Message(msgspec.Struct):
    ts: int
    sender: _Sender
    text: str
    deleted: bool = False
    streaming: bool = False


class _Posted(msgspec.Struct):
    """What the index needs of a cached message."""

    message: _Message


prepare(_Posted)


class Index:
    """An open index.

    Attributes:
        purge: words that must leave the file (`Purge`).
        gone: there are messages of forgotten conversations.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`; raises `OSError`, too."""
        private_file(path)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
        self.purge = Purge.NONE
        self._numbers: dict[str, int] = {}
        try:
            self.db.execute("PRAGMA trusted_schema = OFF")
            self.db.execute("PRAGMA journal_mode = WAL")
            # What a power cut takes from it is noticed by the count of changes.
            self.db.execute("PRAGMA synchronous = NORMAL")
            self.db.execute("PRAGMA secure_delete = ON")
            empty = not self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if empty:
                self._make()
            self.state = dict(self.db.execute("SELECT key, value FROM state"))
            self.purge = int(self.state.get("purge") or 0)
            self.gone = self._any_gone()
        except BaseException:
            self.close()
            raise

    def _make(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            self.db.execute(statement)
        if sqlite3.sqlite_version_info >= SECURE_DELETE:
            self.db.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
        self.db.execute("INSERT INTO state VALUES ('format', ?)", (FORMAT,))
        self.db.execute("COMMIT")

    def close(self) -> None:
        """Release the file; what is not committed is taken back."""
        with suppress(sqlite3.Error):
            self.db.close()

    def begin(self) -> None:
        """A transaction, unless there is one."""
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")

    def commit(self, **state: object) -> None:
        """End the transaction, and remember `state` with it."""
        kept = {**state, "purge": self.purge}
        self.db.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", kept.items())
        self.db.execute("COMMIT")

    # --- messages --------------------------------------------------------------------

    def put(self, room: str, seq: int, body: str | None, *, known: bool = True) -> None:
        """One message as the cache has it; None: not any more. `known`: it may be here already."""
        found = msgspec.json.decode(body, type=_Posted).message if body else None
        gone = found is None or found.deleted or found.streaming
        text = "" if found is None or gone else " ".join(terms_of(found.text))
        number = self._number(room)
        held = self._held(number, seq) if known else None
        if held is not None and held[1] == text:
            return
        if held is not None:
            self.db.execute("DELETE FROM words WHERE rowid = ?", (held[0],))
            self._purge_later(Purge.NOW if gone else Purge.SOMETIME)
        if not text or found is None:
            if held is not None:
                self.db.execute("DELETE FROM docs WHERE room = ? AND seq = ?", (number, seq))
            return
        doc = held[0] if held is not None else self._free(found.ts)
        tags = f"{number} {self._number('@' + found.sender.user_id)}"
        self.db.execute(
            "INSERT INTO words (rowid, text, tags, room, seq) VALUES (?, ?, ?, ?, ?)",
            (doc, text, tags, number, seq),
        )
        self.db.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?)", (number, seq, doc))

    def forget(self, room: str) -> None:
        """A conversation is found no more; `sweep` takes its messages out."""
        self.db.execute("UPDATE names SET name = NULL WHERE name = ?", (room,))
        self._numbers.pop(room, None)
        self.gone = True

    def sweep(self, limit: int) -> None:
        """Take out at most `limit` messages of forgotten conversations."""
        rows = self.db.execute(
            "SELECT room, seq, doc FROM docs JOIN names ON number = room"
            " WHERE name IS NULL LIMIT ?",
            (limit,),
        ).fetchall()
        self.db.executemany("DELETE FROM words WHERE rowid = ?", [(doc,) for _, _, doc in rows])
        self.db.executemany(
            "DELETE FROM docs WHERE room = ? AND seq = ?", [(room, seq) for room, seq, _ in rows]
        )
        if rows:
            self._purge_later(Purge.NOW)
        else:
            self.db.execute("DELETE FROM names WHERE name IS NULL")
        self.gone = bool(rows)

    def merge(self) -> bool:
        """A part of merging all into one, which leaves out what was deleted; True at its end."""
        before = self.db.total_changes
        pages = MERGE_PAGES if self.purge == Purge.UNDER_WAY else -MERGE_PAGES
        self.db.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
        # The command itself counts as one.
        done = self.db.total_changes - before < 2
        self.purge = Purge.NONE if done else Purge.UNDER_WAY
        return done

    def _purge_later(self, level: int) -> None:
        if sqlite3.sqlite_version_info >= SECURE_DELETE:
            return
        # A merge that is under way has passed some words already.
        under_way = self.purge == Purge.UNDER_WAY
        self.purge = Purge.NOW if under_way else max(self.purge, level)

    def _any_gone(self) -> bool:
        found = self.db.execute("SELECT 1 FROM names WHERE name IS NULL LIMIT 1")
        return found.fetchone() is not None

    def _held(self, number: int, seq: int) -> tuple[int, str] | None:
        row = self.db.execute(
            "SELECT doc, c0 FROM docs LEFT JOIN words_content ON id = doc"
            " WHERE room = ? AND seq = ?",
            (number, seq),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def _free(self, ts: int) -> int:
        """A number by the time, that no other message has."""
        first = number_at(ts)
        while True:
            last = first + (1 << _BITS) - 1
            (top,) = self.db.execute(
                "SELECT max(id) FROM words_content WHERE id BETWEEN ? AND ?", (first, last)
            ).fetchone()
            if top is None:
                return first
            if top < last:
                return int(top) + 1
            first = last + 1

    def _number(self, name: str) -> int:
        """A short name of a conversation, or of a person (`@` and the id)."""
        number = self._numbers.get(name)
        if number is None:
            self.db.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
            row = self.db.execute("SELECT number FROM names WHERE name = ?", (name,)).fetchone()
            number = self._numbers[name] = int(row[0])
        return number

    # --- searching ---------------------------------------------------------------------

    def tags(self, ask: Ask) -> list[int] | None:
        """The numbers of conversation and sender; None when there is no message of theirs."""
        numbers: list[int] = []
        for name in (ask.conversation_id, f"@{ask.sender_id}" if ask.sender_id else ""):
            if name:
                found = self.db.execute("SELECT number FROM names WHERE name = ?", (name,))
                row = found.fetchone()
                if row is None:
                    return None
                numbers.append(row[0])
        return numbers

    def page(
        self, ask: Ask, query: Query, tags: Sequence[int], below: int, limit: int
    ) -> list[tuple[int, str, int]]:
        """(number, conversation, seq) of messages below a number (0: all), newest first."""
        top = number_at(ask.until + 999) if ask.until else 1 << 62
        return self.db.execute(
            "SELECT words.rowid, coalesce(name, ''), seq"
            " FROM words LEFT JOIN names ON number = room"
            " WHERE words MATCH ? AND words.rowid >= ? AND words.rowid < ?"
            " ORDER BY words.rowid DESC LIMIT ?",
            (_match(query, tags), number_at(ask.since), min(below or top, top), limit),
        ).fetchall()


def number_at(ts: int) -> int:
    """The first number of the second in which `ts` (ms) lies."""
    return max(0, min(ts // 1000, _LAST_SECOND)) << _BITS


def _match(query: Query, tags: Sequence[int]) -> str:
    """FTS5's words for a query: terms are letters, digits and symbols, so that quotes hold them."""
    asked = [
        f'text : "{" ".join(phrase.terms)}"' + (" *" if phrase.prefix else "")
        for phrase in query.phrases
    ]
    return " AND ".join([*asked, *(f'tags : "{tag}"' for tag in tags)])


def has_fts5() -> bool:
    """Whether this SQLite can do it at all."""
    probe = sqlite3.connect(":memory:")
    try:
        probe.execute("CREATE VIRTUAL TABLE probe USING fts5 (text)")
    except sqlite3.Error:
        return False
    finally:
        probe.close()
    return True
