"""What a store owes is written as soon as it can be."""

from __future__ import annotations

from pathlib import Path

from talkbot_tui.client.sqlite_store import SqliteStore
from talkbot_tui.core.events import SetDraft
from tests.client.script import ROOM
from tests.client.stored import limit_pages
from tests.client.world import World, running
from tests.waiting import until


async def test_what_a_full_disk_refused_is_written_once_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    async with running(World(store)) as world:
        await world.online()
        limit_pages(store, 1)
        world.engine.dispatch(SetDraft(ROOM, "precious " * 5_000))

        def owing_later() -> bool:
            world.clock.advance(1)
            return store.owing

        await until(owing_later)
        limit_pages(store, 1 << 30)
        await until(lambda: not owing_later())
