"""PostgreSQL goes away, is slow, is raced: nothing that was confirmed is lost or doubled."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from talkbot_tui.server.outcome import Outcome
from talkbot_tui.server.storage import people, sessions
from talkbot_tui.server.storage.database import Database, open_database
from talkbot_tui.server.storage.place import DatabaseOptions
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.acks import MessageAck
from talkbot_tui.wire.errors import Code, Refused
from tests import postgres
from tests.postgresql.world import QUICK, Room, seq_of, stored


async def test_it_is_crashed_and_restarted_under_load() -> None:
    with postgres.own() as cluster:
        store = open_database(Path(), cluster.database(), QUICK)
        room = Room(store)
        acked: dict[str, int] = {}
        settled: list[str] = []
        refused: Counter[Code] = Counter()
        stop = False

        async def person(number: int) -> None:
            turn = 0
            while not stop:
                turn += 1
                name = f"p{number}-{turn}"
                while True:
                    try:
                        done = await store.write(
                            room.post(name),
                            lambda _done, name=name: settled.append(name),  # type: ignore[misc]  # bound now
                            room.place,
                        )
                    except Refused as error:
                        refused[error.code] += 1
                        await asyncio.sleep(0.05)
                        continue
                    assert isinstance(done.answer, MessageAck)
                    assert name not in acked
                    acked[name] = done.answer.seq
                    break

        def trouble() -> None:
            for how in (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT):
                time.sleep(0.7)
                cluster.stop(how)
                cluster.start()
            for _ in range(15):
                time.sleep(0.05)
                cluster.ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'talkbot-tui'"
                )

        tasks = [asyncio.create_task(person(number)) for number in range(12)]
        await asyncio.to_thread(trouble)
        count = len(acked)
        deadline = time.monotonic() + 10
        while len(acked) < count + 50:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        stop = True
        await asyncio.gather(*tasks)
        found, seqs = stored(store, room.place)
        assert found == acked
        assert seqs == list(range(1, len(seqs) + 1))
        # Each was passed on once, also those whose commit was under way when it crashed.
        assert len(settled) == len(set(settled)) == len(acked)
        assert set(refused) <= {Code.BUSY}
        store.close()


class _Cut:
    """The next commit's connection breaks after, or before, the server has heard of it."""

    def __init__(self, store: Database, *, heard: bool) -> None:
        self._heard = heard
        self.done = 0
        sa.event.listen(store.writer._engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        self.done += 1
        if self.done == 1:
            if self._heard:
                driver.commit()
            driver.close()


@pytest.mark.parametrize("heard", [True, False])
def test_a_commit_of_unknown_outcome_is_found_out(store: Database, heard: bool) -> None:
    room = Room(store, "ana", "bruno")
    cut = _Cut(store, heard=heard)
    results = store.append([room.post("one"), room.post("two", 1)], [room.place] * 2)
    assert cut.done == (1 if heard else 2)
    assert [result.answer.seq for result in results] == [4, 5]
    # Had it been run again where it counted, there would be nothing to pass on.
    assert all(result.deliveries for result in results)
    found, seqs = stored(store, room.place)
    assert found == {"one": 4, "two": 5}
    assert seqs == [1, 2, 3, 4, 5]


async def test_while_it_is_away_requests_are_told_to_come_back() -> None:
    with postgres.own() as cluster:
        store = open_database(Path(), cluster.database(), DatabaseOptions(reconnect=0.3, connect=1))
        room = Room(store)
        cluster.stop()
        for ask in (
            lambda: store.write(room.post("a"), None, room.place),
            lambda: store.read(sessions.last_revocation),
        ):
            before = time.monotonic()
            with pytest.raises(Refused) as error:
                await ask()
            assert error.value.code is Code.BUSY
            assert error.value.retry_after_ms
            assert time.monotonic() - before < 5
        cluster.start()
        done = await store.write(room.post("a"), None, room.place)
        assert isinstance(done.answer, MessageAck)
        assert await store.read(sessions.last_revocation) == 0
        store.close()


async def test_frozen_it_is_given_up_in_time_and_nothing_piles_up() -> None:
    with postgres.own() as cluster:
        options = DatabaseOptions(statement=0.5, connect=1, reconnect=0.3)
        store = open_database(Path(), cluster.database(), options)
        room = Room(store)
        await store.read(sessions.last_revocation)
        cluster.freeze()
        before = time.monotonic()
        asked = [store.write(room.post(f"m{n}"), None, room.place) for n in range(20)]
        looked = [store.read(sessions.last_revocation) for _ in range(4)]
        answers = await asyncio.gather(*asked, *looked, return_exceptions=True)
        assert {getattr(one, "code", one) for one in answers} == {Code.BUSY}
        assert time.monotonic() - before < 15
        cluster.thaw()
        again = await asyncio.gather(*(store.write(room.post(f"m{n}")) for n in range(20)))
        found, seqs = stored(store, room.place)
        assert found == {f"m{n}": seq_of(done) for n, done in enumerate(again)}
        assert seqs == list(range(1, len(seqs) + 1))
        store.close()


def test_who_holds_one_conversation_does_not_hold_the_others(store: Database, url: str) -> None:
    room = Room(store)
    with psycopg.connect(url) as other:
        other.execute(b"SELECT * FROM conversation FOR UPDATE")
        results = store.append(
            [room.post("a"), lambda tx: people.set_meta(tx, "free", "1"), room.post("b")],
            [room.place, "", room.place],
        )
        assert [getattr(one, "code", one) for one in results] == [Code.BUSY, None, Code.BUSY]
        other.rollback()
    assert store.ask(lambda tx: people.get_meta(tx, "free")) == "1"
    (done,) = store.append([room.post("a")], [room.place])
    assert isinstance(done, Outcome)


def test_a_statement_that_takes_too_long_ends_alone(url: str) -> None:
    store = open_database(Path(), url, DatabaseOptions(statement=0.3))

    def slow(tx: Tx) -> None:
        tx.sql.execute(sa.text("SELECT pg_sleep(60)"))

    results = store.append([slow, lambda tx: people.set_meta(tx, "quick", "1")])
    assert isinstance(results[0], Refused)
    assert results[0].code is Code.BUSY
    assert store.ask(lambda tx: people.get_meta(tx, "quick")) == "1"
    with pytest.raises(Refused):
        store.ask(slow)
    store.close()


def test_a_unit_that_hides_an_error_is_not_taken_for_stored(store: Database) -> None:
    def hiding(tx: Tx) -> str:
        people.set_meta(tx, "hidden", "1")
        try:
            tx.sql.execute(sa.text("SELECT 1 / 0"))
        except sa.exc.DBAPIError:
            return "done"
        return "never"

    (done,) = store.append([hiding])
    assert isinstance(done, RuntimeError)
    assert store.ask(lambda tx: people.get_meta(tx, "hidden")) is None
