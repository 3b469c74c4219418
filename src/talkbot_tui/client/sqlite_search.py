"""Keeping the index of messages beside the cache right, and asking it.

The store's thread writes it right after the cache's transaction. It is a file of its own
since it may then be harmed, refused or thrown away without any message being so:
SQLite cannot drop a table whose pages are harmed, and a commit over two attached files in WAL
mode can fail in the second when the first has it for good. Instead the cache counts its changes of
texts (`meta`, `texts`), and the index says up to which count it is right. One that says
anything else is made anew from the cache, in slices, going on where it was left.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from talkbot_tui.client.sqlite_checks import is_damage, words
from talkbot_tui.client.sqlite_index import FORMAT, Index, Purge, has_fts5
from talkbot_tui.client.store import StoreEffect
from talkbot_tui.core import effects as f
from talkbot_tui.core import search
from talkbot_tui.core.model import MessageDeleted, MessageEdited, MessagePosted
from talkbot_tui.core.search import Ask, Found, Hit, Query

log = logging.getLogger(__name__)

SLICE = 400
"""Messages of one step; the store's other work waits for at most one step."""
SLICES_COMMITTED = 10
BUILD_FIRST_S = 0.05
"""Who searches waits so long for an index that is being built: a small one is whole by then."""
RETRY_S = 30.0
REBUILDS_MAX = 3
"""Made anew so often in a run, it is left alone until the next."""
EDITS_PURGED_S = 600.0
_Place = tuple[str, int]
_START: _Place = ("", -1)
_FAULTS = (sqlite3.Error, OSError, msgspec.DecodeError, ValueError, TypeError)


def changes_texts(effect: StoreEffect) -> bool:
    """Whether this changes what can be found."""
    if isinstance(effect, f.SaveEvents):
        kinds = (MessagePosted, MessageEdited, MessageDeleted)
        return any(isinstance(event, kinds) for event in effect.events)
    return isinstance(effect, (f.ForgetRoom, f.ForgetAll))


