"""The real app, as a user starts it, against our real server behind the relay."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
from bench import load
from bench.tui import seed
from bench.tui.clients import ROOM, ROOMS, Client
from bench.tui.loop import Loop, TooLate
from bench.tui.relay import Relay
from bench.tui.screen import Wanted
from bench.tui.terminal import Terminal
from bench.tui.texts import NICKS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).with_name("talkbot-tui"))
PASSWORD = "a password for the bench"
READER = "bia"


class Server:
    """`talkbot-tui serve` without limits on messages, and the people on it."""

    def __init__(self, folder: Path, history: int) -> None:
        """The main room gets `history` messages before anybody reads it."""
        self._folder = folder / "server"
        self._log = (folder / "server.log").open("w")
        self._run()
        self._tokens = [self._sign_up(name) for name in NICKS]
        self._history = history
        self.newest = ""

    def _run(self) -> None:
        self._process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--no-bot", "--data-dir", str(self._folder),
             "--default-channel", ROOM, "--messages-per-minute", "10000000",
             "--message-burst", "1000000"],
            stdout=subprocess.PIPE, stderr=self._log, text=True,
            env={**os.environ, "LANG": "C.UTF-8"},
        )  # fmt: skip
        assert self._process.stdout
        self.url = self._process.stdout.readline().split()[1]
        self.port = int(self.url.rpartition(":")[2])

    def _post(self, path: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def _sign_up(self, name: str) -> str:
        """A token that outlives the bench."""
        made = self._post("/api/register", {"username": name, "password": PASSWORD})
        return str(self._post("/api/tokens", {"name": "bench"}, made["accessToken"])["token"])

    async def _make_rooms(self) -> None:
        async with aiohttp.ClientSession() as http:
            auth = {"protocol": 1, "client": {"name": "bench", "version": ""}}
            socket = load.Socket(http, self.url, {**auth, "token": self._tokens[0]})
            await socket.open()
            for room in ROOMS[1:]:
                asked = {"kind": "channel", "name": room, "clientOpId": uuid.uuid4().hex}
                answer = await socket.ask("createConversation", asked)
                if not answer["ok"]:
                    await asyncio.sleep(answer["error"]["retryAfterMs"] / 1000)
                    answer = await socket.ask("createConversation", asked)
                assert answer["ok"], answer
            await socket.close()

    def fill(self) -> None:
        """Make the other rooms, then write everybody's talk."""
        asyncio.run(self._make_rooms())
        self._process.terminate()
        self._process.wait()
        self.newest = seed.fill(self._folder, READER, NICKS, ROOM, self._history)
        self._run()

    def feed(self) -> subprocess.Popen[bytes]:
        """The other people."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.tui.feed"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"url": self.url, "tokens": self._tokens}).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        return process

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Ours(Client):
    """talkbot-tui with a profile of its own; its cache holds the whole history."""

    name = "talkbot-tui"
    to_end = b"\x1b[1;5F"

    def __init__(self, loop: Loop, home: Path, history: int, *, margins: bool = True) -> None:
        """`margins`: the terminal has left and right ones."""
        super().__init__(loop)
        home.mkdir()
        self._home = home
        self._modes = {69: 2 if margins else 0}
        self.relay = Relay(loop)
        self._server = Server(home, history)
        self.relay.target = self._server.port
        address = f"http://127.0.0.1:{self.relay.port}"
        self._run(
            [PROGRAM, "login", address, "--user", READER, "--password-stdin", "--register",
             "--insecure-storage"], PASSWORD + "\n",
        )  # fmt: skip
        self._server.fill()
        self.relay.target = self._server.port
        self.newest = self._server.newest
        self._run([sys.executable, "-m", "bench.tui.fill", ROOM])
        self._room = next(row["conversationId"] for row in self._rooms() if row["name"] == ROOM)
        self._feed = self._server.feed()
        self._done = 0
        assert self._feed.stdout
        os.set_blocking(self._feed.stdout.fileno(), False)
        loop.add(self._feed.stdout.fileno(), self._heard)

    def _env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "TALKBOT_HOME": str(self._home / "talkbot"),
            "TALKBOT_RUNTIME": str(self._home / "run"),
            "XDG_CONFIG_HOME": str(self._home / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "LANG": "C.UTF-8",
        }

    def _run(self, command: Sequence[str], given: str = "") -> str:
        """A command as the reader, while the relay works; what it printed."""
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self._env(),
            cwd=ROOT,
        )  # fmt: skip
        assert process.stdin
        process.stdin.write(given)
        process.stdin.close()
        self.loop.until(lambda: process.poll() is not None, 600, " ".join(command), 0.05)
        if process.returncode:
            raise TooLate(f"{' '.join(command)}: exit {process.returncode}")
        assert process.stdout
        return process.stdout.read()

    def _rooms(self) -> list[dict[str, Any]]:
        return [json.loads(row) for row in self._run([PROGRAM, "rooms", "--json"]).splitlines()]

    def launch(self, history: int) -> Terminal:
        """Start it; the history is in its cache already."""
        del history
        self.relay.forget()
        return Terminal(self.loop, [PROGRAM], self._env(), self._modes)

    @property
    def connected(self) -> bool:
        """Whether it has been answered: it says so at the top."""
        return any(b"online" in data for _when, data in self.open.chunks)

    def wait_online(self, within: float = 60.0) -> None:
        """Until a link that was lost is there again."""
        chunks = len(self.open.chunks)
        self.loop.until(
            lambda: any(b"online" in data for _when, data in self.open.chunks[chunks:]),
            within,
            "online again",
        )
        self.settle()

    def _heard(self, _mask: int) -> None:
        assert self._feed.stdout
        data = os.read(self._feed.stdout.fileno(), 4096)
        if not data:
            raise TooLate("the feed has ended")
        # Python writes the word and the line's end one by one.
        self._done += data.count(b"\n")

    def _order(self, texts: Sequence[str], gap: float) -> None:
        assert self._feed.stdin
        done = self._done
        order = {"room": self._room, "texts": list(texts), "gap": gap}
        self._feed.stdin.write(json.dumps(order).encode() + b"\n")
        self._feed.stdin.flush()
        self.loop.until(lambda: self._done > done, 120, "the feed has sent everything")

    def say(self, texts: Sequence[str], gap: float) -> list[Wanted]:
        """Others send it; when the relay handed it on counts."""
        first = len(self.open.chunks)
        tokens = [text.split()[0] for text in texts]
        self._order(texts, gap)
        self.loop.until(lambda: tokens[-1] in self.relay.handed, 10, "the server's broadcast")
        self.newest = tokens[-1]
        return [Wanted(self.relay.handed[token], first, token) for token in tokens]

    def burst(self, texts: Sequence[str]) -> float:
        """The relay holds everything back until the server has sent the last one.

        It begins when the app has just been told how far its rooms are: it must not ask meanwhile,
        or it would miss the answer and fetch as history what is meant to come as a burst.
        """
        heads = self.relay.heads
        self.loop.until(lambda: self.relay.heads > heads, 40, "the app asks how far its rooms are")
        self.newest = last = texts[-1].split()[0]
        self.relay.hold()
        try:
            self._order(texts, 0)
            self.loop.until(lambda: last in self.relay.seen, 20, "the server's last broadcast")
        finally:
            began = self.relay.release()
        return began

    def close(self) -> None:
        """End everything."""
        self.stop()
        self._feed.kill()
        self._feed.wait()
        self._server.close()
