"""Clients' processes on three servers behind a balancer; what the chaos runs do with one server."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from pathlib import Path

import aiohttp
import psycopg
from deploy.loopback import Topology

from tests.chaos.processes import Process, python
from tests.chaos.world import LOG, PEOPLE, Size, World
from tests.histories.checker import Violation, check
from tests.histories.record import Entry, What, digest_of

FREELY = ("--no-bot", "--messages-per-minute", "600000", "--message-burst", "100000")


class Cluster(World):
    """A run on a topology that has been started."""

    def __init__(self, folder: Path, topology: Topology, size: Size) -> None:
        super().__init__(folder, 1, size)
        self.topology = topology
        self.client_env = {"SSL_CERT_FILE": str(topology.trusted)}
        self.healed_within = None
        self.polling_only: tuple[str, ...] = ()

    async def open(self) -> None:
        """Sign everybody up through the balancer, and start their programs."""
        connector = aiohttp.TCPConnector(
            ssl=ssl.create_default_context(cafile=self.topology.trusted)
        )
        async with aiohttp.ClientSession(self.topology.url, connector=connector) as http:
            for name in PEOPLE[: self.size.people]:
                await self._sign_up(http, name)
        self.rooms = self._all_rooms()
        for name in PEOPLE[: self.size.people]:
            await self._client(name)

    async def _client(self, name: str) -> None:
        transports = ("polling",) if name in self.polling_only else self.transports
        self.clients[name] = Process(
            python(
                *("-m", "tests.chaos.client_process", "--url", self.topology.url),
                *("--device", f"{name}.1", "--user", self._users[name]),
                *("--token-file", str(self.folder / f"{name}.token")),
                *("--folder", str(self.folder / name)),
                *("--history", str(self.folder / f"{name}.jsonl")),
                *("--rooms", *self.rooms, "--transports", *transports),
            ),
            self.folder / f"{name}.log",
            self.client_env,
        )
        await self.start_client(name)

    def talking(self) -> bool:
        """Whether somebody has not said everything yet."""
        return not all(task.done() for task in self._said.values())

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Of the database, on the way past the servers."""
        with psycopg.connect(self.topology.database, connect_timeout=5) as connection:
            return connection.execute(statement.encode()).fetchall()

    def _all_rooms(self) -> list[str]:
        found = self.ask("SELECT conversation_id FROM conversation WHERE name = 'general'")
        return [str(room) for (room,) in found]

    def _heads(self) -> dict[str, int]:
        rows = self.ask("SELECT conversation_id, max(seq) FROM event GROUP BY 1")
        return {str(room): int(str(seq)) for room, seq in rows if room in self.rooms}

    def _truth(self) -> list[Entry]:
        return [
            Entry(
                What.TRUTH,
                time.monotonic(),
                user=str(sender),
                room=str(room),
                client_id=str(client_id or ""),
                message_id=str(message_id or ""),
                seq=int(str(seq)),
                digest=digest_of(str(text)) if text else "",
            )
            for room, seq, sender, message_id, client_id, text in self.ask(LOG)
            if room in self.rooms
        ]

    async def settle(self) -> list[Violation]:
        """Wait until all is sent and all have all, and close the clients."""
        await asyncio.gather(*(self._sent_by(name) for name in self.clients))
        heads = json.dumps(self._heads())
        for client in self.clients.values():
            client.order(f"end {heads}")
        found = await asyncio.gather(*(self._settled(name) for name in self.clients))
        return [violation for violation in found if violation]

    def judge(self) -> tuple[int, list[Violation]]:
        """How many messages were acknowledged, and every promise that was broken."""
        history = self.history()
        return sum(1 for _ in history.of(What.ACKED)), check(history)
