"""Speaks Engine.IO and Socket.IO by hand, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.corpus.rows import Row
from tests.corpus.stage import Stage

SOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"
PROBE = 777000
WITHIN = 5.0


async def play(stage: Stage, row: Row) -> set[str]:
    """What a row leads to: outcomes in the words of the corpus."""
    token, words = await stage.newcomer()
    pieces = row.pieces(words)
    match row.where:
        case "frames":
            return await _frames(stage.server.url, token, pieces)
        case "http":
            return await _http(stage.server.url, str(pieces[0]))
        case "polling":
            return await _polling(stage.server.url, pieces[0])
        case "query":
            return await _socket(stage.server.url, token, ["40/chat,"], "pending", str(pieces[0]))
        case _:
            return await _socket(stage.server.url, token, pieces, row.where)


async def _socket(
    url: str, token: str, pieces: list[str | bytes], where: str, query: str = ""
) -> set[str]:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(url + SOCKET + query.replace("?", "&"), max_msg_size=0) as ws,
    ):
        heard = Heard()
        if where == "socket":
            await ws.send_str(_hello(token))
            await heard.until(ws, "40/chat,")
        with suppress(ConnectionError, aiohttp.ClientConnectionError):
            for piece in pieces:
                await (ws.send_str(piece) if isinstance(piece, str) else ws.send_bytes(piece))
            if where == "pending" and not any(str(p).startswith("40") for p in pieces):
                await ws.send_str(_hello(token))
            if where == "pending":
                await heard.until(ws, "44/chat,", "40/chat,")
            await ws.send_str(f'42/chat,{PROBE}["heads",{{"heads":{{}}}}]')
        if not any(text.startswith("44/chat,") for text in heard.texts):
            await heard.until(ws, f"43/chat,{PROBE}[")
        return heard.outcomes()


def _hello(token: str) -> str:
    return "40/chat," + json.dumps({"token": token, "protocol": 1})


class Heard:
    """What the server said, and whether it closed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.closed = False

    async def until(self, ws: Any, *starts: str) -> None:
        async with asyncio.timeout(WITHIN):
            while not self.closed:
                got = await ws.receive()
                if got.type is not aiohttp.WSMsgType.TEXT or got.data == "1":
                    self.closed = True
                else:
                    self.texts.append(got.data)
                    if got.data.startswith(starts):
                        return

    def outcomes(self) -> set[str]:
        found: set[str] = set()
        acks = [text for text in self.texts if text.startswith("43/chat,9[")]
        assert len(acks) <= 1, acks
        for text in acks:
            (answer,) = json.loads(text.partition("9")[2])
            found.add("ok" if answer["ok"] else answer["error"]["code"])
        for text in self.texts:
            if text.startswith("44/chat,"):
                found.add(f"refused {json.loads(text[8:])['message']}")
            elif text.startswith("44"):
                found.add("refused namespace")
            elif text.startswith('42/chat,["goodbye"'):
                found.add(f"goodbye {json.loads(text[8:])[1]['code']}")
            elif text.startswith('42/chat,["limited"'):
                found.add(f"limited {json.loads(text[8:])[1]['event']}")
        if self.closed:
            return found | {"closed"}
        return found | ({"alive"} if found else {"alive", "ignored"})


async def _frames(url: str, token: str, pieces: list[str | bytes]) -> set[str]:
    """Bytes in hex, written into a WebSocket behind a handshake of our own."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(
            f"GET {SOCKET} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_masked(_hello(token)))
        await _until(reader, b'40/chat,{"sid"')
        for piece in pieces:
            writer.write(bytes.fromhex(str(piece)))
        writer.write(_masked(f'42/chat,{PROBE}["heads",{{"heads":{{}}}}]'))
        with suppress(ConnectionError):
            await writer.drain()
        alive = await _until(reader, str(PROBE).encode())
        return {"alive"} if alive else {"closed"}
    finally:
        writer.close()


async def _until(reader: asyncio.StreamReader, text: bytes) -> bool:
    """Whether `text` comes before the end; a server that says nothing more is alive."""
    seen = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while text not in seen:
                try:
                    more = await reader.read(4096)
                except ConnectionError:
                    return False
                if not more or more[:1] == b"\x88":
                    return False
                seen += more
    return True


def _masked(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + data


async def _http(url: str, request: str) -> set[str]:
    method, _, path = request.partition(" ")
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url + path, data=b"2" if method == "POST" else None) as answer,
    ):
        body = await answer.text()
        assert "Traceback" not in body
        return {str(answer.status), f"{answer.status // 100}xx"}


async def _polling(url: str, body: str | bytes) -> set[str]:
    async with aiohttp.ClientSession() as http:
        async with http.get(url + POLLING) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        async with http.post(f"{url}{POLLING}&sid={sid}", data=body) as answer:
            return {str(answer.status)}
