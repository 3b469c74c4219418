"""The bus between servers: a seam, what there is without one, and a double in one process.

Sending never waits and never fails: a hint that gets lost is made up for by the looks into
the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from talkbot_tui.server.nodes import hints
from talkbot_tui.server.nodes.hints import Hint, Packet

Heard = Callable[[Packet], None]


class Bus(Protocol):
    """Carries hints to the other servers."""

    @property
    def up(self) -> bool:
        """Whether what is sent now is likely to arrive."""

    def send(self, hint: Hint) -> None:
        """Tell the others, soon; returns at once, whatever the state of the bus."""

    async def start(
        self, chat: str, node: str, heard: Heard, recovered: Callable[[], None]
    ) -> None:
        """Begin; `heard` is given the others' packets, in the event loop.

        chat: the database's epoch. node: this server's id. recovered: called whenever the bus
        is there again, and may have lost something.
        Raises `BusProblem` for what waiting will not mend.
        """

    async def stop(self) -> None:
        """End within a second; idempotent."""


class NoBus:
    """Servers that find out by looking into the database."""

    up = False

    def send(self, hint: Hint) -> None:
        """Nobody is told."""

    async def start(
        self, chat: str, node: str, heard: Heard, recovered: Callable[[], None]
    ) -> None:
        """Nothing begins."""

    async def stop(self) -> None:
        """Nothing ends."""


class MemoryHub:
    """Joins the buses of several servers in one process; a double that can lose things.

    Attributes:
        lost: whether everything that is sent is lost.
        sent: every packet, as it would travel.
    """

    def __init__(self) -> None:
        """Nobody is joined yet."""
        self.lost = False
        self.sent: list[bytes] = []
        self.buses: list[MemoryBus] = []

    def bus(self) -> MemoryBus:
        """Another server's bus."""
        self.buses.append(MemoryBus(self))
        return self.buses[-1]

    def carry(self, sender: MemoryBus, data: bytes) -> None:
        """From one to all others."""
        self.sent.append(data)
        if not self.lost:
            for bus in self.buses:
                if bus is not sender:
                    bus.take(data)


class MemoryBus:
    """One server's end of a `MemoryHub`."""

    def __init__(self, hub: MemoryHub) -> None:
        """Hears nothing before `start`."""
        self._hub = hub
        self._chat = self._node = ""
        self._heard: Heard | None = None

    @property
    def up(self) -> bool:
        """Whether what is sent arrives."""
        return not self._hub.lost

    def send(self, hint: Hint) -> None:
        """At once to everybody."""
        if self._heard is not None:
            self._hub.carry(self, hints.encode(self._chat, self._node, [hint]))

    def take(self, data: bytes) -> None:
        """What another has sent."""
        packet = hints.decode(data, self._chat)
        if self._heard is not None and packet is not None:
            self._heard(packet)

    async def start(
        self, chat: str, node: str, heard: Heard, recovered: Callable[[], None]
    ) -> None:
        """Hear the others from now on."""
        self._chat, self._node, self._heard = chat, node, heard

    async def stop(self) -> None:
        """Hear nothing more."""
        self._heard = None
