"""How long others wait for their acks while one client floods, against the same without it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import load
import measure
import servers

HERE = Path(__file__).resolve().parent
PEOPLE = 40
PER_SECOND = 60.0
"""Of all together: each stays below what a person may send in the long run."""
ADDRESS = "127.0.0.2"
"""The flooder's: another machine than the bystanders', as far as the server can see."""


class Flooded:
    """`serve` as it comes, with people who write in rooms of their own, and one who floods."""

    def __init__(self) -> None:
        self._server = servers.Serve(PEOPLE + 1)
        self.last = (0, 0, 0)

    def quiet(self, seconds: float) -> float:
        """The 99th percentile of the time to an ack, in seconds."""
        return asyncio.run(self._p99(seconds))

    def flooded(self, seconds: float) -> float:
        """The same while somebody floods."""
        flooder = self._server.auths[-1]["token"]
        process = subprocess.Popen(
            [sys.executable, str(HERE / "peers" / "flooder.py"), self._server.url, flooder,
             self._server.room, ADDRESS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
        )  # fmt: skip
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        try:
            return asyncio.run(self._p99(seconds))
        finally:
            process.stdin.close()
            sent, connections, refused = map(int, process.stdout.readline().split())
            process.wait()
            self.last = (sent, connections, refused)

    def close(self) -> None:
        """End it."""
        self._server.close()

    async def _p99(self, seconds: float) -> float:
        async with aiohttp.ClientSession() as http:
            sockets = [
                load.Socket(http, self._server.url, auth) for auth in self._server.auths[:PEOPLE]
            ]
            rooms = [await _own_room(socket) for socket in sockets]
            draw = random.Random(7)
            waits: list[float] = []
            began = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                due = 0.0
                turns = itertools.cycle(range(PEOPLE))
                while due < seconds:
                    who = next(turns)
                    group.create_task(_post(sockets[who], rooms[who], began + due, waits))
                    due += draw.expovariate(PER_SECOND)
            for socket in sockets:
                await socket.close()
        waits.sort()
        return waits[int(len(waits) * 0.99)]


async def _own_room(socket: load.Socket) -> str:
    await socket.open()
    answer = await socket.ask("sync", {"cursors": {}, "limit": 1})
    assert answer["ok"], answer
    own = [
        c["conversation"] for c in answer["conversations"] if c["conversation"].get("name") == "own"
    ]
    if own:
        return str(own[0]["conversationId"])
    payload: dict[str, Any] = {"kind": "group", "name": "own", "clientOpId": uuid.uuid4().hex}
    made = await socket.ask("createConversation", payload)
    assert made["ok"], made
    return str(made["conversation"]["conversationId"])


async def _post(socket: load.Socket, room: str, at: float, waits: list[float]) -> None:
    await asyncio.sleep(max(0.0, at - time.perf_counter()))
    began = time.perf_counter()
    payload = {"conversationId": room, "text": "a bystander", "clientMsgId": uuid.uuid4().hex}
    answer = await socket.ask("message", payload)
    assert answer["ok"], answer
    waits.append(time.perf_counter() - began)


def rows(runs: int, seconds: float) -> list[measure.Row]:
    """One row: flooded to quiet."""
    world = Flooded()
    try:
        row = measure.compare(
            "99 % of others' acks within, while one client sends 5,000 events a second",
            "the same without it",
            lambda: world.flooded(seconds),
            lambda: world.quiet(seconds),
            unit="s",
            goal=2.0,
            higher_is_better=False,
            runs=runs,
        )
        print(json.dumps({"sent, connections, refused": world.last}))
    finally:
        world.close()
    return [row]


if __name__ == "__main__":
    print(measure.table(rows(5, 8.0)))
