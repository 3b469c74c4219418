"""Engine.IO protocol 4: "Heartbeat"."""

from __future__ import annotations

import asyncio

from tests.conformance.targets import Target
from tests.conformance.wire import bare_socket, polling


async def test_pings_over_polling_are_answered(quick: Target) -> None:
    """Heartbeat: the server sends `ping`, and lives on for each `pong`."""
    async with polling(quick) as session:
        await session.join()
        for _ in range(4):
            assert await session.get() == (200, "2")
            assert await session.post("3") == (200, "ok")


async def test_pings_over_a_websocket_are_answered(quick: Target) -> None:
    """Heartbeat: the same over a WebSocket."""
    async with bare_socket(quick) as socket:
        await socket.raw()
        await socket.send(quick.connect())
        await socket.raw()
        for _ in range(4):
            assert await socket.raw() == "2"
            await socket.send("3")


async def test_a_silent_session_ends_over_polling(quick: Target) -> None:
    """Heartbeat: without a pong in time the connection counts as closed."""
    async with polling(quick) as session:
        status, text = await session.get()
        assert (status, text) == (200, "2")
        async with asyncio.timeout(5):
            status, text = await session.get()
        assert (status, text) in [(200, "1"), (200, "6"), (400, text)]
        assert (await session.get())[0] == 400


async def test_a_session_that_nobody_polls_ends(quick: Target) -> None:
    """Heartbeat: also when nobody was there to take the ping, and no later than it says."""
    async with polling(quick) as session:
        ends = session.opened["pingInterval"] + session.opened["pingTimeout"]
        await asyncio.sleep(ends / 1000 + 0.05)
        assert (await session.get())[0] == 400


async def test_a_silent_websocket_is_closed(quick: Target) -> None:
    """Heartbeat: the same over a WebSocket."""
    async with bare_socket(quick) as socket:
        await socket.raw()
        await socket.send(quick.connect())
        await socket.raw()
        assert await socket.raw() == "2"
        async with asyncio.timeout(5):
            while not socket.ws.closed:
                await socket.ws.receive()
