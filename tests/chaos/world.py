"""One run: server, proxy, clients; load under faults; healing; the truth; the checker."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from talkbot_tui.core.model import Message, MessagePosted, SendState
from tests.chaos.processes import START_S, Process, python
from tests.chaos.proxy import FaultProxy
from tests.histories.checker import Violation, check
from tests.histories.record import Entry, History, Recorder, What, digest_of, merged, parse
from tests.serving import PASSWORD
from tests.waiting import until

PEOPLE = ("ana", "bruno", "carla")
SETTLED_S = 90.0
BACK_S = 5.0
"""The promise: online so soon after the path has healed."""
BACK_SLACK_S = 3.0
"""What two busy cores with three runs at a time may add; the promise is about the waits."""
LOG = """
SELECT event.conversation_id, event.seq, event.sender_id, message.server_msg_id,
       message.client_msg_id, message.text
FROM event LEFT JOIN message
  ON message.conversation_id = event.conversation_id AND message.seq = event.seq
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is said: `messages` by each of the people, `rate` a second."""

    messages: int = 180
    rate: float = 40.0
    people: int = 3


class World:
    """The things that a kind of fault may harm.

    Attributes:
        dice: decides what happens when; made from the run's seed.
        server, clients: the processes. proxies: one for each client.
        client_env: more environment for the clients.
        done: how often each fault was dealt out.
        healed_within: how soon after the healing everybody must be online, in seconds;
            None where the fault outlives its cause.
    """

    def __init__(self, folder: Path, seed: int, size: Size) -> None:
        self.folder = folder
        self.size = size
        self.dice = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.rooms: list[str] = []
        self.healed_within: float | None = BACK_S
        self.client_env: dict[str, str] = {}
        self.transports: tuple[str, ...] = ("websocket", "polling")
        self.server = self._server(0)
        self.port = 0
        self.clients: dict[str, Process] = {}
        self.proxies: dict[str, FaultProxy] = {}
        self._users: dict[str, str] = {}
        self._said: dict[str, asyncio.Task[None]] = {}
        self._recorder = Recorder(folder / "harness.jsonl")

    # --- start ---------------------------------------------------------------------------

    def _server(self, port: int) -> Process:
        command = python(
            *("-m", "talkbot_tui", "serve", "--no-bot", "--port", str(port)),
            *("--data-dir", str(self.folder / "server"), "--default-channel", "general"),
            *("--messages-per-minute", "600000", "--message-burst", "100000"),
        )
        return Process(command, self.folder / "server.log")

    async def open(self) -> None:
        """Start everything, on a good day."""
        await self.start_server()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{self.port}") as http:
            for name in PEOPLE[: self.size.people]:
                await self._sign_up(http, name)
        for name in PEOPLE[: self.size.people]:
            await self._client(name)

    async def start_server(self, within: float = START_S) -> None:
        """Start it on its port, and wait until it takes connections."""
        if self.port:
            before = self.server
            self.server = self._server(self.port)
            self.server.env, self.server.errors = before.env, before.errors
        await self.server.start()
        line = await self.server.answer(within)
        assert line.startswith("ready "), line + self.server.words()
        self.port = int(line.rsplit(":", 1)[1])

    async def _sign_up(self, http: aiohttp.ClientSession, name: str) -> None:
        body = {"username": name, "password": PASSWORD}
        async with http.post("/api/register", json=body) as answer:
            tokens: dict[str, Any] = await answer.json()
        self._users[name] = tokens["user"]["userId"]
        head = {"Authorization": f"Bearer {tokens['accessToken']}"}
        async with http.post("/api/tokens", json={"name": "chaos"}, headers=head) as answer:
            personal = (await answer.json())["token"]
        (self.folder / f"{name}.token").write_text(personal)

    async def _client(self, name: str) -> None:
        if not self.rooms:
            self.rooms = self._all_rooms()
        proxy = FaultProxy(self.port, self.dice)
        await proxy.start()
        self.proxies[name] = proxy
        self.clients[name] = Process(
            python(
                *("-m", "tests.chaos.client_process", "--url", f"http://127.0.0.1:{proxy.port}"),
                *("--device", f"{name}.1", "--user", self._users[name]),
                *("--token-file", str(self.folder / f"{name}.token")),
                *("--folder", str(self.folder / name)),
                *("--history", str(self.folder / f"{name}.jsonl")),
                *("--rooms", *self.rooms, "--transports", *self.transports),
            ),
            self.folder / f"{name}.log",
            self.client_env,
        )
        await self.start_client(name)

    def _all_rooms(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as db:
            found = db.execute("SELECT conversation_id FROM conversation WHERE name = 'general'")
            return [room for (room,) in found]

    async def start_client(self, name: str) -> None:
        """Start it, or start it again where it left."""
        client = self.clients[name]
        await client.start()
        assert await client.answer(START_S) == "open", client.words()

    # --- load ----------------------------------------------------------------------------

    def load(self) -> None:
        """Everybody begins to talk."""
        for name in self.clients:
            self._talk(name, self.size.messages)

    def _talk(self, name: str, count: int) -> None:
        self.clients[name].order(f"say {count} {self.size.rate}")
        self._said[name] = asyncio.ensure_future(self._listen(name))

    async def _listen(self, name: str) -> None:
        with_time = self.size.messages / self.size.rate * 4 + 90
        await self.clients[name].answer(with_time)

    async def kill_client(self, name: str) -> None:
        """`kill -9`, and a new start on the same files; it says what it had not said yet."""
        client = self.clients[name]
        await client.end()
        self.tell(What.CRASHED, f"{name}.1")
        self.done["client killed"] += 1
        said = sum(parse(line).what is What.COMPOSED for line in self._lines(name))
        await self.start_client(name)
        self._talk(name, max(0, self.size.messages - said))

    def _lines(self, name: str) -> list[str]:
        path = self.folder / f"{name}.jsonl"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def tell(self, what: What, device: str = "", note: str = "") -> None:
        """Write something of the harness' own into the history."""
        self._recorder.add(Entry(what, time.monotonic(), device, note=note))

    async def spoken(self) -> None:
        """Wait until everybody has said everything."""
        await asyncio.gather(*self._said.values())

    # --- end -----------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        """The server's file."""
        return next((self.folder / "server").glob("*.db"))

    async def settle(self) -> list[Violation]:
        """Wait until all is sent and all have all, and close; who did not manage is told."""
        for proxy in self.proxies.values():
            self.done.update(proxy.done)
        await asyncio.gather(*(self._sent_by(name) for name in self.clients))
        heads = json.dumps(self._heads())
        for client in self.clients.values():
            client.order(f"end {heads}")
        found = await asyncio.gather(*(self._settled(name) for name in self.clients))
        await self.server.end(signal.SIGTERM)
        return [violation for violation in found if violation]

    async def _sent_by(self, name: str) -> None:
        """Until its outbox is empty; only then the log's end is the end."""

        def unsent() -> int:
            return sum(message.state is not SendState.FAILED for message in self._outbox(name))

        with suppress(AssertionError):
            await until(lambda: not unsent(), SETTLED_S)

    async def _settled(self, name: str) -> Violation | None:
        client = self.clients[name]
        try:
            if await client.answer(SETTLED_S) == "settled":
                await client.end(signal.SIGCONT)
                return None
        except TimeoutError:
            await client.end()
        return Violation("stuck", f"{name} did not settle: {client.words()}")

    def _heads(self) -> dict[str, int]:
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT conversation_id, max(seq) FROM event GROUP BY 1")
            return {room: seq for room, seq in rows if room in self.rooms}

    def _outbox(self, name: str) -> list[Message]:
        path = self.folder / name / "cache.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return [
                msgspec.json.decode(body, type=Message)
                for (body,) in db.execute("SELECT body FROM outbox")
            ]

    async def close(self) -> None:
        """End what still runs."""
        for process in (self.server, *self.clients.values()):
            if process.child is not None and process.child.returncode is None:
                await process.end()
        for task in self._said.values():
            task.cancel()
        for proxy in self.proxies.values():
            await proxy.stop()
        self._recorder.close()

    def history(self) -> History:
        """What all the processes wrote, and what their files say at the end."""
        history = merged(self.folder.glob("*.jsonl"))
        for entry in (*self._truth(), *(e for name in self.clients for e in self._held(name))):
            history.add(entry)
        return history

    def _truth(self) -> list[Entry]:
        with closing(sqlite3.connect(self.database)) as db:
            return [
                Entry(
                    What.TRUTH,
                    time.monotonic(),
                    user=sender,
                    room=room,
                    client_id=client_id or "",
                    message_id=message_id or "",
                    seq=seq,
                    digest=digest_of(text) if text else "",
                )
                for room, seq, sender, message_id, client_id, text in db.execute(LOG)
                if room in self.rooms
            ]

    def _held(self, name: str) -> list[Entry]:
        path = self.folder / name / "cache.db"
        with closing(sqlite3.connect(path)) as db:
            bodies = db.execute("SELECT body FROM events WHERE kind = 'message'").fetchall()
        held = [msgspec.json.decode(body, type=MessagePosted).message for (body,) in bodies]
        return [
            *(self._entry(What.HELD, name, m) for m in held if m.conversation_id in self.rooms),
            *(
                self._entry(What.PENDING, name, message)
                for message in self._outbox(name)
                if message.state is not SendState.FAILED
            ),
        ]

    def _entry(self, what: What, name: str, message: Message) -> Entry:
        return Entry(
            what,
            time.monotonic(),
            f"{name}.1",
            message.sender.user_id,
            message.conversation_id,
            message.client_msg_id,
            message.server_msg_id,
            message.seq,
            digest=digest_of(message.text),
        )


