"""A TCP proxy that does on purpose what networks and the boxes in them do.

Its weather may change at any moment; connections that are open feel it at once. A hole
loses no byte of a connection, as TCP would send it again: nothing passes until it closes.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from tests.chaos.frames import Frames, Sort, sort_of

CHUNK = 65_536
QUEUE_MAX = 256
RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Way(Enum):
    """A direction."""

    UP = "to the server"
    DOWN = "to the client"


class Fate(Enum):
    """What becomes of a frame."""

    DROP = "drop"
    DOUBLE = "double"
    DELAY = "delay"


@dataclass(slots=True)
class Rule:
    """Some frames of a sort have a fate: one in `one_in`, and never two in a row."""

    sort: Sort
    fate: Fate
    one_in: int
    seconds: float = 0.0


@dataclass(slots=True)
class Weather:
    """What connections meet; everything at its default is a good day.

    latency, jitter: seconds, one way. bandwidth: bytes a second, 0 for no limit.
    slices: bytes that are written at once, 0 for as they come. holes: directions in which
    nothing passes. cut_after: a connection is reset after so many bytes to the client
    (drawn anew for each), 0 for never. answer: what a box in between says instead of the
    server. mute: connections are accepted and nothing is ever said. refuse: they are reset
    at once. rules: for frames of WebSockets.
    """

    latency: float = 0.0
    jitter: float = 0.0
    bandwidth: int = 0
    slices: int = 0
    holes: frozenset[Way] = frozenset()
    cut_after: int = 0
    answer: bytes = b""
    mute: bool = False
    refuse: bool = False
    rules: tuple[Rule, ...] = ()


@dataclass(slots=True, eq=False)
class Connection:
    """Two sockets, and what was done to them."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    bytes_down: int = 0
    cut_at: int = 0
    last_fate: dict[Sort, bool] = field(default_factory=dict)

    def reset(self) -> None:
        """End both sides with RST."""
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                sock = writer.get_extra_info("socket")
                with suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                writer.transport.abort()


class FaultProxy:
    """Listens on a port of its own and leads to `port`.

    Attributes:
        weather: change it with `set`.
        done: how often each fault was dealt out.
    """

    def __init__(self, port: int, dice: random.Random) -> None:
        self.weather = Weather()
        self.done: Counter[str] = Counter()
        self.port = 0
        self._target = port
        self._dice = dice
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Event()
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        self.reset_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def set(self, weather: Weather) -> None:
        """From now on it is like this."""
        self.weather = weather
        self._changed.set()
        self._changed = asyncio.Event()

    def reset_all(self) -> None:
        """Cut every connection with RST."""
        for connection in tuple(self._open):
            self.done["reset"] += 1
            connection.reset()

    # --- one connection ---------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        connection = Connection(writer)
        self._open.add(connection)
        try:
            await self._serve(connection, reader)
        except (OSError, asyncio.IncompleteReadError):
            connection.reset()
        finally:
            self._open.discard(connection)
            self._tasks.discard(task)
            for side in (connection.client, connection.server):
                if side is not None:
                    side.close()

    async def _serve(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        weather = self.weather
        if weather.refuse:
            self.done["refused"] += 1
            connection.reset()
            return
        if weather.mute:
            self.done["muted"] += 1
            await self._until(lambda: not self.weather.mute)
            connection.reset()
            return
        if weather.answer:
            self.done["answered for"] += 1
            await reader.read(CHUNK)
            connection.client.write(weather.answer)
            await connection.client.drain()
            return
        if weather.cut_after:
            connection.cut_at = self._dice.randrange(1, weather.cut_after)
        server_reader, connection.server = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(
            self._pass(connection, Way.UP, reader, connection.server),
            self._pass(connection, Way.DOWN, server_reader, connection.client),
        )

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()

    async def _pass(
        self,
        connection: Connection,
        way: Way,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE_MAX)
        writing = asyncio.ensure_future(self._write(connection, way, queue, writer))
        frames: Frames | None = Frames()
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(CHUNK):
                pieces = [data]
                if frames is not None:
                    pieces = frames.take(data)
                    if frames.is_plain_http:
                        pieces, frames = [*pieces, frames.rest()], None
                for piece in filter(None, pieces):
                    for delay, kept in self._fated(connection, piece, framed=frames is not None):
                        await queue.put((loop.time() + self._delay() + delay, kept))
            await queue.put((0.0, b""))
            await writing
        finally:
            writing.cancel()

    def _delay(self) -> float:
        weather = self.weather
        return weather.latency + weather.jitter * self._dice.random()

    def _fated(
        self, connection: Connection, piece: bytes, *, framed: bool
    ) -> Iterator[tuple[float, bytes]]:
        """The piece as it goes on: not at all, once, twice, or later."""
        sort = sort_of(piece) if framed and self.weather.rules else Sort.OTHER
        rule = next((rule for rule in self.weather.rules if rule.sort is sort), None)
        struck = (
            rule is not None
            and not connection.last_fate.get(sort)
            and self._dice.randrange(rule.one_in) == 0
        )
        connection.last_fate[sort] = struck
        if rule is None or not struck:
            yield 0.0, piece
            return
        self.done[f"{rule.fate.value} {sort.value}"] += 1
        if rule.fate is Fate.DELAY:
            yield rule.seconds, piece
        elif rule.fate is Fate.DOUBLE:
            yield 0.0, piece
            yield 0.0, piece

    async def _write(
        self,
        connection: Connection,
        way: Way,
        queue: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            if not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            # TCP keeps the order: what comes after a late piece is late, too.
            await asyncio.sleep(max(0.0, due - loop.time()))
            for part in self._parts(data):
                await self._until(lambda: way not in self.weather.holes)
                if way is Way.DOWN and connection.cut_at:
                    connection.bytes_down += len(part)
                    if connection.bytes_down >= connection.cut_at:
                        self.done["cut"] += 1
                        connection.reset()
                        return
                writer.write(part)
                await writer.drain()
                if self.weather.bandwidth:
                    await asyncio.sleep(len(part) / self.weather.bandwidth)

    def _parts(self, data: bytes) -> Iterator[bytes]:
        size = self.weather.slices or (1_024 if self.weather.bandwidth else len(data))
        for start in range(0, len(data), size):
            yield data[start : start + size]
