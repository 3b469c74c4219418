"""Planted bugs of the stores; the crash harness switches them on in a child process of its own.

Each takes away one of the orders that never-lose rests on: on disk before it is
shown, on disk before it is acknowledged, acknowledged before it is forgotten.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from talkbot_tui.client import sqlite_files
from talkbot_tui.client.engine_effects import Performer
from talkbot_tui.client.store import StoreEffect
from talkbot_tui.core.arrivals import Saved
from talkbot_tui.core.effects import DropLocal, Effect, SaveLocal, SendMessage
from talkbot_tui.server.ids import now_ms
from talkbot_tui.server.storage import database, writer
from talkbot_tui.server.storage.tx import Tx

Bug = Callable[[], AbstractContextManager[None]]
_ORDER = "PRAGMA synchronous=NORMAL"
_PASSES = 5
"""Turns of the event loop in which what was fed to the session is shown."""


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    held = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, held)


def ack_before_commit() -> AbstractContextManager[None]:
    """The server answers when a unit has run, and commits afterwards."""

    def run(self: writer.Writer) -> None:
        while (job := self._jobs.get()) is not None:
            with self._engine.begin() as connection:
                try:
                    result: Any = job.unit(Tx(connection, now_ms()))
                except Exception as error:
                    result = error
                writer._deliver([(job, result)])

    return _replaced(writer.Writer, "_run", run)


def client_synchronous_normal() -> AbstractContextManager[None]:
    """The client's store leaves the moment of writing to the system."""
    connect = sqlite_files._connect

    def connected(path: Path) -> sqlite3.Connection:
        db = connect(path)
        db.execute(_ORDER)
        return db

    return _replaced(sqlite_files, "_connect", connected)


def server_synchronous_normal() -> AbstractContextManager[None]:
    """The server's store leaves the moment of writing to the system."""
    make = database._sqlite

    def made(path: Path, connections: int, begin: str) -> sa.Engine:
        engine = make(path, connections, begin)
        sa.event.listen(engine, "connect", lambda connection, _: connection.execute(_ORDER))
        return engine

    return _replaced(database, "_sqlite", made)


def dropped_before_ack() -> AbstractContextManager[None]:
    """The outbox forgets a message as soon as it is its turn to be sent."""
    stored = Performer._stored

    def with_drops(effects: Iterable[Effect]) -> list[StoreEffect]:
        effects = list(effects)
        sent = [e.message.client_msg_id for e in effects if isinstance(e, SendMessage)]
        return [*stored(effects), *map(DropLocal, sent)]

    return _replaced(Performer, "_stored", staticmethod(with_drops))


def pending_before_saved() -> AbstractContextManager[None]:
    """A message is shown as pending first, and saved then; it is sent after that, as it should."""
    store_all = Performer._store_all

    async def shown_first(self: Performer, effects: list[StoreEffect]) -> None:
        for effect in effects:
            if isinstance(effect, SaveLocal):
                self._feed(Saved(effect.message.client_msg_id))
        for _ in range(_PASSES):
            await asyncio.sleep(0)
        await store_all(self, effects)

    return _replaced(Performer, "_store_all", shown_first)


BUGS: dict[str, Bug] = {
    "ack-before-commit": ack_before_commit,
    "client-synchronous-normal": client_synchronous_normal,
    "server-synchronous-normal": server_synchronous_normal,
    "dropped-before-ack": dropped_before_ack,
    "pending-before-saved": pending_before_saved,
}


def planted(name: str) -> AbstractContextManager[None]:
    """The bug of that name, for this process; nothing for an empty name."""
    return BUGS[name]() if name else nullcontext()
