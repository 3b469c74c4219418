"""The end of an engine: every connection it had is released, also one that is just closing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from talkbot_tui.client.memory import FakeConnector, FakeTransport, MemoryStore
from talkbot_tui.client.store import StoreEffect, StoreEvent
from talkbot_tui.core.events import SetDraft
from talkbot_tui.core.link import LinkState
from tests.client.script import ROOM
from tests.client.world import World
from tests.waiting import until


class Slow(FakeTransport):
    """A connection whose goodbye takes as long as the test wants."""

    closing = 0
    released_at_last = False
    defect = False

    async def close(self) -> None:
        self.closing += 1
        if self.defect:
            raise RuntimeError("a defect")
        self.abort("stopped")
        await self.released.wait()
        self.released_at_last = True


class SlowConnector(FakeConnector):
    """Makes such connections."""

    async def connect(self) -> Slow:
        transport = Slow(self.answers)
        self.transports.append(transport)
        return transport


class HeldStore(MemoryStore):
    """Writes nothing before it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = asyncio.Event()
        self.let.set()
        self.waiting = False

    async def apply(self, effects: Sequence[StoreEffect]) -> list[StoreEvent]:
        self.waiting = not self.let.is_set()
        await self.let.wait()
        return await super().apply(effects)


async def slow_world(store: MemoryStore | None = None) -> tuple[World, Slow]:
    """An engine that is online on a connection that takes long to close."""
    world = World(store=store, connector=SlowConnector)
    await world.engine.start()
    await world.online()
    assert isinstance(world.link, Slow)
    world.link.released.clear()
    return world, world.link


async def test_a_connection_that_is_closing_is_released_before_the_engine_has_stopped() -> None:
    world, link = await slow_world()
    link.abort("lost")
    await until(lambda: link.closing)
    await world.state_is(LinkState.WAITING)
    stopping = asyncio.ensure_future(world.engine.stop())
    await until(lambda: world.engine._main is not None and world.engine._main.done())
    assert not stopping.done()
    link.released.set()
    await stopping
    assert (link.closing, link.released_at_last) == (1, True)


async def test_a_connection_lost_while_the_engine_stops_is_released_too() -> None:
    store = HeldStore()
    world, link = await slow_world(store)
    link.released.set()
    store.let.clear()
    world.engine.dispatch(SetDraft(ROOM, "half"))
    world.engine.send(ROOM, "whole")
    await until(lambda: store.waiting)
    stopping = asyncio.ensure_future(world.engine.stop())
    await asyncio.sleep(0)
    link.abort("lost")
    await until(lambda: world.engine._link.transport is None)
    store.let.set()
    await stopping
    assert (link.closing, link.released_at_last) == (1, True)


async def test_a_connection_that_never_closes_does_not_keep_the_engine() -> None:
    before = asyncio.all_tasks()
    world, link = await slow_world()
    started = time.monotonic()
    await world.engine.stop()
    assert time.monotonic() - started < 5
    assert not link.released_at_last
    await until(lambda: asyncio.all_tasks() == before)


async def test_a_connection_whose_closing_fails_ends_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world, link = await slow_world()
    link.defect = True
    link.abort("lost")
    await world.state_is(LinkState.WAITING)
    await world.pass_time(60)
    await world.online()
    assert world.link is not link
    await world.engine.stop()
    assert "could not be closed" in caplog.text
