"""Connections that read slowly, and such as are refused or gone before they are in."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from talkbot_tui.server.app import RunningServer
from talkbot_tui.server.auth import Accounts
from talkbot_tui.server.connections import Connection, Frame, OutQueue, Reply
from talkbot_tui.server.engine_socket import GuardedSocket
from talkbot_tui.server.outcome import Exit
from talkbot_tui.server.storage.sessions import Grant
from talkbot_tui.wire.errors import GoodbyeCode
from talkbot_tui.wire.server_events import ResyncEvent, TypingEvent
from tests.server.peers import people
from tests.server.test_hazards import QUERY, closed, raw, signed_in
from tests.serving import register, running_server
from tests.waiting import until

KIB = 1024


class SlowAccounts:
    """Accounts whose look at a token takes until it is told to go on."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def check(self, token: str) -> Grant:
        self.asked.set()
        await self.go_on.wait()
        return await self.accounts.check(token)


async def synced(server: RunningServer, ws: Any, tokens: dict[str, Any]) -> Connection:
    await signed_in(ws, tokens["accessToken"])
    await ws.send_str('42/chat,1["sync",{"cursors":{}}]')
    assert (await ws.receive_str()).startswith("43/chat,1[")
    (connection,) = server.fanout.of_user(tokens["user"]["userId"])
    return connection


def queue_much(server: RunningServer, room: str, user_id: str, size: int) -> None:
    """Events of a room, all in one turn of the loop: none is on the wire yet."""
    text = "x" * 8 * KIB
    for _ in range(size // len(text)):
        told = TypingEvent(conversation_id=room, user_id=user_id + text, on=True)
        server.fanout.to_room(room, "typing", told)


async def test_what_a_slow_reader_has_not_got_counts_as_waiting_and_goes_with_the_membership() -> (
    None
):
    async with running_server() as server, people(server, "ana") as (ana,):
        room = ana.rooms["general"]
        tokens = await register(server, "bruno")
        async with raw(server, max_msg_size=0) as ws:
            connection = await synced(server, ws, tokens)
            wire = server.sio.eio.sockets[connection.eio_sid].wire
            wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * KIB)
            here = ws._response.connection.transport
            here.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
            here.pause_reading()
            queue_much(server, room, ana.user_id, 800 * KIB)
            await until(lambda: wire.get_write_buffer_size() > 0)
            await until(stands_still(connection.out))
            assert connection.out.held > 400 * KIB
            server.fanout.deliver([Exit(connection.actor.user_id, room)])
            assert connection.out.held == 0
            server.fanout.to(connection, "resync", ResyncEvent())
            here.resume_reading()
            got = 0
            while '"resync"' not in (text := await ws.receive_str()):
                got += len(text)
            assert got < 400 * KIB


async def test_a_websocket_takes_each_packet_when_its_turn_comes() -> None:
    async with running_server() as server:
        opened_socket = GuardedSocket(server.sio.eio, "x")
        opened_socket.upgraded = True
        out: OutQueue = opened_socket.queue
        frames = [Frame("42/chat,[1]"), Frame("42/chat,[2]"), Frame("42/chat,[3]", "room")]
        for item in (*frames, None):
            out.put_nowait(item)
        taken = iter(await opened_socket.poll())
        assert next(taken) is frames[0]
        assert out.held == frames[1].size + frames[2].size
        out.drop("room")
        assert list(taken) == [frames[1]]
        # The end is still to be found.
        assert await opened_socket.poll() == []


def stands_still(out: OutQueue) -> Callable[[], bool]:
    """A condition: from one look to the next, the writer has taken nothing."""
    seen: list[int] = []

    def still() -> bool:
        seen.append(out.held)
        return seen[-2:] == [out.held] * 2

    return still


async def test_a_slow_reader_in_a_busy_room_is_served_once_the_answers_were_taken() -> None:
    out = OutQueue()
    for item in (Reply("43/chat,1[{}]"), Frame("42/chat,[]"), Frame("42/chat,[]")):
        out.put_nowait(item)
    served = asyncio.ensure_future(out.emptied())
    await asyncio.sleep(0)
    assert not served.done()
    assert isinstance(await out.next(), Reply)
    async with asyncio.timeout(5):
        await served
    assert out.qsize() == 2


