"""The writer on PostgreSQL: whatever happens to the connection, no ack is lost or false.

Each transaction leaves its number in the writer's own row of `writer_mark`. When the
connection is lost while a commit is under way, that row tells on the next one whether the
transaction counts: reading it waits until the old transaction, should it still live, has
ended. (The status of a transaction id would not do: after a crash an id can be given again.)
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server.ids import new_id, now_ms
from talkbot_tui.server.storage import faults
from talkbot_tui.server.storage.faults import Fault, StoreProblem
from talkbot_tui.server.storage.schema import conversation, writer_mark
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.server.storage.writer import Writer

Unit = Callable[[Tx], Any]

TRIES = 8
UNIT_TRIES = 4
HELD_SECONDS = 1.0
PAUSE_SECONDS = 0.02
_chance = random.SystemRandom()
FORGOTTEN_MS = 7 * 24 * 3600 * 1000
"""Rows of writers that ended without taking theirs away."""

_MARK = (
    writer_mark.update()
    .where(writer_mark.c.writer == sa.bindparam("me"))
    .values(batch=sa.bindparam("number"), at=sa.bindparam("now"))
)
_MARKED = (
    sa.select(writer_mark.c.batch)
    .where(writer_mark.c.writer == sa.bindparam("me"))
    .with_for_update()
)
# In one order, so that writers of several nodes do not wait for each other in a circle.
# Only then the members are looked at: what a removal elsewhere has changed is seen.
_HOLD = (
    sa.select(conversation.c.conversation_id)
    .where(conversation.c.conversation_id.in_(sa.bindparam("places", expanding=True)))
    .order_by(conversation.c.conversation_id)
    .with_for_update(key_share=True)
)


class _UnknownOutcome(Exception):
    """The connection was lost while the transaction was being committed."""

    def __init__(self, number: int, results: list[Any]) -> None:
        super().__init__(f"transaction {number}")
        self.number = number
        self.results = results


class PostgresWriter(Writer):
    """Owns the writing connection, and makes another one when it is lost."""

    def __init__(self, engine: sa.Engine, patience: float) -> None:
        """`patience`: for how many s a server that is not there is waited for."""
        self._me = new_id()
        self._number = 0
        self._patience = patience
        self._down = False
        super().__init__(engine)

    def close(self) -> None:
        """Finish the queue, end the thread, take the writer's row away."""
        super().close()
        try:
            with self._engine.begin() as connection:
                old = writer_mark.c.at < now_ms() - FORGOTTEN_MS
                mine = writer_mark.c.writer == self._me
                connection.execute(writer_mark.delete().where(sa.or_(mine, old)))
        except (sa.exc.SQLAlchemyError, StoreProblem):
            # Another writer will do it.
            return

    def append(self, batch: Sequence[Unit], places: Sequence[str] = ()) -> list[Any]:
        """Run all units in one transaction; a unit that failed is its exception.

        On an error of the whole it is run again, or each unit for itself, before they are
        all told to come back later. Units may therefore run more than once.
        """
        with self._turn:
            results = self._run_batch(batch, places)
            self.units += len(batch)
            return results

    def _run_batch(self, batch: Sequence[Unit], places: Sequence[str]) -> list[Any]:
        deadline = time.monotonic() + (0 if self._down or self._closed else self._patience)
        for attempt in range(TRIES):
            try:
                results = self._once(batch, places)
                self._down = False
                return results
            except _UnknownOutcome as unknown:
                done = self._outcome(unknown.number, deadline)
                if done is None:
                    return [faults.busy()] * len(batch)
                if done:
                    return unknown.results
            except Exception as error:
                fault = faults.of_postgres(error)
                if fault.lost:
                    if not self._reached(deadline):
                        return [fault.refusal] * len(batch)
                elif not fault.again or attempt == TRIES - 1:
                    return self._split(batch, places, fault)
                else:
                    _pause(attempt)
        return [faults.busy()] * len(batch)

    def _split(self, batch: Sequence[Unit], places: Sequence[str], fault: Fault) -> list[Any]:
        """One unit must not take the others of its transaction with it again and again."""
        if len(batch) == 1:
            return [fault.refusal]
        results: list[Any] = []
        held: set[str] = set()
        for index, unit in enumerate(batch):
            place = places[index] if places else ""
            if place in held:
                results.append(faults.busy())
                continue
            before = time.monotonic()
            results += self._run_batch([unit], [place])
            if place and time.monotonic() - before > HELD_SECONDS:
                # Somebody holds that conversation; the others are not to wait for it in turn.
                held.add(place)
        return results

    def _once(self, batch: Sequence[Unit], places: Sequence[str]) -> list[Any]:
        with self._engine.connect() as connection:
            self._number += 1
            number, tx = self._number, Tx(connection, now_ms())
            mark = {"me": self._me, "number": number, "now": tx.now}
            if connection.execute(_MARK, mark).rowcount == 0:
                row = {"writer": self._me, "batch": number, "at": tx.now}
                connection.execute(writer_mark.insert().values(row))
            held = {place for place in places if place}
            if held:
                connection.execute(_HOLD, {"places": list(held)})
            lone = len(batch) == 1
            # Alone, a unit needs no savepoint: the transaction is its own.
            results = [batch[0](tx)] if lone else [_attempt(tx, unit) for unit in batch]
            _refuse_spoilt(connection)
            try:
                connection.commit()
            except sa.exc.DBAPIError as error:
                if faults.of_postgres(error).lost:
                    raise _UnknownOutcome(number, results) from None
                raise
            self.commits += 1
            return results

    def _outcome(self, number: int, deadline: float) -> bool | None:
        """Whether that transaction counts; None when nobody answers in time."""
        while self._reached(deadline):
            try:
                with self._engine.connect() as connection:
                    return connection.scalar(_MARKED, {"me": self._me}) == number
            except (sa.exc.SQLAlchemyError, StoreProblem):
                # Gone again, or the old transaction is still there.
                time.sleep(PAUSE_SECONDS)
        return None

    def _reached(self, deadline: float) -> bool:
        """Whether the server answers by `deadline`; asks at least once."""
        attempt = 0
        while True:
            try:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
                self._down = False
                return True
            except (sa.exc.SQLAlchemyError, StoreProblem):
                if self._closed or time.monotonic() >= deadline:
                    self._down = True
                    return False
                _pause(attempt)
                attempt = min(attempt + 1, 4)


def _attempt(tx: Tx, unit: Unit) -> Any:
    """One unit among others, inside a savepoint of its own."""
    for attempt in range(UNIT_TRIES):
        try:
            with tx.sql.begin_nested():
                return unit(tx)
        except Exception as error:
            fault = faults.of_postgres(error)
            if not fault.alone:
                raise
            # Somebody else was first with that name or id; now that can be seen.
            if not fault.again or attempt == UNIT_TRIES - 1:
                return fault.refusal
    raise AssertionError


def _refuse_spoilt(connection: sa.Connection) -> None:
    """A transaction in which a statement failed ends as a rollback, without an error."""
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status.name != "INTRANS":
        raise RuntimeError("a unit hid an error of the database")


def _pause(attempt: int) -> None:
    time.sleep(PAUSE_SECONDS * 2**attempt * _chance.uniform(0.5, 1))
