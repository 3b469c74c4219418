"""Row R5: a server that sends without end; the client stays small, and goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from talkbot_tui.client.addresses import parse
from talkbot_tui.client.bounded import ANSWER_MAX
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.memory import FixedToken
from talkbot_tui.client.socketio_transport import SocketIoTransport
from talkbot_tui.client.transport import Unreachable
from tests.corpus.foreign import ForeignServer, foreign_server, room
from tests.waiting import until

GROWTH_MAX_KB = 64 * 1024
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
WITHIN = 60.0

Attack = Callable[[ForeignServer], None]


class Reader:
    """The client of `tests.corpus.reader`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self) -> tuple[int, str]:
        """How many rooms it knows, and its link's state."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(b"\n")
        rooms, _, state = (await self._process.stdout.readline()).decode().partition(" ")
        return int(rooms), state.strip()

    async def until(self, state: str, rooms: int = 0) -> None:
        """Until the link has that state and at least so many rooms are known."""
        async with asyncio.timeout(WITHIN):
            while True:
                known, now = await self.ask()
                if now == state and known >= rooms:
                    return

    def peak_kb(self) -> int:
        """The most memory that it had."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        found = PEAK.search(status)
        assert found
        return int(found[1])


@asynccontextmanager
async def reader(url: str, folder: Path, transport: str) -> AsyncIterator[Reader]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.corpus.reader", url, str(folder), transport),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield Reader(process)
    finally:
        process.kill()
        await process.wait()


def crowd(count: int) -> list[dict[str, Any]]:
    return [room(number, f"room number {number}") for number in range(count)]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_sync_answer_as_long_as_may_be_costs_little(transport: str, tmp_path: Path) -> None:
    one = len(json.dumps(crowd(1)[0], separators=(",", ":"))) + 8
    async with foreign_server() as server, reader(server.url, tmp_path, transport) as client:
        await client.until("online")
        before = client.peak_kb()
        server.rooms = crowd((ANSWER_MAX - 10_000) // one)
        await server.push("resync", {})
        await client.until("online", rooms=len(server.rooms))
        assert client.peak_kb() - before < GROWTH_MAX_KB


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_an_answer_that_is_too_long_is_not_read(transport: str, tmp_path: Path) -> None:
    async with foreign_server() as server, reader(server.url, tmp_path, transport) as client:
        await client.until("online")
        before = client.peak_kb()
        server.rooms = crowd(200_000)
        await server.push("resync", {})
        await client.until("waiting")
        server.rooms = []
        await client.until("online")
        assert client.peak_kb() - before < GROWTH_MAX_KB


async def test_a_small_answer_that_swells_is_not_inflated() -> None:
    bomb = gzip.compress(b"0" * (50 * ANSWER_MAX))
    assert len(bomb) < ANSWER_MAX

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        connector = SocketIoConnector(
            parse(f"http://{host}:{port}"), FixedToken("t"), transports=("polling",)
        )
        with pytest.raises(Unreachable) as error:
            await connector.connect()
        assert error.value.code == "not_socketio"
        assert "too long" in error.value.detail
    finally:
        await runner.cleanup()


async def test_what_nobody_takes_is_not_read_either() -> None:
    piece, count = "x" * 65_536, 4 * ANSWER_MAX // 65_536
    async with foreign_server() as server:
        connector = SocketIoConnector(parse(server.url), FixedToken("t"))
        busy, other = await connector.connect(), await connector.connect()
        try:
            (sid, *_) = server.sio.manager.get_participants("/chat", None)
            for number in range(count):
                await server.sio.emit("x", (number, piece), namespace="/chat", to=sid[0])
            await until(lambda: waiting(busy, other) * len(piece) >= ANSWER_MAX)
            # Time passes, in which all of it could arrive.
            for _ in range(100):
                await other.request("heads", {"heads": {}}, 5)
            assert waiting(busy, other) * len(piece) <= ANSWER_MAX + 2 * len(piece)
            taken: list[object] = []
            victim = max((busy, other), key=lambda each: waiting(each))
            while len(taken) < count:
                taken += [arguments[0] for _name, arguments in await victim.receive()]
            assert taken == list(range(count))
        finally:
            await busy.close()
            await other.close()


def waiting(*transports: SocketIoTransport) -> int:
    """How many events nobody has taken yet."""
    return sum(len(transport._frames) for transport in transports)


async def test_attachments_are_not_collected() -> None:
    async with foreign_server() as server:
        transport = await SocketIoConnector(parse(server.url), FixedToken("t")).connect()
        try:
            await server.push("x", {"data": b"\x00" * 100_000})
            await server.push("y", {})
            assert [name for name, _arguments in await transport.receive()] == ["y"]
        finally:
            await transport.close()
