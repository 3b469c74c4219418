"""Engine.IO protocol 4: "HTTP long-polling", its packet encoding and its end."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.conformance.targets import Target
from tests.conformance.wire import HEADS, SEPARATOR, polling


async def test_a_batch_that_was_taken_is_answered_ok(target: Target) -> None:
    """Sending data: 200, with `ok` in the body."""
    async with polling(target) as session:
        assert await session.post(target.connect()) == (200, "ok")


async def test_a_batch_may_hold_several_packets(target: Target) -> None:
    """Packet encoding: packets are parted by the record separator, and taken in turn."""
    async with polling(target) as session:
        await session.join()
        assert await session.post(*(f"42/chat,{n}{HEADS}" for n in range(30))) == (200, "ok")
        acks = await session.until("43/chat,", 30)
        assert [ack.split("[")[0] for ack in acks] == [f"43/chat,{n}" for n in range(30)]


async def test_what_waits_is_sent_in_one_answer(target: Target) -> None:
    """Packet encoding: the server concatenates with the record separator too."""
    async with polling(target) as session:
        await session.post("40/one,", "40/two,", "40/three,")
        status, text = await session.get()
        assert status == 200
        assert text.split(SEPARATOR) == [
            f'44/{name},{{"message":"Invalid namespace"}}' for name in ("one", "two", "three")
        ]


async def test_text_is_utf_8(target: Target) -> None:
    """Packet encoding: the character encoding is UTF-8."""
    async with polling(target) as session:
        await session.post("40/ação-🦉,")
        async with session.http.get(session.url) as answer:
            assert answer.content_type == "text/plain"
            assert (answer.charset or "").lower() == "utf-8"
            body = await answer.read()
        assert body.decode() == '44/ação-🦉,{"message":"Invalid namespace"}'


async def test_a_poll_waits_for_what_comes(target: Target) -> None:
    """Receiving data: the server may wait until there is something."""
    async with polling(target) as session:
        poll = asyncio.ensure_future(session.get())
        await session.post("40/one,")
        assert (await poll)[1].startswith("44/one,")


async def test_a_second_poll_ends_the_session(target: Target) -> None:
    """Receiving data: one active GET; for a second 400, and the session is closed."""
    async with polling(target) as session:
        first = asyncio.ensure_future(session.get())
        await asyncio.sleep(0)
        await session.arrived()
        second = await session.get()
        assert (await first)[1] == "1"
        assert second[0] == 400
        assert (await session.get())[0] == 400


async def test_a_second_batch_ends_the_session(target: Target) -> None:
    """Sending data: one active POST; for a second 400, and the session is closed."""
    async with polling(target) as session:
        parts = urlsplit(session.url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        writer.write(f"{head}Content-Length: 9\r\n\r\n4".encode())
        await writer.drain()
        await session.arrived()
        assert (await session.post("3"))[0] == 400
        assert (await session.get())[0] == 400
        writer.close()


@pytest.mark.parametrize("body", ["abc", "4ok\x1eabc", "é"], ids=["letters", "second", "accent"])
async def test_what_is_no_packet_ends_the_session(target: Target, body: str) -> None:
    """Packet types: there are seven."""
    async with polling(target) as session:
        await session.join()
        await session.post(body)
        await session.ended()


async def test_a_batch_over_the_limit_is_refused(target: Target) -> None:
    """Handshake: `maxPayload` is the number of bytes that are taken."""
    async with polling(target) as session:
        status, _ = await session.post("4" + "x" * session.opened["maxPayload"])
        assert 400 <= status < 500


async def test_close_ends_the_session_and_frees_its_poll(target: Target) -> None:
    """Packet types: `close` says that a transport can be closed; a pending poll gets noop."""
    async with polling(target) as session:
        await session.join()
        poll = asyncio.ensure_future(session.get())
        await asyncio.sleep(0)
        await session.arrived()
        assert await session.post("1") == (200, "ok")
        assert await poll == (200, "6")
        assert (await session.get())[0] == 400
        assert (await session.post("3"))[0] == 400


async def test_a_binary_packet_is_marked_and_in_base64(target: Target) -> None:
    """Packet encoding: `b`, then base64; here without the event that it would belong to."""
    async with polling(target) as session:
        await session.join()
        await session.post("bAQIDBA==")
        await session.ended()