async def test_a_long_poll_takes_a_part_of_what_waits() -> None:
    async with running_server() as server, people(server, "ana") as (ana,):
        room = ana.rooms["general"]
        tokens = await register(server, "bruno")
        async with aiohttp.ClientSession() as http:
            url = await opened(http, server)
            auth = json.dumps({"token": tokens["accessToken"]})
            await posted(http, url, "40/chat," + auth, '42/chat,1["sync",{"cursors":{}}]')
            await until(lambda: server.fanout.of_user(tokens["user"]["userId"]))
            (connection,) = server.fanout.of_user(tokens["user"]["userId"])
            await until(lambda: room in connection.rooms and connection.out.replies)
            queue_much(server, room, ana.user_id, 800 * KIB)
            async with http.get(url) as answer:
                assert len(await answer.text()) < 200 * KIB
            assert connection.out.held > 500 * KIB
            server.fanout.deliver([Exit(connection.actor.user_id, room)])
            server.fanout.to(connection, "resync", ResyncEvent())
            async with http.get(url) as answer:
                assert await answer.text() == '42/chat,["resync",{}]'


async def opened(http: aiohttp.ClientSession, server: RunningServer) -> str:
    url = server.url + QUERY + "polling"
    async with http.get(url) as answer:
        return f"{url}&sid={json.loads((await answer.text())[1:])['sid']}"


async def posted(http: aiohttp.ClientSession, url: str, *packets: str, status: int = 200) -> None:
    async with http.post(url, data="\x1e".join(packets)) as answer:
        assert answer.status == status


@pytest.mark.parametrize("token", ["tbp_x", "a.b.c"])
async def test_who_is_refused_again_and_again_is_closed_after_the_refusal(token: str) -> None:
    async with running_server() as server, raw(server) as ws:
        for _ in range(50):
            await ws.send_str(f'40/chat,{{"token":"{token}"}}')
        seen = await closed(ws)
        assert [text.startswith("44/chat,") for text in seen] == [True] * 5
        assert server.metrics.value("handshakes_total", "token_invalid") == 5
        assert server.metrics.value("closed_total", "namespaces") == 1
        await until(lambda: not server.sio.environ)
        assert not server.sio._lost
        assert not server.sio._pending
        assert not server.sio.manager.rooms


async def test_what_comes_after_the_end_is_not_heard_and_leaves_nothing_behind() -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        url = await opened(http, server)
        await posted(http, url, *['40/chat,{"token":"tbp_x"}'] * 20, *["4x", "2"] * 5)
        assert server.metrics.value("handshakes_total", "token_invalid") == 5
        assert not server.sio._lost
        assert not server.sio._bad
        assert not server.sio.manager.rooms


async def signed_in_over_polling(http: aiohttp.ClientSession, server: RunningServer) -> str:
    url = await opened(http, server)
    token = (await register(server, "ana"))["accessToken"]
    await posted(http, url, "40/chat," + json.dumps({"token": token}))
    async with http.get(url) as answer:
        assert (await answer.text()).startswith('40/chat,{"sid"')
    return url


@pytest.mark.parametrize("pending", [False, True], ids=["between two polls", "in a poll"])
async def test_who_polls_is_told_why_the_connection_ends(pending: bool) -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        url = await signed_in_over_polling(http, server)
        (connection,) = server.fanout.connections.values()
        (polled,) = server.sio.eio.sockets.values()
        polls: list[asyncio.Future[aiohttp.ClientResponse]] = []
        if pending:
            polls.append(asyncio.ensure_future(http.get(url)))
            await until(lambda: polled._polls)
        server.fanout.goodbye(connection, GoodbyeCode.DRAINING)
        if not pending:
            await until(lambda: polled.closed)
        # In an answer of its own: the official client forgets what comes with a close.
        async with await (polls[0] if pending else http.get(url)) as answer:
            assert await answer.text() == '42/chat,["goodbye",{"code":"draining"}]'
        async with http.get(url) as answer:
            assert answer.status == 400


