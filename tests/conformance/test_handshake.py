"""Engine.IO protocol 4: "Transports" and "Handshake"."""

from __future__ import annotations

import json
from contextlib import suppress

import aiohttp
import pytest

from tests.conformance.targets import Target
from tests.conformance.wire import address, bare_socket, polling, websocket

KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}


async def asked(url: str, method: str = "GET") -> tuple[int, int | None]:
    """The status, and the code in the body."""
    async with aiohttp.ClientSession() as http, http.request(method, url) as answer:
        text = await answer.text()
        return answer.status, json.loads(text).get("code") if text.startswith("{") else None


async def test_polling_opens_a_session(quick: Target) -> None:
    """Handshake: `open` with these five values, times in milliseconds."""
    async with polling(quick) as session:
        assert set(session.opened) == KEYS
        assert isinstance(session.sid, str)
        assert session.opened["upgrades"] == ["websocket"]
        assert session.opened["pingInterval"] == 400
        assert session.opened["pingTimeout"] == 300
        assert session.opened["maxPayload"] == 128 * 1024


async def test_a_websocket_opens_a_session(quick: Target) -> None:
    """Handshake: the same over a WebSocket, which has no upgrade."""
    async with bare_socket(quick) as socket:
        first = await socket.raw()
        assert first[0] == "0"
        opened = json.loads(first[1:])
        assert set(opened) == KEYS
        assert opened["upgrades"] == []
        assert (opened["pingInterval"], opened["pingTimeout"]) == (400, 300)


async def test_every_session_has_an_id_of_its_own(target: Target) -> None:
    """Handshake: `sid` is what tells sessions apart."""
    async with polling(target) as one, polling(target) as other:
        assert one.sid != other.sid


@pytest.mark.parametrize("version", ["", "3", "5", "abc"])
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_version_that_is_not_spoken_is_refused(
    target: Target, transport: str, version: str
) -> None:
    """Query parameters: `EIO` is mandatory, or 400; code 5 in the reference."""
    if transport == "polling":
        assert await asked(address(target, EIO=version)) == (400, 5)
    else:
        await not_opened(target, EIO=version)


async def not_opened(target: Target, **query: str) -> None:
    """WebSocket: where something mandatory is missing, it is closed, if it is taken at all."""
    with suppress(aiohttp.WSServerHandshakeError):
        async with bare_socket(target, **query) as socket:
            assert await socket.next() == ""


@pytest.mark.parametrize("transport", ["", "abc", "webtransport"])
@pytest.mark.parametrize("upgrade", [False, True], ids=["plain", "upgrade"])
async def test_a_transport_that_is_not_spoken_is_refused(
    target: Target, transport: str, upgrade: bool
) -> None:
    """Query parameters: `transport` is mandatory, or 400; code 0 in the reference."""
    if upgrade:
        await not_opened(target, transport=transport)
    else:
        assert await asked(address(target, transport=transport)) == (400, 0)


async def test_later_requests_name_their_transport_too(target: Target) -> None:
    """Query parameters: `transport` is mandatory in each request."""
    async with polling(target) as session:
        assert await asked(address(target, transport="", sid=session.sid)) == (400, 0)


async def test_later_requests_name_the_version_too(target: Target) -> None:
    """Query parameters: `EIO` is mandatory in each request."""
    async with polling(target) as session:
        await session.post(target.connect())
        status, _ = await asked(address(target, EIO="", sid=session.sid))
        assert status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_session_is_opened_by_get(target: Target, method: str) -> None:
    """Handshake: the client sends a GET; anything else is code 2 in the reference."""
    assert await asked(address(target), method) == (400, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_session_is_refused(target: Target, method: str) -> None:
    """Sending data, Receiving data: 400 where the sid is not known; code 1."""
    assert await asked(address(target, sid="unknown"), method) == (400, 1)


async def test_an_unknown_session_is_refused_to_a_websocket(target: Target) -> None:
    """WebSocket: with a `sid`, it is an upgrade of that session."""
    await not_opened(target, sid="unknown")


async def test_a_websocket_needs_the_headers_of_one(target: Target) -> None:
    """Handshake: a GET for `websocket` that asks for no upgrade; code 3 in the reference."""
    assert await asked(address(target, transport="websocket")) == (400, 3)


async def test_each_packet_has_a_frame_of_its_own(target: Target) -> None:
    """WebSocket: each packet is sent in its own frame."""
    async with websocket(target) as socket:
        await socket.send("40/one,", "40/two,")
        assert [await socket.text(), await socket.text()] == [
            '44/one,{"message":"Invalid namespace"}',
            '44/two,{"message":"Invalid namespace"}',
        ]
