"""Planted bugs of the server and of the client's link, each with the test that must find it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talkbot_tui.client.engine_link import Supervisor
from talkbot_tui.core.arrivals import LinkDown
from talkbot_tui.server.connections import Connection
from talkbot_tui.server.dispatcher import Dispatcher
from talkbot_tui.server.fanout import Fanout, _frame
from talkbot_tui.server.storage import log
from talkbot_tui.server.storage.database import open_database
from talkbot_tui.server.storage.rooms import next_seq
from talkbot_tui.server.storage.tx import Tx
from tests.client.test_engine import test_attempts_back_off_with_jitter_until_the_path_heals
from tests.server.test_hazards import test_nothing_is_sent_or_handled_before_the_handshake
from tests.server.test_live import (
    test_after_a_removal_nothing_more_reaches_the_removed_one,
    test_two_hundred_pipelined_messages_keep_their_order,
    test_what_is_queued_for_a_member_goes_with_the_membership,
)
from tests.server.test_rules import World, test_pages_meet_without_a_hole_or_an_overlap

Finder = Callable[[Path], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Planted:
    """A bug, and a test that fails while it is there."""

    bug: Callable[[], AbstractContextManager[None]]
    finder: Finder


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    held = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, held)


def removal_stays_subscribed() -> AbstractContextManager[None]:
    """Whoever is removed goes on receiving."""
    return _replaced(Fanout, "leave", lambda self, user_id, conversation_id: None)


def removal_keeps_the_queue() -> AbstractContextManager[None]:
    """What was queued for a member is sent after the removal, too."""

    def leave(self: Fanout, user_id: str, conversation_id: str) -> None:
        for connection in tuple(self.of_user(user_id)):
            connection.rooms.discard(conversation_id)
            self._leave(connection, conversation_id)

    return _replaced(Fanout, "leave", leave)


def broadcast_to_pending() -> AbstractContextManager[None]:
    """A broadcast goes to every connection, signed in or not, as to a namespace."""
    to_room = Fanout.to_room

    def everybody(
        self: Fanout, conversation_id: str, name: str, payload: Any, *, but: str = ""
    ) -> None:
        to_room(self, conversation_id, name, payload, but=but)
        for socket in self._closer.eio.sockets.values():  # type: ignore[attr-defined]  # the real one
            socket.queue.put_nowait(_frame(name, payload))

    return _replaced(Fanout, "to_room", everybody)


def seq_from_clock() -> AbstractContextManager[None]:
    """A place's number is the time."""
    return _replaced(log, "next_seq", lambda tx, conversation_id: time.monotonic_ns())


def seq_lost_with_rollback() -> AbstractContextManager[None]:
    """Every seventh number is given to nobody."""
    following = next_seq

    def skipping(tx: Tx, conversation_id: str) -> int:
        seq = following(tx, conversation_id)
        return following(tx, conversation_id) if seq % 7 == 0 else seq

    return _replaced(log, "next_seq", skipping)


def handlers_as_tasks() -> AbstractContextManager[None]:
    """Each event is handled in a task of its own, as python-socketio does."""

    async def serve(self: Dispatcher, connection: Connection) -> None:
        tasks: list[asyncio.Task[None]] = []
        while not connection.closing:
            request = await connection.inbox.get()
            work = self._one(connection, request)
            later = len(tasks) % 3 * 0.01

            async def run(work: Any = work, later: float = later) -> None:
                await asyncio.sleep(later)
                await work

            tasks.append(asyncio.ensure_future(run()))

    return _replaced(Dispatcher, "_serve", serve)


def one_attempt_only() -> AbstractContextManager[None]:
    """The client trusts that a lost connection comes back by itself."""

    async def once(self: Supervisor, down: LinkDown, wait: float, delay: float) -> None:
        del self, down, wait, delay
        await asyncio.get_running_loop().create_future()

    return _replaced(Supervisor, "_pause", once)


async def _removal(_folder: Path) -> None:
    await test_after_a_removal_nothing_more_reaches_the_removed_one()


async def _queue(_folder: Path) -> None:
    await test_what_is_queued_for_a_member_goes_with_the_membership()


async def _handshake(_folder: Path) -> None:
    await test_nothing_is_sent_or_handled_before_the_handshake()


async def _order(_folder: Path) -> None:
    await test_two_hundred_pipelined_messages_keep_their_order()


async def _link(_folder: Path) -> None:
    await test_attempts_back_off_with_jitter_until_the_path_heals()


async def _pages(folder: Path) -> None:
    store = open_database(folder / "data")
    try:
        test_pages_meet_without_a_hole_or_an_overlap(World(store))
    finally:
        store.close()


BUGS: dict[str, Planted] = {
    "removal-stays-subscribed": Planted(removal_stays_subscribed, _removal),
    "removal-keeps-the-queue": Planted(removal_keeps_the_queue, _queue),
    "broadcast-to-pending": Planted(broadcast_to_pending, _handshake),
    "seq-from-clock": Planted(seq_from_clock, _pages),
    "seq-lost-with-rollback": Planted(seq_lost_with_rollback, _pages),
    "handlers-as-tasks": Planted(handlers_as_tasks, _order),
    "one-attempt-only": Planted(one_attempt_only, _link),
}