async def test_who_is_upgrading_is_told_why_the_connection_ends() -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        url = await signed_in_over_polling(http, server)
        async with http.ws_connect(url.replace("=polling", "=websocket")) as ws:
            await ws.send_str("2probe")
            assert await ws.receive_str() == "3probe"
            (connection,) = server.fanout.connections.values()
            server.fanout.goodbye(connection, GoodbyeCode.DRAINING)
            await until(lambda: not server.fanout.connections)
            await ws.send_str("5")
            assert await closed(ws) == ['42/chat,["goodbye",{"code":"draining"}]']


async def test_a_post_to_a_connection_that_is_closed_is_a_bad_request() -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        url = await opened(http, server)
        await posted(http, url, "1")
        for _ in range(2):
            async with http.post(url, data="2") as answer:
                assert answer.status == 400
        assert not server.sio.eio.sockets


async def test_a_body_that_comes_when_its_connection_has_gone_is_no_error_of_ours() -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        url = await opened(http, server)

        async def late() -> AsyncIterator[bytes]:
            yield b"no packet "
            # A second batch beside the first ends the connection.
            await posted(http, url, "3", status=400)
            async with http.get(url) as forgotten:
                assert forgotten.status == 400
            assert not server.sio.eio.sockets
            yield b"of \xff"

        headers = {"Content-Length": "14"}
        async with http.post(url, data=late(), headers=headers) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("again", ["40/chat,", "41/chat,"], ids=["twice", "in and out"])
async def test_who_is_in_does_not_ask_to_come_in_for_ever(again: str) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        auth = "40/chat," + json.dumps({"token": token})
        async with raw(server) as ws:
            for _ in range(20):
                await ws.send_str(auth)
                await ws.send_str(again)
            await closed(ws)
            assert server.metrics.value("handshakes_total", "ok") <= 5
            assert server.metrics.value("closed_total", "namespaces") == 1
        await until(lambda: not server.fanout.connections)


@pytest.mark.parametrize("forgotten", [False, True], ids=["closed", "forgotten"])
async def test_who_goes_while_the_token_is_looked_at_is_not_let_in(
    forgotten: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server() as server, aiohttp.ClientSession() as http:
        tokens = await register(server, "ana")
        slow = SlowAccounts(server.accounts)
        server.accounts = slow  # type: ignore[assignment]  # all that a handshake needs of it
        url = await opened(http, server)
        auth = "40/chat," + json.dumps({"token": tokens["accessToken"]})
        coming = asyncio.ensure_future(posted(http, url, auth))
        await slow.asked.wait()
        if forgotten:
            await posted(http, url, "3", status=400)
        else:
            await server.sio.end(next(iter(server.sio.eio.sockets)))
        assert bool(server.sio.eio.sockets) is not forgotten
        server.accounts = slow.accounts
        with caplog.at_level(logging.ERROR):
            slow.go_on.set()
            await coming
        assert server.metrics.value("handshakes_total", "ok") == 0
        assert not server.fanout.connections
        assert not server.presence.online()
        assert not server.sio.manager.rooms
        assert not server.sio._lost
        assert not caplog.records


async def test_who_is_found_silent_at_the_moment_of_coming_in_leaves_nothing_behind() -> None:
    async with running_server() as server, raw(server) as ws:
        tokens = await register(server, "ana")
        (opened_socket,) = server.sio.eio.sockets.values()
        opened_socket.last_ping = time.time() - 1000
        await ws.send_str("40/chat," + json.dumps({"token": tokens["accessToken"]}))
        await closed(ws)
        await until(lambda: not server.sio.environ)
        await until(lambda: server.metrics.value("handshakes_total", "ok") == 1)
        await until(lambda: not server.fanout.connections, within=3)
        assert not server.sio.manager.rooms
