from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from engineio.base_client import connected_clients

from talkbot_tui.client import addresses
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.client.socketio_transport import SocketIoTransport, parse_refusal
from talkbot_tui.client.transport import REASONS, LinkLost, Refused, Unanswered, Unreachable
from talkbot_tui.core.link import LinkState
from tests.client.clock import FakeClock
from tests.proxy import Upgrades, proxied
from tests.serving import register, running_server
from tests.waiting import until

pytestmark = pytest.mark.timeout(60)


def connector(url: str, token: str, **options: Any) -> SocketIoConnector:
    return SocketIoConnector(addresses.parse(url), FixedToken(token), **options)


@asynccontextmanager
async def connected(url: str, token: str, **options: Any) -> AsyncIterator[SocketIoTransport]:
    transport = await connector(url, token, **options).connect()
    try:
        yield transport
    finally:
        await transport.close()


async def synced(transport: SocketIoTransport) -> bool:
    answer = await transport.request("sync", {"cursors": {}, "limit": 10}, 5)
    return isinstance(answer, dict) and answer["ok"] is True


async def lost(transport: SocketIoTransport) -> None:
    with suppress(LinkLost):
        while True:
            await transport.receive()


@pytest.mark.parametrize("name", ["websocket", "polling"])
async def test_either_transport_alone_works(name: str) -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with connected(server.url, token, transports=(name,)) as transport:
            assert transport.name == name
            assert await synced(transport)
            started = time.monotonic()
        assert time.monotonic() - started < 3
        assert not connected_clients


async def test_no_token_is_in_an_address() -> None:
    seen: list[str] = []

    async def catch(request: web.Request) -> web.Response:
        seen.append(request.path_qs)
        return web.Response(status=503)

    async with stub(catch) as url:
        with pytest.raises(Unreachable):
            await connector(url, "s3cret").connect()
    assert seen
    assert not any("s3cret" in path for path in seen)
    assert all("rk=" in path for path in seen)


@pytest.mark.parametrize(
    ("upgrades", "most"),
    [
        (Upgrades.FORBID, 2),
        (Upgrades.CLOSE, 2),
        (Upgrades.RESET, 2),
        (Upgrades.SWALLOW, 7),
        (Upgrades.CLOSE_AFTER, 3),
    ],
)
async def test_where_websockets_do_not_pass_polling_does(upgrades: Upgrades, most: float) -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        proxy.upgrades = upgrades
        clock = FakeClock()
        maker = connector(proxy.url, token, clock=lambda: clock.now / 1000)
        started = time.monotonic()
        first = await maker.connect()
        assert time.monotonic() - started < most
        assert first.name == "polling"
        assert await synced(first)
        await first.close()

        # Remembered: the next attempt does not lose time on it …
        asked = proxy.websockets
        second = await maker.connect()
        assert second.name == "polling"
        assert proxy.websockets == asked
        await second.close()

        # … and after a while the upgrade is tried again.
        proxy.upgrades = Upgrades.PASS
        clock.advance(301)
        third = await maker.connect()
        assert third.name == "websocket"
        assert await synced(third)
        await third.close()
        assert maker.plans()[0] == ("websocket",)


@pytest.mark.parametrize("upgrades", [Upgrades.SWALLOW, Upgrades.CLOSE_AFTER])
async def test_an_upgrade_that_fails_leaves_a_working_connection(upgrades: Upgrades) -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        proxy.upgrades = Upgrades.FORBID
        clock = FakeClock()
        maker = connector(proxy.url, token, clock=lambda: clock.now / 1000)
        await (await maker.connect()).close()
        proxy.upgrades = upgrades
        clock.advance(301)
        started = time.monotonic()
        transport = await maker.connect()
        assert time.monotonic() - started < 8
        assert transport.name == "polling"
        assert await synced(transport)
        await transport.close()


