"""A disk that takes nothing for a while: what it does not say of a message is not yet done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.client.outbox_file import read
from talkbot_tui.client.sqlite_store import OWED_MAX, SqliteStore
from talkbot_tui.client.transport import Unreachable
from talkbot_tui.core import effects as f
from talkbot_tui.core.events import ReconnectNow
from talkbot_tui.core.facts import Delay
from talkbot_tui.core.link import LinkState
from tests.client.script import ROOM
from tests.client.stored import local, opened
from tests.client.test_link_doubts import later
from tests.client.world import World, running
from tests.waiting import until

pytestmark = pytest.mark.timeout(60)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Some other program writes to the file: SQLite waits two seconds and gives up."""
    with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


async def test_a_message_is_not_sent_before_the_disk_says_that_it_may_have_been(
    tmp_path: Path,
) -> None:
    world = World(store=SqliteStore(tmp_path))
    world.connector.failures.append(Unreachable("timeout"))
    marked: list[bool] = []

    def received(payload: dict[str, Any]) -> object:
        # What a start after a crash at this moment would read.
        marked.extend(one.message.attempted for one in read(tmp_path))
        return world.server.message(payload)

    world.server.answers["message"] = received
    async with running(world):
        await world.state_is(LinkState.WAITING)
        name = world.engine.send(ROOM, "composed offline")
        await until(lambda: [one.message.attempted for one in read(tmp_path)] == [False])
        with locked(tmp_path):
            world.engine.dispatch(ReconnectNow())
            await world.online()
            facts = world.engine.session.facts
            await until(lambda: Delay("refused", 1, "disk_full") in facts(name).delays)
            # Tried again while the disk still takes nothing: held back again.
            await later(world, lambda: Delay("refused", 2, "disk_full") in facts(name).delays)
            assert marked == []
        await later(world, lambda: marked)
        await world.engine.delivered(name)
        assert marked == [True]
        await until(lambda: read(tmp_path) == ())


async def test_many_drafts_do_not_push_out_what_is_owed_of_a_message(tmp_path: Path) -> None:
    async with opened(tmp_path) as (store, _):
        await store.apply([f.SaveLocal(local(1)), f.SaveLocal(local(2))])
        with locked(tmp_path):
            await store.apply([f.UpdateLocal(local(1, "attempted")), f.DropLocal("c2")])
            await store.apply([f.SaveDraft(f"r{n % 7}", str(n)) for n in range(OWED_MAX + 1)])
        await store.apply([])
        assert not store.owing
    async with opened(tmp_path) as (_, loaded):
        assert [message.text for message in loaded.outbox] == ["attempted"]
