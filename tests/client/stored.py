"""Effects to store, and stores to put them into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.client.store import Store
from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Loaded, PageLoaded
from talkbot_tui.core.model import (
    Conversation,
    Kind,
    LogEvent,
    Message,
    MessagePosted,
    Reaction,
    SendState,
    User,
)

SIDES = ("-wal", "-shm")
ANA = User("u1", "ana")
ROOM = Conversation("r1", Kind.CHANNEL, "general")


def local(number: int, text: str = "") -> Message:
    return Message(
        key=f"c{number}",
        conversation_id="r1",
        sender=ANA,
        text=text or f"unsent {number}",
        ts=number,
        client_msg_id=f"c{number}",
        state=SendState.QUEUED,
    )


def limit_pages(store: SqliteStore, pages: int) -> None:
    """Let the file grow to so many pages, or not at all any more, as on a full disk."""
    assert store._db is not None
    store._thread.submit(store._db.execute, f"PRAGMA max_page_count = {pages}").result()


def posted(seq: int, text: str = "") -> MessagePosted:
    message = Message(
        key=f"s{seq}",
        conversation_id="r1",
        sender=ANA,
        text=text or f"line {seq}",
        ts=seq,
        server_msg_id=f"s{seq}",
        seq=seq,
        changed_seq=seq,
        reactions=(Reaction("👍", ("u2",)),),
    )
    return MessagePosted("r1", seq, seq, ANA, message)


def events(*found: LogEvent, cursor: int = 0) -> f.SaveEvents:
    cursor = cursor or max(event.seq for event in found)
    return f.SaveEvents("r1", found, cursor, ((1, cursor),))


def put_aside(folder: Path) -> list[Path]:
    return [p for p in folder.glob("cache.db.corrupt-*") if p.name[-4:] not in SIDES]


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[SqliteStore, Loaded]]:
    store = SqliteStore(folder)
    loaded = await store.open()
    try:
        yield store, loaded
    finally:
        await store.close()


async def page(store: Store, before: int = 0, limit: int = 200) -> tuple[LogEvent, ...]:
    (answer,) = await store.apply([f.LoadPage("r1", before, limit)])
    assert isinstance(answer, PageLoaded)
    return answer.events
