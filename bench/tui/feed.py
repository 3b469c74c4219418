"""The other people of our server, in a process of their own: `python -m bench.tui.feed`.

The first line of standard input is `{"url", "tokens"}`. Each further line is an order,
`{"room", "texts", "gap"}`: send the texts by turns, `gap` seconds apart, or with 0 as fast as
the server takes them, the last one alone and last. `done` is written when all are acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import Any

import aiohttp
from bench.load import Socket


async def _say(socket: Socket, room: str, text: str) -> None:
    answer = await socket.ask(
        "message", {"conversationId": room, "text": text, "clientMsgId": uuid.uuid4().hex}
    )
    if not answer["ok"]:
        raise SystemExit(f"a message was refused: {answer}")


async def _all_at_once(sockets: list[Socket], room: str, texts: list[str]) -> None:
    async def lane(number: int) -> None:
        for text in texts[number : -1 : len(sockets)]:
            await _say(sockets[number], room, text)

    async with asyncio.TaskGroup() as group:
        for number in range(len(sockets)):
            group.create_task(lane(number))
    await _say(sockets[0], room, texts[-1])


async def _obey(sockets: list[Socket], order: dict[str, Any]) -> None:
    room, texts, gap = order["room"], order["texts"], order["gap"]
    if not gap:
        await _all_at_once(sockets, room, texts)
        return
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.TaskGroup() as group:
        for number, text in enumerate(texts):
            await asyncio.sleep(begin + number * gap - loop.time())
            group.create_task(_say(sockets[number % len(sockets)], room, text))


async def main() -> None:
    """Connect everybody, say `ready`, obey until the input ends."""
    start = json.loads(sys.stdin.readline())
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession() as http:
        # They do not `sync`, so that the server sends them nothing: only the app is measured.
        sockets = []
        for token in start["tokens"]:
            auth = {"token": token, "protocol": 1, "client": {"name": "bench", "version": ""}}
            sockets.append(Socket(http, start["url"], auth))
            await sockets[-1].open()
        print("ready", flush=True)
        while line := await reader.readline():
            await _obey(sockets, json.loads(line))
            print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
