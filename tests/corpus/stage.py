"""A server with bystanders, and what must hold for them after every bad input."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import sqlalchemy as sa

from talkbot_tui.server.app import RunningServer
from talkbot_tui.server.storage.schema import message
from talkbot_tui.wire.acks import Limits
from tests.server.peers import Person, fresh, people
from tests.serving import register, running_server
from tests.waiting import until


class Log(logging.Handler):
    """What the server has logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@dataclass
class Stage:
    """ana and bruno talk in the room; whoever plays the case is somebody else."""

    server: RunningServer
    ana: Person
    bruno: Person
    log: Log
    private: str
    posted: str
    said: int = 0

    @property
    def room(self) -> str:
        return self.ana.rooms["general"]

    async def newcomer(self) -> tuple[str, dict[str, str]]:
        """A new account: its token, and the words for its rows."""
        tokens = await register(self.server, fresh("mallory"))
        own = Person(self.server, tokens)
        await own.connect()
        made = await own.ask(
            "createConversation", {"kind": "group", "clientOpId": fresh(), "name": "own"}
        )
        await own.client.disconnect()
        return tokens["accessToken"], {
            "$ROOM": self.room,
            "$OWN": made["conversation"]["conversationId"],
            "$PRIVATE": self.private,
            "$MSG": self.posted,
            "$USER": self.ana.user_id,
            "$SIDLIKE": "AAAAAAAAAAAAAAAAAAAA",
            "$SID": next(iter(self.server.sio.eio.sockets)),
            "$TOKEN": tokens["accessToken"],
            "$FRESH": fresh("c"),
        }

    async def messages(self) -> int:
        """How many messages the store holds."""
        count = sa.select(sa.func.count()).select_from(message)
        return await self.server.database.read(lambda tx: tx.sql.scalar(count) or 0)

    async def unharmed(self) -> None:
        """The server is up, others talk as before, at most one line was logged."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(self.server.url + "/healthz") as answer,
        ):
            assert answer.status == 200
        self.said += 1
        text = f"bystander {self.said}"
        await self.ana.post(self.room, text)
        await until(lambda: any(event["text"] == text for event in self.bruno.got("message")))
        assert not self.ana.closed
        assert not self.bruno.closed
        lines = [record.getMessage() for record in self.log.records]
        assert len(lines) <= 1, lines
        assert not [record for record in self.log.records if record.exc_info], lines
        assert not [line for line in lines if not line.isprintable()]
        self.log.records.clear()
        assert self.server.metrics.value("internal_errors_total") == 0


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    limits = Limits(message_burst=100_000)
    log = Log()
    root = logging.getLogger()
    root.addHandler(log)
    try:
        async with (
            running_server(limits=limits, handshakes_per_address=1000) as server,
            people(server, "ana", "bruno") as (ana, bruno),
        ):
            made = await ana.ask(
                "createConversation", {"kind": "group", "clientOpId": fresh(), "name": "secret"}
            )
            posted = await ana.post(ana.rooms["general"], "ana's own")
            await bruno.wait("message")
            yield Stage(
                server,
                ana,
                bruno,
                log,
                made["conversation"]["conversationId"],
                posted["serverMsgId"],
            )
    finally:
        root.removeHandler(log)
