"""Several servers of one database in one process, and people on them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from talkbot_tui.server.app import RunningServer, start_server
from talkbot_tui.server.config import ServerConfig
from talkbot_tui.server.nodes.bus import Bus
from talkbot_tui.server.nodes.place import RedisPlace, redis_place
from tests.nodes.processes import SECRET
from tests.redis_server import RedisServer
from tests.server.peers import Person
from tests.serving import CHEAP, register
from tests.waiting import until


def place(server: RedisServer, user: str = "") -> RedisPlace:
    """Of that Redis; `user` is `name:password@`."""
    found = redis_place({"TALKBOT_REDIS_URL": server.url.replace("//", f"//{user}")}, {})
    assert found is not None
    return found


class World:
    """Servers on one database, and who is connected to which."""

    def __init__(self, stack: AsyncExitStack, url: str) -> None:
        self._stack = stack
        self.url = url
        self.servers: list[RunningServer] = []

    async def start(self, bus: Bus | None = None, **config: Any) -> RunningServer:
        """Another server."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="talkbot-node-"))
        settings = {"data_dir": Path(folder), "secret": SECRET.encode(), **CHEAP, **config}
        server = await start_server(ServerConfig(database_url=self.url, **settings), bus)
        self._stack.push_async_callback(server.stop)
        self.servers.append(server)
        return server

    async def person(self, server: RunningServer, name: str) -> Person:
        """A new account, connected to that server."""
        person = Person(server, await register(server, name))
        self._stack.push_async_callback(person.client.shutdown)
        await person.connect()
        return person

    def leave(self, end: Callable[[], Awaitable[None]]) -> None:
        """Call that at the end."""
        self._stack.push_async_callback(end)

    async def again(self, server: RunningServer, person: Person) -> Person:
        """Another device of the same person, on that server."""
        device = Person(server, person.tokens)
        self._stack.push_async_callback(device.client.shutdown)
        await device.connect()
        return device


@asynccontextmanager
async def world(url: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(stack, url)


@asynccontextmanager
async def two(
    url: str, redis: RedisServer | None = None
) -> AsyncIterator[tuple[World, Person, Person]]:
    """Two servers, Ana on one and Bruno on the other; over Redis, where there is one."""
    async with world(url) as made:
        where = place(redis) if redis else None
        for _ in range(2):
            await made.start(redis=where)
        if redis:
            await until(lambda: all(up(server) for server in made.servers))
        ana = await made.person(made.servers[0], "ana")
        bruno = await made.person(made.servers[1], "bruno")
        yield made, ana, bruno


def up(server: RunningServer) -> bool:
    """Whether it hears the others at once."""
    assert server.nodes is not None
    return server.nodes.heard


def texts(person: Person, room: str = "") -> list[str]:
    return [event["text"] for event in person.got("message", room)]
