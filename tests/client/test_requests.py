"""Requests of ours are sent once: what broke on the way is told, not repeated."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from talkbot_tui.client.connector import no_repeats


class Forgetful:
    """Answers the first request of a connection; takes the second and hangs up."""

    def __init__(self) -> None:
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            if not await reader.readuntil(b"\r\n\r\n"):
                break
            self.requests += 1
            if number == 0:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
                await writer.drain()
        writer.close()


async def test_a_poll_whose_connection_broke_is_not_sent_again() -> None:
    forgetful = Forgetful()
    server = await asyncio.start_server(forgetful.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with server, aiohttp.ClientSession(middlewares=(no_repeats,)) as session:
        async with session.get(url) as answer:
            assert await answer.text() == "OK"
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)
        assert forgetful.requests == 2
