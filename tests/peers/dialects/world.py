"""Somebody else's chat servers, in Node, and our engine on them without a screen."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from talkbot_tui.client.connect import open_foreign
from talkbot_tui.client.dialects import loading
from talkbot_tui.client.dialects.foreign import ForeignDialect
from talkbot_tui.client.engine import Engine
from talkbot_tui.core.events import OpenConversation, ReconnectNow
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import Message, Note, SendState
from tests.peers.javascript import NODE, Program, program
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
TRANSPORTS: dict[str, tuple[str, ...]] = {
    "websocket": ("websocket",),
    "polling": ("polling",),
    "both": ("websocket", "polling"),
}
ROOMS = {"basic": "general", "talkbot-mvp": "general", "socketio-chat": "chat"}


class Server:
    """A server of another house.

    Attributes:
        url: where it listens.
    """

    def __init__(self, running: Program) -> None:
        self._program = running
        self.url = ""

    async def ready(self) -> None:
        await self._program.said('{"url":')
        self.url = json.loads(self._program.lines[0])["url"]

    def heard(self) -> list[tuple[str, list[Any]]]:
        """Every event that a client sent, in order."""
        found = [json.loads(line) for line in self._program.lines[1:] if line.startswith("{")]
        return [(fact["heard"], fact["args"]) for fact in found]

    def complaints(self) -> list[str]:
        """What it says of itself besides; a crash, mostly."""
        return [line for line in self._program.lines if not line.startswith("{")]


@asynccontextmanager
async def server(
    name: str, port: int = 0, *, house: str = "node", **options: object
) -> AsyncIterator[Server]:
    """`house`: in which language; `options`: of Node's Socket.IO, for those that take them."""
    command = ["node", f"dialects/{name}.js", str(port), json.dumps(options)]
    if house == "python":
        command = [sys.executable, "-m", "tests.peers.dialects.python_servers", name, str(port)]
    async with program(*command, cwd=NODE if house == "node" else ROOT) as running:
        made = Server(running)
        await made.ready()
        yield made
        assert not made.complaints()
        assert running.process.returncode is None


class Person:
    """One person's engine, in one room."""

    def __init__(self, engine: Engine, room: str) -> None:
        self.engine = engine
        self.room = room

    @property
    def link(self) -> LinkState:
        return self.engine.session.link.state

    def messages(self) -> list[Message]:
        rows = self.engine.session.timeline(self.room).rows
        return [row for row in rows if isinstance(row, Message)]

    def lines(self) -> list[tuple[str, str]]:
        """Who said what, in order."""
        return [(message.sender.name, message.text) for message in self.messages()]

    def texts(self) -> list[str]:
        return [message.text for message in self.messages()]

    def notes(self) -> list[str]:
        rows = self.engine.session.timeline(self.room).rows
        return [row.what for row in rows if isinstance(row, Note)]

    def states(self) -> list[SendState]:
        """Of our own messages."""
        me = self.engine.session.me.user_id
        return [m.state for m in self.messages() if m.sender.user_id == me]

    def say(self, text: str) -> None:
        self.engine.send(self.room, text)

    async def online(self) -> None:
        await until(
            lambda: self.link is LinkState.ONLINE, what=lambda: str(vars(self.engine.session.link))
        )

    async def back(self) -> None:
        """Online again, without the wait before the next attempt."""
        if self.link is LinkState.WAITING:
            self.engine.dispatch(ReconnectNow())
        await self.online()

    async def has_sent(self, text: str) -> None:
        """The server told that it has this message."""

        def confirmed() -> bool:
            return any(m.text == text and m.state is SendState.SENT for m in self.messages())

        await until(confirmed, what=lambda: f"{self.messages()}"[:2000])

    async def sees(self, *texts: str) -> None:
        """Exactly these messages."""
        await until(lambda: self.texts() == list(texts), what=lambda: f"{self.messages()}")


@asynccontextmanager
async def person(
    url: str,
    dialect: str,
    name: str,
    *,
    room: str = "",
    transports: tuple[str, ...] = ("websocket",),
) -> AsyncIterator[Person]:
    """Somebody with that dialect there, online."""
    speaks = ForeignDialect(loading.load(dialect), name, [room] if room else [])
    engine = open_foreign(url, speaks, transports=transports)
    await engine.start()
    made = Person(engine, speaks.state.wanted[0])
    try:
        await made.online()
        engine.dispatch(OpenConversation(made.room))
        yield made
    finally:
        await engine.stop()
        assert engine.faults == 0


@asynccontextmanager
async def people(
    url: str, dialect: str, *names: str, transports: tuple[str, ...] = ("websocket",)
) -> AsyncIterator[list[Person]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(person(url, dialect, name, transports=transports))
            for name in names
        ]
