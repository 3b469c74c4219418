"""What a failed attempt tells of the way to the server, and whether polling may do better."""

from __future__ import annotations

import asyncio
import errno
import os

import aiohttp
import pytest

from talkbot_tui.client.errors import is_local, unreachable
from talkbot_tui.client.transport import Unreachable
from tests.client.test_transport import connector


def system(number: int) -> OSError:
    """The exception that Python makes of the system's word."""
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "code", "local"),
    [
        (system(errno.ECONNRESET), "closed", False),
        (system(errno.ECONNABORTED), "closed", False),
        (system(errno.EPIPE), "closed", False),
        (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), "closed", False),
        (aiohttp.ServerDisconnectedError(), "closed", False),
        (Exception("Server disconnected"), "closed", False),
        (Exception("Unexpected status code 502", "reset by peer"), "http_error", False),
        (Exception("Unexpected status code 429 in server response"), "limited", True),
        (system(errno.ECONNREFUSED), "refused", True),
        (system(errno.ENETUNREACH), "network", True),
        (system(errno.EHOSTUNREACH), "network", True),
    ],
)
def test_a_connection_that_was_cut_is_told_from_none(
    error: Exception, code: str, local: bool
) -> None:
    told = unreachable(error)
    assert (told.code, is_local(told)) == (code, local)


async def test_a_server_that_hangs_up_on_everything_is_not_called_a_dead_network() -> None:
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unreachable) as error:
            await connector(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "t").connect()
    assert error.value.code == "closed"
    assert [b"transport=websocket" in line for line in asked] == [True, False]