def judge(world: World) -> tuple[int, list[Violation]]:
    """How many messages were acknowledged, and every promise that was broken."""
    history = world.history()
    acked = sum(1 for _ in history.of(What.ACKED))
    found = check(history)
    if world.healed_within is not None:
        found += late(history, world.healed_within + BACK_SLACK_S)
    found += whole(world)
    return acked, found


def late(history: History, within: float) -> list[Violation]:
    """G15: who was offline at the healing is online soon."""
    healed = next(history.of(What.HEALED)).at
    states: dict[str, Entry] = {}
    back: dict[str, float] = {}
    for entry in history.of(What.ONLINE, What.OFFLINE):
        if entry.at <= healed:
            states[entry.device] = entry
        elif entry.what is What.ONLINE:
            back.setdefault(entry.device, entry.at - healed)
    return [
        Violation("back online", f"{device} only {back.get(device, -1):.1f} s after the healing")
        for device, entry in states.items()
        if entry.what is What.OFFLINE and not 0 <= back.get(device, -1) <= within
    ]


def whole(world: World) -> list[Violation]:
    """Every file of the run is whole."""
    paths = [world.database, *(world.folder / name / "cache.db" for name in world.clients)]
    found = []
    for path in paths:
        with closing(sqlite3.connect(path)) as db:
            lines = [line for (line,) in db.execute("PRAGMA integrity_check")]
        if lines != ["ok"]:
            found.append(Violation("damaged file", f"{path.name}: {lines[0]}"))
    return found