async def test_a_refused_token_is_told_by_its_code() -> None:
    async with running_server() as server:
        maker = connector(server.url, "not.a.token")
        with pytest.raises(Refused) as refused:
            await maker.connect()
        assert (refused.value.code, refused.value.retryable) == ("token_invalid", True)
        with pytest.raises(Refused) as refused:
            await maker.connect()
        assert (refused.value.code, refused.value.retryable) == ("token_invalid", False)


def test_refusals_of_any_shape_are_read() -> None:
    ours = parse_refusal({"message": "busy", "data": {"retryable": True, "retryAfterMs": 7}})
    assert (ours.code, ours.retryable, ours.retry_after_ms) == ("busy", True, 7)
    assert parse_refusal(("Not allowed",)).message == "Not allowed"
    assert parse_refusal({"message": 5}).code == "refused"
    assert parse_refusal(None).code == "refused"
    assert parse_refusal({"message": "x", "data": {"retryAfterMs": "soon"}}).retry_after_ms == 0


async def test_requests_end_with_the_connection() -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        async with connected(proxy.url, token) as transport:
            proxy.freeze()
            asking = asyncio.ensure_future(transport.request("sync", {"cursors": {}}, 30))
            waiting = asyncio.ensure_future(transport.receive())
            await asyncio.sleep(0)
            proxy.cut()
            with pytest.raises(LinkLost):
                await asking
            with pytest.raises(LinkLost):
                await waiting
            with pytest.raises(LinkLost):
                await transport.emit("typing", {})


async def test_an_answer_that_does_not_come_is_given_up() -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        async with connected(proxy.url, token) as transport:
            proxy.freeze()
            with pytest.raises(Unanswered):
                await transport.request("sync", {"cursors": {}}, 0.1)
            proxy.thaw()
            assert await synced(transport)


@pytest.mark.parametrize("name", ["websocket", "polling"])
async def test_a_dead_path_is_seen_within_the_servers_patience(name: str) -> None:
    async with (
        running_server(ping_interval=1, ping_timeout=1) as server,
        proxied(server.url) as proxy,
    ):
        token = (await register(server, "ana"))["accessToken"]
        async with connected(proxy.url, token, transports=(name,)) as transport:
            assert await synced(transport)
            proxy.freeze()
            started = time.monotonic()
            await lost(transport)
            assert time.monotonic() - started < 4.5


async def test_a_silent_path_is_seen_even_while_a_write_hangs() -> None:
    async with (
        running_server(ping_interval=1, ping_timeout=1) as server,
        proxied(server.url) as proxy,
    ):
        token = (await register(server, "ana"))["accessToken"]
        async with connected(proxy.url, token) as transport:
            proxy.freeze()
            filling = [
                asyncio.ensure_future(transport.emit("typing", {"x": "y" * 100_000}))
                for _ in range(200)
            ]
            started = time.monotonic()
            await lost(transport)
            assert time.monotonic() - started < 4.5
            await asyncio.gather(*filling, return_exceptions=True)


async def test_a_restarted_server_is_found_again(tmp_path: Path) -> None:
    async with running_server(data_dir=tmp_path) as first:
        port = int(first.url.rsplit(":", 1)[1])
        tokens = await register(first, "ana")
        engine = Engine(
            store=MemoryStore(),
            connector=connector(first.url, tokens["accessToken"]),
            draw=lambda: 0.2,
        )
        await engine.start()
        try:
            await until(lambda: engine.session.link.online)
            await first.stop()
            await until(lambda: engine.session.link.state is LinkState.WAITING)
            reason = engine.session.link.reason
            assert reason in (REASONS["draining"], REASONS["refused"]), reason
            async with running_server(port=port, data_dir=tmp_path):
                await until(lambda: engine.session.link.online, within=20)
        finally:
            await engine.stop()


