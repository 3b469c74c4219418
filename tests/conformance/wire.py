"""Engine.IO by hand: one session over polling, one WebSocket, and what came over them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.conformance.targets import Target

SEPARATOR = "\x1e"
WITHIN = 10.0
TEXT = {"Content-Type": "text/plain; charset=UTF-8"}
HEADS = '["heads",{"heads":{}}]'


def address(target: Target, **query: str) -> str:
    """Its Engine.IO address; a part of the query that is "" is left out."""
    full = {"EIO": "4", "transport": "polling", **query}
    pairs = "&".join(f"{name}={value}" for name, value in full.items() if value)
    return f"{target.url}/socket.io/?{pairs}"


class Polling:
    """A session over long polling."""

    def __init__(self, http: aiohttp.ClientSession, target: Target, opened: dict[str, Any]) -> None:
        self.http = http
        self.target = target
        self.opened = opened
        self.sid = opened["sid"]
        self.url = address(target, sid=self.sid)
        self.seen: list[str] = []

    async def get(self) -> tuple[int, str]:
        async with self.http.get(self.url) as answer:
            return answer.status, await answer.text()

    async def post(self, *packets: str) -> tuple[int, str]:
        async with self.http.post(
            self.url, data=SEPARATOR.join(packets).encode(), headers=TEXT
        ) as answer:
            return answer.status, await answer.text()

    async def arrived(self) -> None:
        """Wait until what was sent before on another connection has certainly been read."""
        for _ in range(3):
            async with self.http.get(
                self.target.url + "/socket.io/?EIO=4&transport=none"
            ) as answer:
                await answer.read()

    async def until(self, start: str, count: int = 1) -> list[str]:
        """The packets that begin with `start`, once there are `count`."""
        async with asyncio.timeout(WITHIN):
            while len(found := [p for p in self.seen if p.startswith(start)]) < count:
                status, text = await self.get()
                assert status == 200, text
                self.seen += text.split(SEPARATOR)
        return found

    async def join(self) -> None:
        assert (await self.post(self.target.connect()))[0] == 200
        await self.until('40/chat,{"sid"')

    async def ended(self) -> None:
        """Wait until the server knows the session no more."""
        async with asyncio.timeout(WITHIN):
            while (await self.get())[0] == 200:
                pass


class Socket:
    """A session over WebSocket, or a WebSocket that asks for one."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, target: Target) -> None:
        self.ws = ws
        self.target = target
        self.sid = ""

    async def send(self, *packets: str) -> None:
        for packet in packets:
            await self.ws.send_str(packet)

    async def next(self) -> str | bytes:
        """The next packet that is no ping, "" when the server has closed."""
        async with asyncio.timeout(WITHIN):
            while True:
                frame = await self.ws.receive()
                if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    return ""
                if frame.data == "2":
                    await self.ws.send_str("3")
                elif frame.data != "1":
                    data: str | bytes = frame.data
                    return data

    async def text(self) -> str:
        packet = await self.next()
        assert isinstance(packet, str)
        return packet

    async def raw(self) -> str:
        """The next frame, pings too."""
        async with asyncio.timeout(WITHIN):
            return await self.ws.receive_str()

    async def join(self) -> str:
        """Come into `/chat`; its sid there."""
        await self.send(self.target.connect())
        answer = await self.text()
        assert answer.startswith('40/chat,{"sid"'), answer
        return str(json.loads(answer[8:])["sid"])

    async def alive(self) -> None:
        """Ask something that is answered."""
        await self.send("42/chat,77" + HEADS)
        assert (await self.text()).startswith("43/chat,77[")

    async def read(self) -> None:
        """Wait until all that was sent before has been read: ask for a namespace in vain."""
        await self.send("40/unknown,")
        assert (await self.text()).startswith("44/unknown,")

    async def closed(self) -> None:
        """Wait until the server has closed; whatever comes before is no answer to us."""
        async with asyncio.timeout(WITHIN):
            while await self.next():
                pass


@asynccontextmanager
async def polling(target: Target) -> AsyncIterator[Polling]:
    async with aiohttp.ClientSession() as http:
        async with http.get(address(target)) as answer:
            assert answer.status == 200
            text = await answer.text()
        assert text[0] == "0"
        yield Polling(http, target, json.loads(text[1:]))


@asynccontextmanager
async def bare_socket(target: Target, **query: str) -> AsyncIterator[Socket]:
    """A WebSocket on which nothing was received yet."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(address(target, **{"transport": "websocket", **query})) as ws,
    ):
        yield Socket(ws, target)


@asynccontextmanager
async def websocket(target: Target) -> AsyncIterator[Socket]:
    async with bare_socket(target) as socket:
        first = await socket.text()
        assert first.startswith("0{")
        socket.sid = json.loads(first[1:])["sid"]
        yield socket


@asynccontextmanager
async def joined(target: Target) -> AsyncIterator[Socket]:
    async with websocket(target) as socket:
        await socket.join()
        yield socket
