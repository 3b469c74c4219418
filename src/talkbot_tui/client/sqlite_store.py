"""The store on disk: SQLite on one thread, one transaction for each batch of effects."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import filelock

from talkbot_tui.client import sqlite_rows
from talkbot_tui.client.owed import with_owed
from talkbot_tui.client.sqlite_checks import is_unreadable, words
from talkbot_tui.client.sqlite_files import error_code, flag_damaged, open_file, transaction
from talkbot_tui.client.sqlite_search import Search, changes_texts, count_change
from talkbot_tui.client.store import StoreEffect, StoreError, StoreEvent
from talkbot_tui.core.arrivals import Loaded, PageLoaded, SaveFailed
from talkbot_tui.core.effects import (
    DropLocal,
    ForgetRoom,
    LoadPage,
    SaveDraft,
    SaveEvents,
    SaveLocal,
    UpdateLocal,
)
from talkbot_tui.core.model import LogEvent
from talkbot_tui.core.search import Ask, Found
from talkbot_tui.paths import UnsafeFolder, private_file, private_folder

log = logging.getLogger(__name__)

CACHE = "cache.db"
OWED_MAX = 2_000
LOCK_STEP_S = 0.05


class SqliteStore:
    """One account's cache, outbox and drafts in a folder that nobody else can read."""

    def __init__(self, folder: Path, *, wait_s: float = 0.0) -> None:
        """`wait_s`: how long to wait for another process that has the folder open."""
        self.path = folder / CACHE
        self._folder = folder
        self._wait_s = wait_s
        self._lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False, mode=0o600)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="talkbot-store")
        self._db: sqlite3.Connection | None = None
        self._owed: list[StoreEffect] = []
        self._given_up: set[str] = set()
        self._notices: tuple[tuple[str, str], ...] = ()
        self._search = Search(folder / "search.db")
        self._indexing = False

    async def open(self) -> Loaded:
        """Open or make the file; raises `StoreError`."""
        try:
            await asyncio.wrap_future(self._thread.submit(self._make_folder))
            await self._acquire()
            return await asyncio.wrap_future(self._thread.submit(self._open))
        except BaseException:
            # In the thread's turn: who cancels us must not free a file that is still being opened.
            await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._give_back)))
            raise

    async def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        """Perform effects in order, in one transaction, on disk on return; never raises."""
        work = asyncio.wrap_future(self._thread.submit(self._apply, list(effects)))
        # Whoever cancels us must not leave the thread's answer behind half read.
        return await asyncio.shield(work)

    async def search(self, ask: Ask) -> Found:
        """The newest cached messages that fit; never raises."""
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(self._find, ask)))

    async def seq_at(self, conversation_id: str, ts: int) -> int:
        """The first cached event at or after `ts` (ms), 0 when there is none; never raises."""
        work = self._thread.submit(self._seq_at, conversation_id, ts)
        return await asyncio.shield(asyncio.wrap_future(work))

    async def indexed(self) -> None:
        """Wait until the index has everything that is cached, or cannot have it."""
        while await asyncio.wrap_future(self._thread.submit(self._index_more)):
            pass

    @property
    def owing(self) -> bool:
        """Whether something could not be written yet."""
        return bool(self._owed)

    async def close(self) -> None:
        """Write what is owed and release the files."""
        if self._db is not None:
            await asyncio.wrap_future(self._thread.submit(self._close))
        self._lock.release()
        self._thread.shutdown(wait=False)

    def notices(self) -> tuple[tuple[str, str], ...]:
        """Code and file of what the user should know about the opening; once."""
        told, self._notices = self._notices, ()
        return told

    # --- before the thread --------------------------------------------------------------

    async def _acquire(self) -> None:
        """Only one process writes to a folder; the system drops the lock with its owner."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_s
        while True:
            try:
                self._lock.acquire()
                return
            except filelock.Timeout:
                if loop.time() >= deadline:
                    raise StoreError("busy", str(self._folder)) from None
            except (OSError, NotImplementedError) as error:
                raise StoreError("read_only", str(self._folder), str(error)) from None
            await asyncio.sleep(LOCK_STEP_S)

    # --- in the thread ----------------------------------------------------------------

    def _make_folder(self) -> None:
        try:
            private_folder(self._folder)
            private_file(self._folder / "lock")
        except UnsafeFolder as error:
            raise StoreError("unsafe", str(self._folder), str(error)) from None
        except OSError as error:
            raise StoreError("read_only", str(self._folder), str(error)) from None

    def _open(self) -> Loaded:
        self._db, notices = open_file(self.path)
        self._notices = tuple(notices)
        try:
            self._search.begin(self._db)
            return sqlite_rows.load(self._db)
        except sqlite3.Error as error:
            raise StoreError(error_code(error), str(self.path), str(error)) from None

    def _give_back(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        self._lock.release()

    def _apply(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        effects = [effect for effect in effects if self._wanted(effect)]
        owed, self._owed = self._owed, []
        self._index_later()
        try:
            return self._together([*owed, *effects])
        except sqlite3.Error as error:
            return self._failed(owed, effects, error)
        except Exception as error:
            log.warning("stored one by one, since one cannot be stored: %s", words(error))
            return self._one_by_one([*owed, *effects])

    def _together(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        assert self._db is not None
        if all(isinstance(effect, LoadPage) for effect in effects):
            answers = [sqlite_rows.perform(self._db, effect) for effect in effects]
        else:
            texts = 0
            with transaction(self._db):
                answers = [sqlite_rows.perform(self._db, effect) for effect in effects]
                if any(changes_texts(effect) for effect in effects):
                    texts = count_change(self._db)
            if texts:
                self._search.note(effects, texts)
        return [answer for answer in answers if answer is not None]

    def _one_by_one(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        answers: list[StoreEvent] = []
        for effect in effects:
            try:
                answers += self._together([effect])
            except sqlite3.Error as error:
                answers += self._failed([], [effect], error)
            except Exception as error:
                log.warning("%s could not be stored: %s", type(effect).__name__, words(error))
                if is_unreadable(error):
                    flag_damaged(self.path)
                if isinstance(effect, SaveLocal):
                    answers.append(SaveFailed(effect.message.client_msg_id, "not_storable"))
                elif isinstance(effect, LoadPage):
                    answers.append(empty_page(effect))
        return answers

    def _failed(
        self, owed: list[StoreEffect], effects: list[StoreEffect], error: sqlite3.Error
    ) -> list[StoreEvent]:
        """Nothing was written: messages go back to their author, the rest is owed."""
        code = error_code(error)
        log.warning("the store failed: %s (%s)", code, words(error))
        if is_unreadable(error):
            flag_damaged(self.path)
        answers: list[StoreEvent] = []
        for effect in effects:
            if isinstance(effect, SaveLocal):
                answers.append(SaveFailed(effect.message.client_msg_id, code))
            elif isinstance(effect, LoadPage):
                answers.append(self._page(effect, owed))
            else:
                owed.append(effect)
        self._owed = owed if len(owed) <= OWED_MAX else self._give_up(owed)
        return answers

    def _page(self, effect: LoadPage, owed: Sequence[StoreEffect]) -> StoreEvent:
        """Reading goes on while nothing can be written, and shows what is owed as well."""
        assert self._db is not None
        found: Sequence[LogEvent] = ()
        try:
            answer = sqlite_rows.perform(self._db, effect)
        except Exception as error:
            log.warning("the cache cannot be read for now: %s", words(error))
            if is_unreadable(error):
                flag_damaged(self.path)
        else:
            assert isinstance(answer, PageLoaded)
            found = with_owed(answer, owed, effect.limit)
        return replace(empty_page(effect), events=tuple(found))

    def _give_up(self, owed: list[StoreEffect]) -> list[StoreEffect]:
        """Too much is owed: conversations with unwritten events are fetched anew at the next start.

        Their cursor must not move past what was never written, so nothing more
        is written of them in this run.
        """
        rooms = {e.conversation_id for e in owed if isinstance(e, SaveEvents)}
        self._given_up |= rooms
        # Of each message and draft only the latest counts: so none of them has to go.
        kept = {_what(e): e for e in owed if isinstance(e, (UpdateLocal, DropLocal, SaveDraft))}
        return [*kept.values(), *(ForgetRoom(room) for room in sorted(self._given_up))]

    def _wanted(self, effect: StoreEffect) -> bool:
        return not (isinstance(effect, SaveEvents) and effect.conversation_id in self._given_up)

    # --- the index, in the thread when it has nothing else to do ----------------------

    def _index_later(self) -> None:
        """Not before the answer that somebody waits for: behind it in the thread's queue."""
        if not self._indexing:
            with suppress(RuntimeError):
                self._thread.submit(self._index_on)
                self._indexing = True

    def _index_on(self) -> None:
        self._indexing = False
        if self._index_more():
            self._index_later()

    def _index_more(self) -> bool:
        if self._db is not None and self._search.busy:
            self._search.step(self._db)
        return self._db is not None and self._search.busy

    def _find(self, ask: Ask) -> Found:
        return self._search.search(self._db, ask) if self._db else Found(problem="unavailable")

    def _seq_at(self, conversation_id: str, ts: int) -> int:
        try:
            return sqlite_rows.seq_at(self._db, conversation_id, ts) if self._db else 0
        except Exception as error:
            log.warning("the cache cannot be read for now: %s", words(error))
            return 0

    def _close(self) -> None:
        if self._owed:
            self._apply([])
        if self._owed:
            log.warning("%d changes of the cache could not be written", len(self._owed))
        if self._db is not None:
            self._search.close(self._db)
            try:
                self._db.close()
            except sqlite3.Error as error:
                log.warning("closing the cache: %s", error)
            self._db = None


def empty_page(effect: LoadPage) -> PageLoaded:
    """The answer to `effect` when nothing can be read."""
    return PageLoaded(effect.conversation_id, (), effect.before, effect.after)


def _what(effect: UpdateLocal | DropLocal | SaveDraft) -> tuple[str, str]:
    """What an effect is about: a message or a draft."""
    match effect:
        case UpdateLocal(message=message):
            return "message", message.client_msg_id
        case DropLocal(client_msg_id=client_msg_id):
            return "message", client_msg_id
        case SaveDraft(conversation_id=conversation_id):
            return "draft", conversation_id