@asynccontextmanager
async def stub(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, "<html>hello</html>", "not_socketio"),
        (200, "", "not_socketio"),
        (200, "4hello", "not_socketio"),
        (404, "nothing here", "not_socketio"),
        (400, '{"code":1}', "not_socketio"),
        (502, "bad gateway", "http_error"),
        (503, "<html>", "http_error"),
        (429, "slow down", "limited"),
    ],
)
async def test_another_kind_of_server_is_told_apart(status: int, body: str, code: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, content_type="text/html")

    async with stub(answer) as url:
        with pytest.raises(Unreachable) as error:
            await connector(url, "token").connect()
        assert error.value.code == code


async def test_a_redirect_is_not_followed() -> None:
    followed: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            followed.append(request.path)
        raise web.HTTPFound("/elsewhere")

    async with stub(answer) as url:
        with pytest.raises(Unreachable):
            await connector(url, "token").connect()
    assert not followed


async def test_a_cut_answer_is_an_ordinary_failure() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"0{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with stub(answer) as url:
        with pytest.raises(Unreachable):
            await connector(url, "token", transports=("polling",)).connect()


@pytest.mark.parametrize(
    ("url", "code"),
    [("http://127.0.0.1:1", "refused"), ("https://does-not-exist.invalid", "unknown_host")],
)
async def test_why_there_is_no_connection_is_said(url: str, code: str) -> None:
    with pytest.raises(Unreachable) as error:
        await connector(url, "token").connect()
    assert error.value.code == code


async def test_a_server_that_dies_during_the_handshake_costs_no_wait() -> None:
    async def die(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":9000}')
        await socket.receive()
        assert request.transport is not None
        request.transport.abort()
        return socket

    async with stub(die) as url:
        started = time.monotonic()
        with pytest.raises(Unreachable) as told:
            await connector(url, "t", transports=("websocket",)).connect()
        assert time.monotonic() - started < 3
        assert told.value.code == "closed"
    assert not connected_clients


async def test_failed_attempts_leave_nothing_behind() -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        before = asyncio.all_tasks()
        for upgrades in (Upgrades.CLOSE_AFTER, Upgrades.FORBID):
            proxy.upgrades = upgrades
            with pytest.raises(Unreachable):
                await connector(proxy.url, token, transports=("websocket",)).connect()
        with pytest.raises(Refused):
            await connector(proxy.url, "wrong", transports=("polling",)).connect()
        await until(lambda: not connected_clients)
        ours = {task for task in asyncio.all_tasks() - before if "client" in repr(task)}
        await until(lambda: all(task.done() for task in ours), what=lambda: str(ours))
        gc.collect()


async def test_a_goodbye_that_is_cut_short_releases_everything() -> None:
    async with running_server() as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        before = asyncio.all_tasks()
        transport = await connector(proxy.url, token).connect()
        proxy.freeze()
        closing = asyncio.ensure_future(transport.close())
        await until(lambda: transport._engine.state == "disconnecting")
        closing.cancel()
        await asyncio.wait({closing})
        assert transport._session.closed
        assert not connected_clients
        ours = {task for task in asyncio.all_tasks() - before if "client" in repr(task)}
        await until(lambda: all(task.done() for task in ours), what=lambda: str(ours))


async def test_events_named_like_the_librarys_own_are_only_events() -> None:
    async with running_server() as server:
        token = (await register(server, "ana"))["accessToken"]
        async with connected(server.url, token) as transport:
            client = transport._client
            for name in ("disconnect", "connect_error", "__disconnect_final", "*"):
                await client._handle_event("/chat", None, [name, {"forged": True}])
            await client._handle_event("/chat", None, [7])
            await client._handle_event("/chat", 3, ["wants an ack", 1, 2])
            frames = list(await transport.receive())
            assert [name for name, _ in frames if name != "wants an ack"][:2] == [
                "disconnect",
                "connect_error",
            ]
            assert ("wants an ack", (1, 2)) in frames
            assert await synced(transport)
