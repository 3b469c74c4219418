"""Our server and the hand-written peer under the same load of durable messages."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import load

HERE = Path(__file__).resolve().parent
PASSWORD = "a password for the bench"
SENDERS = 16


class Serve:
    """`talkbot-tui serve` with `people` accounts; `options` are the command's."""

    def __init__(self, people: int, *options: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        env = {**os.environ, "LANG": "C.UTF-8"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "talkbot_tui", "serve", "--port", "0", "--no-bot", "--data-dir",
             self._folder.name + "/data", "--default-channel", "general", *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env,
        )  # fmt: skip
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[1]
        self.auths = [
            {
                "token": self._register(name),
                "protocol": 1,
                "client": {"name": "bench", "version": ""},
            }
            for name in (f"sender{number}" for number in range(people))
        ]
        self.room = asyncio.run(self._room())

    def _register(self, name: str) -> str:
        request = urllib.request.Request(
            self.url + "/api/register",
            json.dumps({"username": name, "password": PASSWORD}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            token: str = json.load(answer)["accessToken"]
            return token

    async def _room(self) -> str:
        import aiohttp

        async with aiohttp.ClientSession() as http:
            socket = load.Socket(http, self.url, self.auths[0])
            await socket.open()
            answer = await socket.ask("sync", {"cursors": {}, "limit": 1})
            await socket.close()
        rooms: list[dict[str, Any]] = [r["conversation"] for r in answer["conversations"]]
        return next(str(r["conversationId"]) for r in rooms if r.get("name") == "general")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


class Ours(Serve):
    """The whole server, without its limits on messages."""

    def __init__(self) -> None:
        super().__init__(SENDERS, "--messages-per-minute", "10000000", "--message-burst", "1000000")


class Plain:
    """The peer of `peers/plain_server.py`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "peers" / "plain_server.py"), self._folder.name + "/db"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout
        self.url = "http://127.0.0.1:" + self._process.stdout.readline().split()[1]
        self.auths: list[dict[str, Any]] = [{}] * SENDERS
        self.room = "room"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def acked_per_second(server: Ours | Plain, *, messages: int, senders: int, readers: int) -> float:
    """Durable messages acknowledged in a second, every reader having got every one.

    `messages` in all; each sender has one message unanswered, as our client does.
    """
    result = asyncio.run(
        load.chat(
            server.url,
            server.auths[:senders],
            server.room,
            messages=messages // senders,
            window=1,
            readers=readers,
        )
    )
    return result.acked / result.seconds
