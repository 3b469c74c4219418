"""Engine.IO protocol 4: "Upgrade"."""

from __future__ import annotations

import asyncio

import pytest

from tests.conformance.targets import Target
from tests.conformance.wire import HEADS, Polling, Socket, bare_socket, polling, websocket


async def probed(socket: Socket) -> None:
    await socket.send("2probe")
    assert await socket.raw() == "3probe"


async def upgraded(session: Polling, socket: Socket) -> None:
    await probed(socket)
    await socket.send("5")
    await socket.alive()


async def test_a_session_goes_on_over_the_websocket(target: Target) -> None:
    """Upgrade: `2probe`, `3probe`, `5`, and then the same session."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        await upgraded(session, socket)


async def test_a_pending_poll_is_freed_by_a_noop(target: Target) -> None:
    """Upgrade: the server sends `noop` to any pending GET."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        poll = asyncio.ensure_future(session.get())
        await asyncio.sleep(0)
        await session.arrived()
        await probed(socket)
        assert await poll == (200, "6")
        await socket.send("5")
        await socket.alive()


async def test_a_poll_after_the_probe_gets_a_noop(target: Target) -> None:
    """Upgrade: so does one that comes before the client has sent `5`."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        await probed(socket)
        assert await session.get() == (200, "6")
        await socket.send("5")
        await socket.alive()


async def test_no_noop_comes_over_the_websocket(target: Target) -> None:
    """Upgrade: `noop` is for polls; the first packet over the WebSocket is a real one."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        await probed(socket)
        await socket.send("5", "42/chat,1" + HEADS)
        assert (await socket.raw()).startswith("43/chat,1[")


async def test_nothing_is_lost_or_turned_round(target: Target) -> None:
    """Upgrade: what was asked over polling is answered, in order, on one of the two."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        await session.post(*(f"42/chat,{n}{HEADS}" for n in range(10)))
        await probed(socket)
        await session.post(*(f"42/chat,{n}{HEADS}" for n in range(10, 20)))
        await socket.send("5", *(f"42/chat,{n}{HEADS}" for n in range(20, 30)))
        heard = [(await socket.text()).split("[")[0] for _ in range(30)]
        assert heard == [f"43/chat,{n}" for n in range(30)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_polling_is_over_after_the_upgrade(target: Target, method: str) -> None:
    """Upgrade: the session has one transport."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        await upgraded(session, socket)
        answer = await (session.get() if method == "GET" else session.post("3"))
        assert answer[0] == 400
        await socket.alive()


async def test_a_poll_right_behind_the_upgrade_is_refused(target: Target) -> None:
    """Upgrade: also before the client has had its answer to the probe."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await socket.send("2probe", "5")
        assert (await session.get())[0] == 400


@pytest.mark.parametrize("moment", ["before the upgrade", "after the upgrade"])
async def test_a_second_websocket_is_closed(target: Target, moment: str) -> None:
    """WebSocket: no more than one for a session; the first stays."""
    async with polling(target) as session, bare_socket(target, sid=session.sid) as socket:
        await session.join()
        if moment == "before the upgrade":
            await probed(socket)
        else:
            await upgraded(session, socket)
        async with bare_socket(target, sid=session.sid) as second:
            await second.closed()
        if moment == "before the upgrade":
            await socket.send("5")
        await socket.alive()


async def test_a_websocket_beside_one_that_began_as_such_is_closed(target: Target) -> None:
    """WebSocket: the same where there was no upgrade."""
    async with websocket(target) as socket:
        await socket.join()
        async with bare_socket(target, sid=socket.sid) as second:
            if not target.deviates("a WebSocket beside one that began as such"):
                await second.closed()
        await socket.alive()


@pytest.mark.parametrize("first", ["5", "2", "2other", "4hello"])
async def test_a_websocket_that_does_not_prove_itself_changes_nothing(
    target: Target, first: str
) -> None:
    """Upgrade: it begins with `2probe`; else polling goes on."""
    async with polling(target) as session:
        await session.join()
        async with bare_socket(target, sid=session.sid) as socket:
            await socket.send(first)
            if first == "5" and target.deviates("an upgrade without a probe"):
                await socket.alive()
                return
            await socket.closed()
        await session.post("42/chat,5" + HEADS)
        await session.until("43/chat,5[")


@pytest.mark.parametrize("asked", [False, True], ids=["unproved", "proved"])
async def test_a_websocket_that_goes_before_the_upgrade_changes_nothing(
    target: Target, asked: bool
) -> None:
    """Upgrade: it is complete with `5`, not before."""
    async with polling(target) as session:
        await session.join()
        async with bare_socket(target, sid=session.sid) as socket:
            if asked:
                await probed(socket)
        await session.post("42/chat,5" + HEADS)
        await session.until("43/chat,5[")
        async with bare_socket(target, sid=session.sid) as socket:
            await upgraded(session, socket)
