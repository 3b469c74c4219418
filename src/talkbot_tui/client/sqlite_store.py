"""The store on disk: SQLite on one thread, one transaction for each batch of effects."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock

from talkbot_tui.client import sqlite_rows
from talkbot_tui.client.sqlite_files import error_code, flag_damaged, open_file, transaction
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
from talkbot_tui.paths import UnsafeFolder, private_file, private_folder

log = logging.getLogger(__name__)

OWED_MAX = 2_000
LOCK_STEP_S = 0.05


class SqliteStore:
    """One account's cache, outbox and drafts in a folder that nobody else can read."""

    def __init__(self, folder: Path, *, wait_s: float = 0.0) -> None:
        """`wait_s`: how long to wait for another process that has the folder open."""
        self.path = folder / "cache.db"
        self._folder = folder
        self._wait_s = wait_s
        self._lock = filelock.FileLock(folder / "lock", timeout=0, thread_local=False, mode=0o600)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="talkbot-store")
        self._db: sqlite3.Connection | None = None
        self._owed: list[StoreEffect] = []
        self._given_up: set[str] = set()
        self._notices: tuple[tuple[str, str], ...] = ()

    async def open(self) -> Loaded:
        """Open or make the file; raises `StoreError`."""
        try:
            await asyncio.wrap_future(self._thread.submit(self._make_folder))
            await self._acquire()
            return await asyncio.wrap_future(self._thread.submit(self._open))
        except StoreError:
            self._lock.release()
            raise

    async def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        """Perform effects in order, in one transaction, on disk on return; never raises."""
        work = asyncio.wrap_future(self._thread.submit(self._apply, list(effects)))
        # Whoever cancels us must not leave the thread's answer behind half read.
        return await asyncio.shield(work)

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
        return sqlite_rows.load(self._db)

    def _apply(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        effects = [effect for effect in effects if self._wanted(effect)]
        owed, self._owed = self._owed, []
        try:
            return self._together([*owed, *effects])
        except sqlite3.Error as error:
            return self._failed(owed, effects, error)
        except Exception:
            log.exception("an effect could not be stored; the others are stored one by one")
            return self._one_by_one([*owed, *effects])

    def _together(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        assert self._db is not None
        if all(isinstance(effect, LoadPage) for effect in effects):
            answers = [sqlite_rows.perform(self._db, effect) for effect in effects]
        else:
            with transaction(self._db):
                answers = [sqlite_rows.perform(self._db, effect) for effect in effects]
        return [answer for answer in answers if answer is not None]

    def _one_by_one(self, effects: list[StoreEffect]) -> list[StoreEvent]:
        answers: list[StoreEvent] = []
        for effect in effects:
            try:
                answers += self._together([effect])
            except sqlite3.Error as error:
                answers += self._failed([], [effect], error)
            except Exception as error:
                log.warning("%s could not be stored: %r", type(effect).__name__, error)
                if isinstance(effect, SaveLocal):
                    answers.append(SaveFailed(effect.message.client_msg_id, "not_storable"))
                elif isinstance(effect, LoadPage):
                    answers.append(PageLoaded(effect.conversation_id, (), effect.before))
        return answers

    def _failed(
        self, owed: list[StoreEffect], effects: list[StoreEffect], error: sqlite3.Error
    ) -> list[StoreEvent]:
        """Nothing was written: messages go back to their author, the rest is owed."""
        code = error_code(error)
        log.warning("the store failed: %s (%s)", code, error)
        if code == "unreadable":
            flag_damaged(self.path)
        answers: list[StoreEvent] = []
        for effect in effects:
            if isinstance(effect, SaveLocal):
                answers.append(SaveFailed(effect.message.client_msg_id, code))
            elif isinstance(effect, LoadPage):
                answers.append(self._page(effect))
            else:
                owed.append(effect)
        self._owed = owed if len(owed) <= OWED_MAX else self._give_up(owed)
        return answers

    def _page(self, effect: LoadPage) -> StoreEvent:
        """Reading goes on while nothing can be written."""
        assert self._db is not None
        try:
            found = sqlite_rows.perform(self._db, effect)
        except sqlite3.Error:
            found = None
        return found or PageLoaded(effect.conversation_id, (), effect.before)

    def _give_up(self, owed: list[StoreEffect]) -> list[StoreEffect]:
        """Too much is owed: conversations with unwritten events are fetched anew at the next start.

        Their cursor must not move past what was never written, so nothing more
        is written of them in this run.
        """
        rooms = {e.conversation_id for e in owed if isinstance(e, SaveEvents)}
        self._given_up |= rooms
        kept = [e for e in owed if isinstance(e, (UpdateLocal, DropLocal, SaveDraft))]
        return [*kept[-OWED_MAX:], *(ForgetRoom(room) for room in sorted(self._given_up))]

    def _wanted(self, effect: StoreEffect) -> bool:
        return not (isinstance(effect, SaveEvents) and effect.conversation_id in self._given_up)

    def _close(self) -> None:
        if self._owed:
            self._apply([])
        if self._owed:
            log.warning("%d changes of the cache could not be written", len(self._owed))
        if self._db is not None:
            try:
                self._db.close()
            except sqlite3.Error as error:
                log.warning("closing the cache: %s", error)
            self._db = None