def count_change(cache: sqlite3.Connection) -> int:
    """Count one more change of texts, in the cache's own transaction; the new count."""
    # It begins at a random number: the index of another cache must not seem to fit.
    rows = cache.execute(
        "INSERT INTO meta VALUES ('texts', abs(random() % 281474976710656) + 1)"
        " ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchall()
    return int(rows[0][0])


class Search:
    """The index of one cache; everything is called by the store's thread.

    Attributes:
        off: why there is no index: "", `no_fts5`, `unsafe`, or SQLite's word for what is wrong.
    """

    def __init__(self, path: Path) -> None:
        """`path` of the index's file; nothing is opened yet."""
        self.path = path
        self.off = ""
        self._index: Index | None = None
        self._noted: list[StoreEffect] = []
        # The counts with all that is noted, and without.
        self._texts = self._base = 0
        self._place: _Place | None = None
        self._slices = 0
        self._purged_at = 0.0
        self._rebuilds = 0
        self._retry_at = 0.0

    def begin(self, cache: sqlite3.Connection) -> None:
        """The cache was opened; costs one row."""
        row = cache.execute("SELECT value FROM meta WHERE key = 'texts'").fetchone()
        self._texts = self._base = int(row[0]) if row else 0

    def note(self, effects: Iterable[StoreEffect], texts: int) -> None:
        """These were done to the cache, which has counted up to `texts`."""
        self._texts = texts
        if self._base and not self.off:
            self._noted += [effect for effect in effects if changes_texts(effect)]

    @property
    def busy(self) -> bool:
        """Whether `step` has something to do."""
        if self.off or time.monotonic() < self._retry_at:
            return False
        index = self._index
        if index is None or self._noted or self._place is not None or index.gone:
            return True
        return index.purge > (Purge.NONE if self._may_purge() else Purge.SOMETIME)

    def step(self, cache: sqlite3.Connection) -> None:
        """Do a slice of what is to be done; never raises."""
        try:
            index = self._index
            if index is None:
                self._open(cache)
            elif self._noted:
                self._take(index, cache)
            elif index.gone:
                index.begin()
                index.sweep(SLICE)
                self._commit(index)
            elif self._place is not None:
                self._build(index, cache)
            elif index.purge:
                index.begin()
                if index.merge():
                    self._purged_at = time.monotonic()
                self._commit(index)
        except _FAULTS as error:
            self._failed(error)

    def search(self, cache: sqlite3.Connection, ask: Ask) -> Found:
        """The newest messages that fit; never raises."""
        query = search.parse(ask.words)
        if query.problem:
            return Found(problem=query.problem)
        until = time.monotonic() + BUILD_FIRST_S
        while self.busy and (self._index is None or self._noted or self._building_until(until)):
            self.step(cache)
        if self._index is None:
            return Found(problem="unavailable", indexed=0.0)
        try:
            return self._found(self._index, cache, ask, query)
        except _FAULTS as error:
            self._failed(error)
            return Found(problem="unavailable", indexed=0.0)

    def close(self, cache: sqlite3.Connection, wait_s: float = 0.25) -> None:
        """Write what is noted, and take deleted words out if that does not take long."""
        until = time.monotonic() + wait_s
        while self._index is not None and self.busy and time.monotonic() < until:
            if self._place is not None and not self._noted and not self._index.gone:
                break
            self.step(cache)
        self._let_go()

    # --- life ------------------------------------------------------------------------

    def _open(self, cache: sqlite3.Connection) -> None:
        if not has_fts5():
            self.off = "no_fts5"
        elif self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            self.off = "unsafe"
        if self.off:
            log.warning("messages cannot be searched: %s", self.off)
            return
        index = self._index = Index(self.path)
        state = index.state
        if not self._base or (state.get("format"), state.get("texts")) != (FORMAT, self._base):
            self._anew(cache)
        elif state.get("place") is not None:
            self._place = msgspec.json.decode(str(state["place"]), type=_Place)

    def _anew(self, cache: sqlite3.Connection) -> None:
        """An empty index, which is to be filled from the cache as it is now."""
        self._let_go()
        _remove(self.path)
        index = self._index = Index(self.path)
        self._noted.clear()
        self._place = _START
        if not self._texts:
            self._texts = count_change(cache)
        index.begin()
        self._commit(index)

    def _commit(self, index: Index) -> None:
        place = None if self._place is None else msgspec.json.encode(self._place).decode()
        index.commit(texts=self._texts, place=place)
        self._base = self._texts

    def _let_go(self) -> None:
        if self._index is not None:
            self._index.close()
        self._index, self._place = None, None

    def _failed(self, error: Exception) -> None:
        """Give it up, for a while or for good; no message hears of it."""
        log.warning("the index of messages: %s", words(error))
        self._let_go()
        self._noted.clear()
        # Whatever it has is not right any more.
        self._base = 0
        self._rebuilds += 1
        if self._rebuilds > REBUILDS_MAX:
            self.off = words(error)
        elif isinstance(error, OSError) or (
            isinstance(error, sqlite3.Error) and not is_damage(error)
        ):
            self._retry_at = time.monotonic() + RETRY_S
        with suppress(OSError):
            _remove(self.path)

    def _building_until(self, until: float) -> bool:
        return self._place is not None and time.monotonic() < until

    def _may_purge(self) -> bool:
        """The former words of edited texts are taken out now and then, deleted ones at once."""
        return not self._purged_at or time.monotonic() - self._purged_at > EDITS_PURGED_S

    # --- changes ---------------------------------------------------------------------

    def _take(self, index: Index, cache: sqlite3.Connection) -> None:
        """Bring all that is noted into the index."""
        if any(isinstance(effect, f.ForgetAll) for effect in self._noted):
            self._anew(cache)
            return
        index.begin()
        for effect in self._noted:
            if isinstance(effect, f.ForgetRoom):
                index.forget(effect.conversation_id)
        for room, seq in _touched(cache, self._noted):
            # What lies ahead of the building is found by it.
            if self._place is None or (room, seq) <= self._place:
                index.put(room, seq, _body(cache, room, seq))
        self._commit(index)
        self._noted.clear()

    def _build(self, index: Index, cache: sqlite3.Connection) -> None:
        """The next slice of the cache, by conversation and seq."""
        assert self._place is not None
        rows = cache.execute(
            "SELECT conversation_id, seq, kind, body FROM events"
            " WHERE (conversation_id, seq) > (?, ?) ORDER BY conversation_id, seq LIMIT ?",
            (*self._place, SLICE),
        ).fetchall()
        index.begin()
        for room, seq, kind, body in rows:
            if kind == "message":
                index.put(room, seq, body, known=False)
        self._place = (rows[-1][0], rows[-1][1]) if len(rows) == SLICE else None
        self._slices += 1
        # Many small transactions would be many small lists, which FTS5 merges again and again.
        if self._place is None or self._slices % SLICES_COMMITTED == 0:
            self._commit(index)

    # --- searching ---------------------------------------------------------------------

    def _found(self, index: Index, cache: sqlite3.Connection, ask: Ask, query: Query) -> Found:
        tags = index.tags(ask)
        hits: list[Hit] = []
        below, more = ask.before, tags is not None
        while more and len(hits) < ask.limit:
            free = ask.limit - len(hits)
            rows = index.page(ask, query, tags or (), below, free + 1)
            more = len(rows) > free
            for doc, room, seq in rows[:free]:
                below = doc
                hit = _hit(cache, room, seq, query)
                if hit is not None and search.wanted(hit.message, ask):
                    hits.append(hit)
        problem = "building" if self._place is not None else ""
        return Found(tuple(hits), below if more else 0, problem, self._share(cache))

    def _share(self, cache: sqlite3.Connection) -> float:
        """How many of the conversations have been built into the index."""
        if self._place is None:
            return 1.0
        rooms = [str(row[0]) for row in cache.execute("SELECT conversation_id FROM places")]
        return sum(room < self._place[0] for room in rooms) / max(1, len(rooms))


def _touched(cache: sqlite3.Connection, noted: Sequence[StoreEffect]) -> list[_Place]:
    """Where the messages are that were posted, edited or deleted."""
    found: dict[_Place, None] = {}
    for effect in noted:
        if not isinstance(effect, f.SaveEvents):
            continue
        for event in effect.events:
            if isinstance(event, MessagePosted):
                found[event.conversation_id, event.seq] = None
            elif isinstance(event, (MessageEdited, MessageDeleted)):
                for (seq,) in cache.execute(
                    "SELECT seq FROM events WHERE conversation_id = ? AND server_msg_id = ?",
                    (event.conversation_id, event.server_msg_id),
                ):
                    found[event.conversation_id, seq] = None
    return list(found)


def _body(cache: sqlite3.Connection, room: str, seq: int) -> str | None:
    row = cache.execute(
        "SELECT body FROM events WHERE conversation_id = ? AND seq = ? AND kind = 'message'",
        (room, seq),
    ).fetchone()
    return None if row is None else str(row[0])


def _hit(cache: sqlite3.Connection, room: str, seq: int, query: Query) -> Hit | None:
    """The message as it is in the cache, if it still fits."""
    body = _body(cache, room, seq)
    if body is None:
        return None
    return search.hit_of(msgspec.json.decode(body, type=MessagePosted).message, query)


def _remove(path: Path) -> None:
    for side in ("-wal", "-shm", ""):
        path.with_name(path.name + side).unlink(missing_ok=True)
