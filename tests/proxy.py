"""A TCP proxy that does to a connection what networks and their boxes do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit


class Upgrades(Enum):
    """What becomes of a request for a WebSocket."""

    PASS = "pass"
    SWALLOW = "swallow"
    FORBID = "forbid"
    CLOSE = "close"
    RESET = "reset"
    CLOSE_AFTER = "close after"


class Proxy:
    """Listens on a port of its own; `url` leads through it.

    Attributes:
        upgrades: what happens to requests for a WebSocket.
        frozen: while set, bytes are taken and go nowhere, both ways.
        connections: how many were accepted so far.
        websockets: how many of them asked for a WebSocket.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.upgrades = Upgrades.PASS
        self.connections = 0
        self.websockets = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse new connections and cut the present ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        self._thawed.clear()

    def thaw(self) -> None:
        self._thawed.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(*self._target)
        self._writers.add(forth)
        ways = {
            asyncio.ensure_future(self._requests(reader, writer, forth)),
            asyncio.ensure_future(self._answers(back, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(forth)
            forth.transport.abort()

    async def _requests(
        self, source: asyncio.StreamReader, client: asyncio.StreamWriter, sink: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(65536):
            await self._thawed.wait()
            if b"upgrade: websocket" in data.lower():
                self.websockets += 1
                if self.upgrades is Upgrades.SWALLOW:
                    await source.read()
                    return
                if self.upgrades is Upgrades.FORBID:
                    client.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    await client.drain()
                    continue
                if self.upgrades is Upgrades.RESET:
                    # Closing a socket that does not linger sends RST instead of FIN.
                    client.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                if self.upgrades in (Upgrades.CLOSE, Upgrades.RESET):
                    return
            sink.write(data)
            await sink.drain()

    async def _answers(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._thawed.wait()
            if self.upgrades is Upgrades.CLOSE_AFTER and data.startswith(b"HTTP/1.1 101"):
                # A close frame, as from a server that is going away.
                sink.write(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n\x88\x02\x03\xe9")
                await sink.drain()
                return
            sink.write(data)
            await sink.drain()


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    await proxy.start()
    try:
        yield proxy
    finally:
        proxy.thaw()
        await proxy.stop()
