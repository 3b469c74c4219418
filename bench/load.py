"""A load of chat over raw WebSockets: senders with a window of unanswered messages, and readers.

It speaks Engine.IO and Socket.IO frames by itself, so that the client's own cost is small and the
same for every server.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass
class Result:
    """What one run showed; times in seconds."""

    seconds: float = 0.0
    acked: int = 0
    delivered: int = 0
    round_trips: list[float] = field(default_factory=list)


class Socket:
    """One connection in namespace /chat."""

    def __init__(self, http: aiohttp.ClientSession, url: str, auth: dict[str, Any]) -> None:
        self._http = http
        self._url = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._auth = auth
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.delivered = 0

    async def open(self) -> None:
        """Connect and join the namespace."""
        self._ws = await self._http.ws_connect(self._url, max_msg_size=1 << 24)
        assert (await self._ws.receive_str()).startswith("0")
        await self._ws.send_str("40/chat," + json.dumps(self._auth))
        answer = await self._ws.receive_str()
        assert answer.startswith("40/chat,"), answer
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self._ws:
            data = frame.data
            if data == "2":
                await self._ws.send_str("3")
            elif data.startswith('42/chat,["message"'):
                self.delivered += 1
            elif data.startswith("43/chat,"):
                number, bracket, body = data[8:].partition("[")
                self._waiting.pop(int(number)).set_result(json.loads(bracket + body)[0])

    async def ask(self, event: str, payload: dict[str, Any]) -> Any:
        """Emit with an ack and wait for it."""
        self._next += 1
        future = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        frame = f"42/chat,{self._next}" + json.dumps([event, payload])
        await self._ws.send_str(frame)
        return await future

    async def close(self) -> None:
        """Leave."""
        self._task.cancel()
        await self._ws.close()


async def chat(
    url: str,
    auths: list[dict[str, Any]],
    conversation: str,
    *,
    messages: int,
    window: int,
    readers: int,
) -> Result:
    """Each of `auths` sends `messages` with `window` unanswered; `readers` more only listen."""
    result = Result()
    async with aiohttp.ClientSession() as http:
        senders = [Socket(http, url, auth) for auth in auths]
        listeners = [Socket(http, url, auths[0]) for _ in range(readers)]
        for socket in [*senders, *listeners]:
            await socket.open()
            if "token" in auths[0]:
                answer = await socket.ask("sync", {"cursors": {}, "limit": 1})
                assert answer["ok"], answer

        async def lane(socket: Socket, count: int) -> None:
            for _ in range(count):
                began = time.perf_counter()
                answer = await socket.ask(
                    "message",
                    {
                        "conversationId": conversation,
                        "text": "a message of the usual length, not long and not short",
                        "clientMsgId": uuid.uuid4().hex,
                    },
                )
                assert answer["ok"], answer
                result.round_trips.append(time.perf_counter() - began)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for socket in senders:
                for _ in range(window):
                    group.create_task(lane(socket, messages // window))
        expected = len(senders) * (messages // window) * window
        deadline = time.perf_counter() + 30
        while any(s.delivered < expected for s in listeners):
            assert time.perf_counter() < deadline, [s.delivered for s in listeners]
            await asyncio.sleep(0.002)
        result.seconds = time.perf_counter() - began
        result.acked = len(result.round_trips)
        result.delivered = sum(s.delivered for s in listeners)
        for socket in [*senders, *listeners]:
            await socket.close()
    return result
