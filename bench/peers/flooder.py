"""One client that sends 5,000 events a second and comes back as soon as it is cut.

python flooder.py URL TOKEN ROOM ADDRESS: from `ADDRESS` of this machine, until standard input ends;
then it prints how many events it sent, in how many connections, and how often it was refused.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

import aiohttp

PER_SECOND = 5000
TICK_S = 0.01


def frames(room: str, first: int) -> list[str]:
    """Some of each kind: what must be looked up, what is stored, what nobody knows."""
    made = [
        ["message", {"conversationId": room, "text": "flood", "clientMsgId": f"flood-{first}"}],
        ["history", {"conversationId": room, "limit": 200}],
        ["search", {"query": "flood", "limit": 50}],
        ["read", {"conversationId": room, "seq": 1}],
        ["heads", {"heads": {room: 1}}],
        ["typing", {"conversationId": room, "on": True}],
        ["nothing", {"x": 1}],
    ]
    return [f"42/chat,{first + n}{json.dumps(event)}" for n, event in enumerate(made)]


class Flooder:
    """The flood, and its counts."""

    def __init__(self, url: str, token: str, room: str) -> None:
        self.url = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.hello = "40/chat," + json.dumps(
            {"token": token, "protocol": 1, "client": {"name": "flooder", "version": ""}}
        )
        self.room = room
        self.sent = self.connections = self.refused = 0

    async def run(self, http: aiohttp.ClientSession) -> None:
        """Flood, be cut, come back."""
        while True:
            with suppress(aiohttp.ClientError, ConnectionError, AssertionError):
                async with http.ws_connect(self.url) as ws:
                    await ws.receive_str()
                    await ws.send_str(self.hello)
                    answer = await ws.receive_str()
                    if not answer.startswith("40/chat,"):
                        self.refused += 1
                        continue
                    self.connections += 1
                    reading = asyncio.create_task(self._read(ws))
                    try:
                        await self._flood(ws)
                    finally:
                        reading.cancel()
            await asyncio.sleep(TICK_S)

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in ws:
            if frame.data == "2":
                await ws.send_str("3")

    async def _flood(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        began, mine = time.monotonic(), 0
        while not ws.closed:
            due = int((time.monotonic() - began) * PER_SECOND)
            while mine < due:
                for frame in frames(self.room, self.sent):
                    await ws.send_str(frame)
                    self.sent += 1
                    mine += 1
            await asyncio.sleep(TICK_S)


async def main(url: str, token: str, room: str, address: str) -> None:
    """Until standard input ends."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        flooder = Flooder(url, token, room)
        task = asyncio.create_task(flooder.run(http))
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        task.cancel()
        print(flooder.sent, flooder.connections, flooder.refused, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
