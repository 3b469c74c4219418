"""People on a server: python-socketio clients that remember what they were sent."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from talkbot_tui.server.app import RunningServer
from talkbot_tui.wire.scalars import NAMESPACE
from tests.serving import register
from tests.waiting import until

_numbers = itertools.count(1)


def fresh(prefix: str = "op") -> str:
    return f"{prefix}{next(_numbers)}"


class Person:
    def __init__(self, server: RunningServer, tokens: dict[str, Any]) -> None:
        self.server = server
        self.tokens = tokens
        self.user_id: str = tokens["user"]["userId"]
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.closed = False
        self.rooms: dict[str, str] = {}
        self.client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.client.on("*", self._event, namespace=NAMESPACE)
        self.client.on("disconnect", self._disconnected, namespace=NAMESPACE)

    async def _event(self, name: str, payload: dict[str, Any]) -> None:
        self.events.append((name, payload))

    async def _disconnected(self, reason: str = "") -> None:
        self.closed = True

    async def connect(self, *, sync: bool = True, transport: str = "websocket") -> None:
        await self.client.connect(
            self.server.url,
            namespaces=[NAMESPACE],
            auth={"token": self.tokens["accessToken"], "protocol": 1},
            transports=[transport],
        )
        if sync:
            await self.sync()

    async def sync(self, **payload: Any) -> dict[str, Any]:
        answer = await self.ask("sync", {"cursors": {}, **payload})
        self.rooms = {
            room["conversation"].get("name", ""): room["conversation"]["conversationId"]
            for room in answer["conversations"]
        }
        return answer

    async def call(self, name: str, payload: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.call(
            name, payload, namespace=NAMESPACE, timeout=10
        )
        return answer

    async def ask(self, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        answer = await self.call(name, payload)
        assert answer["ok"], answer
        return answer

    async def refused(self, name: str, payload: Any) -> str:
        answer = await self.call(name, payload)
        assert not answer["ok"], answer
        return str(answer["error"]["code"])

    async def post(self, room: str, text: str, **more: Any) -> dict[str, Any]:
        return await self.ask(
            "message",
            {"conversationId": room, "text": text, "clientMsgId": fresh("m"), **more},
        )

    async def emit(self, name: str, payload: Any) -> None:
        await self.client.emit(name, payload, namespace=NAMESPACE)

    def got(self, name: str, room: str = "") -> list[dict[str, Any]]:
        return [
            payload
            for seen, payload in self.events
            if seen == name and (not room or payload.get("conversationId") == room)
        ]

    async def wait(self, name: str, count: int = 1) -> dict[str, Any]:
        await until(lambda: len(self.got(name)) >= count, what=lambda: str(self.events))
        return self.got(name)[count - 1]

    async def http(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token or self.tokens['accessToken']}"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.server.url + path, json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()


@asynccontextmanager
async def people(server: RunningServer, *names: str) -> AsyncIterator[list[Person]]:
    """Signed up, connected and synced."""
    made = [Person(server, await register(server, name)) for name in names]
    try:
        for person in made:
            await person.connect()
        yield made
    finally:
        for person in made:
            await person.client.shutdown()
