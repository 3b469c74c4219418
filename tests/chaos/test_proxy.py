"""The proxy does what it says, and counts it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.frames import Frames, Sort, size_of, sort_of
from tests.chaos.proxy import Fate, FaultProxy, Rule, Way, Weather
from tests.waiting import until

HEAD = b"GET /socket.io/ HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"


def frame(text: str, mask: bytes = b"") -> bytes:
    payload = text.encode()
    size = len(payload)
    head = bytes([0x81])
    flag = 0x80 if mask else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65_536:
        head += bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([flag | 127]) + size.to_bytes(8, "big")
    if mask:
        payload = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return head + mask + payload


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("mask", [b"", b"\x01\x02\x03\x04"])
def test_frames_of_any_size_are_cut_out_of_any_pieces(size: int, mask: bytes) -> None:
    whole = [HEAD, frame("x" * size, mask), frame("2", mask)]
    stream = b"".join(whole)
    frames = Frames()
    step = max(1, len(stream) // 97)
    found = [
        piece
        for start in range(0, len(stream), step)
        for piece in frames.take(stream[start : start + step])
    ]
    assert found == whole
    assert size_of(whole[1]) == len(whole[1])


@pytest.mark.parametrize("mask", [b"", b"\x09\x02\x03\x04"])
@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("2", Sort.PING),
        ("3", Sort.PONG),
        ('42/chat,7["message",{}]', Sort.EVENT),
        ('43/chat,7[{"ok":true}]', Sort.ACK),
        ("40/chat,", Sort.OTHER),
        ("2probe", Sort.OTHER),
    ],
)
def test_what_socketio_says_is_told_apart(text: str, sort: Sort, mask: bytes) -> None:
    assert sort_of(frame(text, mask)) is sort


def test_plain_http_is_let_through_as_it_is() -> None:
    frames = Frames()
    assert frames.take(b"POST / HTTP/1.1\r\n") == []
    pieces = frames.take(b"Content-Length: 3\r\n\r\n42/")
    assert frames.is_plain_http
    assert b"".join([*pieces, frames.rest()]).endswith(b"\r\n\r\n42/")


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self.got += data
            writer.write(data)
        writer.close()


@asynccontextmanager
async def path(
    weather: Weather,
) -> AsyncIterator[tuple[FaultProxy, Echo, asyncio.StreamReader, asyncio.StreamWriter]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = FaultProxy(server.sockets[0].getsockname()[1], random.Random(1))
    proxy.set(weather)
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield proxy, echo, reader, writer
    finally:
        writer.close()
        await proxy.stop()
        server.close()


async def test_on_a_good_day_everything_passes() -> None:
    async with path(Weather()) as (_proxy, _echo, reader, writer):
        writer.write(HEAD + frame("2") * 100)
        assert await reader.readexactly(len(HEAD) + 300) == HEAD + frame("2") * 100


async def test_slices_and_little_bandwidth_change_no_byte() -> None:
    async with path(Weather(slices=1, bandwidth=50_000)) as (_proxy, _echo, reader, writer):
        writer.write(HEAD + frame("x" * 500))
        whole = HEAD + frame("x" * 500)
        assert await reader.readexactly(len(whole)) == whole


async def test_plain_http_goes_on_after_its_first_request() -> None:
    request = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    async with path(Weather()) as (_proxy, _echo, reader, writer):
        for _ in range(3):
            writer.write(request)
            assert await asyncio.wait_for(reader.readexactly(len(request)), 5) == request


async def test_latency_counts_both_ways() -> None:
    loop = asyncio.get_running_loop()
    async with path(Weather(latency=0.15)) as (_proxy, _echo, reader, writer):
        began = loop.time()
        writer.write(HEAD)
        await reader.readexactly(len(HEAD))
        assert loop.time() - began >= 0.3


@pytest.mark.parametrize("way", list(Way))
async def test_through_a_hole_nothing_passes_until_it_closes(way: Way) -> None:
    async with path(Weather(holes=frozenset({way}))) as (proxy, echo, reader, writer):
        writer.write(HEAD)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.2)
        assert bool(echo.got) is (way is Way.DOWN)
        proxy.set(Weather())
        assert await reader.readexactly(len(HEAD)) == HEAD


async def test_a_cut_ends_the_connection_at_some_byte() -> None:
    async with path(Weather(cut_after=100)) as (proxy, _echo, reader, writer):
        writer.write(HEAD + frame("x" * 1_000))
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1_000)
        assert proxy.done["cut"] == 1


async def test_a_refused_and_an_answered_connection() -> None:
    async with path(Weather(refuse=True)) as (proxy, echo, reader, writer):
        await until(lambda: proxy.done["refused"] == 1)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        assert echo.got == b""
    async with path(Weather(answer=b"HTTP/1.1 503 No\r\n\r\n")) as (proxy, echo, reader, writer):
        writer.write(HEAD)
        assert await reader.read() == b"HTTP/1.1 503 No\r\n\r\n"
        assert echo.got == b""


async def test_a_mute_box_says_nothing() -> None:
    async with path(Weather(mute=True)) as (proxy, echo, reader, writer):
        writer.write(HEAD)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.2)
        assert echo.got == b""
        assert proxy.done["muted"] == 1


@pytest.mark.parametrize(
    ("fate", "times"), [(Fate.DROP, 0), (Fate.DOUBLE, 2), (Fate.DELAY, 1)], ids=lambda x: str(x)
)
async def test_a_rule_strikes_frames_of_its_sort_and_never_two_in_a_row(
    fate: Fate, times: int
) -> None:
    ack, event = frame('43/chat,7[{"ok":true}]'), frame('42/chat,["message",{}]')
    weather = Weather(rules=(Rule(Sort.ACK, fate, 1, 0.05),))
    async with path(weather) as (proxy, echo, _reader, writer):
        writer.write(HEAD + event + ack + ack + event)
        await until(lambda: echo.got.endswith(event) and echo.got.count(event) == 2)
        assert echo.got.count(ack) == times + 1
        assert proxy.done[f"{fate.value} ack"] >= 1
