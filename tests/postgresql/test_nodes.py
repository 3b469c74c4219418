"""Several nodes on one database: what they do at once is done once, and in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from talkbot_tui.server import service_rooms
from talkbot_tui.server.outcome import Outcome
from talkbot_tui.server.storage import people, rooms, sessions
from talkbot_tui.server.storage.database import Database, open_database
from talkbot_tui.server.storage.schema import member, meta, writer_mark
from talkbot_tui.server.storage.tx import Tx
from talkbot_tui.wire.client_events import Leave
from tests import postgres
from tests.postgresql.world import QUICK, Room, stored
from tests.waiting import until_sync


def test_two_nodes_that_wait_for_each_other_both_end_well(url: str) -> None:
    nodes = [open_database(Path(), url, QUICK) for _ in range(2)]
    barrier = threading.Barrier(2, timeout=20)
    runs = [0, 0]

    def crossing(mine: int) -> Callable[[Tx], str]:
        def unit(tx: Tx) -> str:
            runs[mine] += 1
            people.set_meta(tx, f"key{mine}", "x")
            if runs[mine] == 1:
                barrier.wait()
            people.set_meta(tx, f"key{1 - mine}", "x")
            return "done"

        return unit

    nodes[0].append([partial(people.set_meta, key=f"key{n}", value="0") for n in range(2)])
    results: list[Any] = [None, None]

    def go(mine: int) -> None:
        results[mine] = nodes[mine].append([crossing(mine), lambda tx: "too"])

    threads = [threading.Thread(target=go, args=(mine,)) for mine in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [["done", "too"]] * 2
    assert sum(runs) > 2
    for node in nodes:
        node.close()


def test_two_nodes_that_make_the_same_thing_make_it_once(url: str) -> None:
    nodes = [open_database(Path(), url, QUICK) for _ in range(3)]
    room = Room(nodes[0], "ana")
    results: list[Any] = []

    def go(node: Database) -> None:
        units = [room.post(f"m{n}") for n in range(40)]
        for start in range(0, 40, 10):
            results.append((start, node.append(units[start : start + 10], [room.place] * 10)))
        for n in range(20):
            results.append((f"n{n}", node.append([room.post(f"n{n}")], [""])))

    threads = [threading.Thread(target=go, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    answers: dict[Any, list[Any]] = {}
    for key, done in results:
        assert not any(isinstance(one, Exception) for one in done), done
        answers.setdefault(key, []).append([one.answer for one in done])
    assert all(len(given) == 3 and given[0] == given[1] == given[2] for given in answers.values())
    found, seqs = stored(nodes[0], room.place)
    assert len(found) == 60
    assert seqs == list(range(1, len(seqs) + 1))
    for node in nodes:
        node.close()


def _two_own_it(tx: Tx, room: Room) -> None:
    tx.sql.execute(member.update().values(role="member"))
    for who in room.actors[:2]:
        service_rooms._role(tx, who.user, room.place, who.user, "owner")


def test_the_last_two_owners_do_not_both_leave(url: str) -> None:
    nodes = [open_database(Path(), url, QUICK) for _ in range(2)]
    for turn in range(10):
        names = [f"ana{turn}", f"bruno{turn}", f"carla{turn}"]
        room = Room(nodes[0], *names)
        nodes[0].append([lambda tx, room=room: _two_own_it(tx, room)])  # type: ignore[misc]  # bound now
        barrier = threading.Barrier(2, timeout=20)

        def leave(mine: int, room: Room = room, barrier: threading.Barrier = barrier) -> None:
            asked = Leave(conversation_id=room.place, client_op_id=f"leave{mine}")
            barrier.wait()
            (done,) = nodes[mine].append(
                [lambda tx: service_rooms.leave(tx, room.actors[mine], asked)], [room.place]
            )
            assert isinstance(done, Outcome), done

        threads = [threading.Thread(target=leave, args=(mine,)) for mine in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert nodes[0].ask(lambda tx, room=room: rooms.owners(tx, room.place)) == 1  # type: ignore[misc]  # bound now
    for node in nodes:
        node.close()


def test_a_reader_never_sees_a_later_revocation_before_an_earlier_one(url: str) -> None:
    nodes = [open_database(Path(), url, QUICK) for _ in range(2)]
    Room(nodes[0], "ana")
    order: list[str] = []
    meanwhile: list[object] = []

    def revoke_second() -> None:
        nodes[1].append([lambda tx: sessions.revoke_all(tx, "second")])
        order.append("second")

    second = threading.Thread(target=revoke_second)

    def first(tx: Tx) -> None:
        sessions.revoke_all(tx, "first")
        second.start()
        until_sync(lambda: _waits_for_lock(url) or order)
        meanwhile.append(nodes[0].ask(lambda tx: sessions.revocations(tx, 0)))

    nodes[0].append([first])
    second.join(20)
    assert meanwhile == [[]]
    numbers = nodes[0].ask(lambda tx: sessions.revocations(tx, 0))
    assert [row[1] for row in numbers] == ["first", "second"]
    assert nodes[0].writer.commits
    for node in nodes:
        node.close()


def _waits_for_lock(url: str) -> bool:
    found = postgres.shared().ask(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        f" AND datname = '{url.rpartition('/')[2]}'"
    )
    return bool(found[0][0])


def test_a_writer_that_ended_leaves_no_row(url: str) -> None:
    store = open_database(Path(), url)
    store.append([lambda tx: people.set_meta(tx, "a", "b")])
    rows = sa.select(sa.func.count()).select_from(writer_mark)
    assert store.ask(lambda tx: tx.sql.scalar(rows)) == 1
    store.close()
    store = open_database(Path(), url)
    assert store.ask(lambda tx: tx.sql.scalar(rows)) == 0
    assert store.ask(lambda tx: tx.sql.scalar(sa.select(meta.c.value).limit(1))) == "b"
    store.close()
