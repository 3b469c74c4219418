"""The one writer: whole transactions as units, many of them in one commit.

A commit waits for the disk; units that arrive meanwhile share the next one.
Each has its own savepoint, so that a refused one leaves no trace and does not
disturb the others, and none is ever half done because its caller went away.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.storage import faults
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.errors import Code, Refused

T = TypeVar("T")
log = logging.getLogger(__name__)
Settle = Callable[[Any], None]

BATCH_MAX = 256


@dataclass(frozen=True, slots=True)
class _Job:
    unit: Callable[[Tx], Any]
    settle: Settle | None
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    place: str


class Writer:
    """Owns the writing connection and its thread."""

    def __init__(self, engine: sa.Engine) -> None:
        """Start the thread."""
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-write", daemon=True)
        self._closed = False
        self.commits = 0
        self.units = 0
        self._turn = threading.Lock()
        self._thread.start()

    def submit(
        self, unit: Callable[[Tx], T], settle: Settle | None = None, place: str = ""
    ) -> asyncio.Future[T]:
        """Queue a unit; the future has its value after the commit.

        place: the conversation that it is about, where that is known before it runs.
        Raises `Refused` (busy) when the store is closing.
        """
        if self._closed:
            raise Refused(Code.BUSY, "The server is stopping.", retry_after_ms=1000)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(unit, settle, future, loop, place))
        return future

    def close(self) -> None:
        """Finish the queue and end the thread."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def append(self, batch: Sequence[Callable[[Tx], Any]], places: Sequence[str] = ()) -> list[Any]:
        """Run all units in one transaction; a unit that failed is its exception.

        When the commit itself fails, every unit has. `places`: for each the
        conversation that it is about, empty where that is not known.
        """
        results: list[Any] = []
        try:
            with self._turn, self._engine.begin() as connection:
                tx = Tx(connection, now_ms())
                if len(batch) == 1:
                    # Alone, a unit needs no savepoint: the transaction is its own.
                    results.append(batch[0](tx))
                else:
                    results += [_attempt(tx, unit) for unit in batch]
                self.units += len(batch)
                self.commits += 1
        except (sa.exc.DBAPIError, OSError) as error:
            return [faults.of_sqlite(error).refusal] * len(batch)
        except Exception as error:
            return [error] * len(batch)
        return results

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            batch, last = [job], False
            while len(batch) < BATCH_MAX:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    last = True
                    break
                batch.append(job)
            results = self.append([job.unit for job in batch], [job.place for job in batch])
            _deliver(list(zip(batch, results, strict=True)))
            if last:
                return


def _attempt(tx: Tx, unit: Callable[[Tx], Any]) -> Any:
    try:
        with tx.sql.begin_nested():
            return unit(tx)
    except sa.exc.OperationalError:
        # Disk full or locked: the transaction as a whole is lost.
        raise
    except Exception as error:
        return error


def _deliver(done: list[tuple[_Job, Any]]) -> None:
    loop = done[0][0].loop

    def settle_all() -> None:
        for job, result in done:
            failed = isinstance(result, Exception)
            if job.settle is not None and not failed:
                try:
                    job.settle(result)
                except Exception:
                    # It is stored; the others of this commit must still hear of theirs.
                    log.exception("what follows a commit failed")
            if job.future.done():
                continue
            if failed:
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    try:
        loop.call_soon_threadsafe(settle_all)
    except RuntimeError:
        # The loop has ended; what was stored stays stored.
        return
