"""An engine between a scripted server and a store in memory, on a clock of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FakeConnector, FakeTransport, MemoryStore
from talkbot_tui.client.store import Store
from talkbot_tui.client.transport import TokenSource
from talkbot_tui.core.changes import Change
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import Message
from tests.client.clock import FakeClock
from tests.client.script import ROOM, ScriptedServer
from tests.waiting import until


class World:
    def __init__(
        self,
        store: Store | None = None,
        tokens: TokenSource | None = None,
        connector: type[FakeConnector] = FakeConnector,
    ) -> None:
        self.clock = FakeClock()
        self.server = ScriptedServer()
        self.memory = MemoryStore()
        self.connector = connector(self.server.answers, tokens)
        self.turns: list[tuple[Change, ...]] = []
        self.draw = 0.5
        self.engine = Engine(
            store=store or self.memory,
            connector=self.connector,
            clock=self.clock,
            sleep=self.clock.sleep,
            draw=lambda: self.draw,
        )
        self.engine.subscribe(self.turns.append)

    @property
    def link(self) -> FakeTransport:
        return self.connector.now

    @property
    def state(self) -> LinkState:
        return self.engine.session.link.state

    @property
    def changes(self) -> list[Change]:
        return [change for turn in self.turns for change in turn]

    def texts(self) -> list[str]:
        rows = self.engine.session.timeline(ROOM).rows
        return [row.text for row in rows if isinstance(row, Message)]

    async def online(self) -> None:
        await until(lambda: self.state is LinkState.ONLINE, what=lambda: str(self.state))

    async def attempted(self, times: int) -> None:
        await until(lambda: self.connector.attempts == times)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps: one long one would look like a machine that slept."""
        while seconds > 0:
            self.clock.advance(min(5, seconds))
            seconds -= 5
            for _ in range(20):
                await asyncio.sleep(0)

    async def state_is(self, state: LinkState) -> None:
        await until(lambda: self.state is state, what=lambda: str(self.state))


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    await world.engine.start()
    try:
        yield world
    finally:
        await world.engine.stop()
        assert world.engine.faults == 0
