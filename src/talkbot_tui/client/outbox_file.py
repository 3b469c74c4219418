"""The outbox of a profile without an engine: looked into beside a running app, or emptied."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from talkbot_tui.client import sqlite_aside, sqlite_rows
from talkbot_tui.client.sqlite_files import error_code
from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import StoreError
from talkbot_tui.core.effects import DropLocal
from talkbot_tui.core.model import Message, RoomSummary


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that the server has not confirmed, and its room as far as it is known here."""

    message: Message
    room: RoomSummary | None


class MayHaveArrived(Exception):
    """Messages cannot be given up: the server may have them.

    Attributes:
        ids: their client_msg_ids.
    """

    def __init__(self, ids: tuple[str, ...]) -> None:
        """`ids` are not empty."""
        super().__init__(", ".join(ids))
        self.ids = ids


def read(folder: Path) -> tuple[Unsent, ...]:
    """The unsent messages of the profile in `folder`, in order of composing.

    Nothing is written and nobody is waited for, so it works while the app runs.
    Raises `StoreError` for a file that cannot be read.
    """
    path = folder / "cache.db"
    if sqlite_aside.begun(path):
        raise StoreError("unreadable", str(path), "its rescue is not at its end")
    if not path.exists():
        return ()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return ()
            loaded = sqlite_rows.load(db)
    except sqlite3.Error as error:
        raise StoreError(error_code(error), str(path), str(error)) from None
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise StoreError("unreadable", str(path), str(error)) from None
    rooms = {stored.summary.conversation.conversation_id: stored.summary for stored in loaded.rooms}
    return tuple(Unsent(message, rooms.get(message.conversation_id)) for message in loaded.outbox)


async def drop(chosen: Mapping[Path, Collection[str]]) -> tuple[str, ...]:
    """Give messages up for good, by profile and id; the ids of those that were still unsent.

    Nothing is given up when it may have arrived already. What counts is what the files
    say once nobody else writes to them. Raises `MayHaveArrived`, and `StoreError`: `busy`
    while a program uses a profile, `io_error` when nothing can be written.
    """
    stores: list[SqliteStore] = []
    try:
        found: dict[str, Message] = {}
        for folder, ids in chosen.items():
            store = SqliteStore(folder)
            loaded = await store.open()
            stores.append(store)
            found |= {m.client_msg_id: m for m in loaded.outbox if m.client_msg_id in ids}
        uncertain = tuple(name for name, message in found.items() if message.attempted)
        if uncertain:
            raise MayHaveArrived(uncertain)
        for store, ids in zip(stores, chosen.values(), strict=True):
            await store.apply([DropLocal(name) for name in ids])
    finally:
        for store in stores:
            await store.close()
    for store in stores:
        if store.owing:
            raise StoreError("io_error", str(store.path))
    return tuple(found)
