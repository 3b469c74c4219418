"""The server's process around its rules: connections, subscriptions, broadcasts, crashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from talkbot_tui.core import effects as f
from talkbot_tui.core.arrivals import Resync
from tests.sim.network import Connection, Frame
from tests.sim.room import Delivery, Enter, Exit, Tell
from tests.sim.server import ModelServer, Refused
from tests.sim.words import words
from tests.sim.world import World

READING = (f.SendSync, f.FetchHistory)


@dataclass(slots=True)
class Rates:
    """How often the path behind the server fails, 0 to 1."""

    lose: float = 0.0
    double: float = 0.0
    late: float = 0.0
    busy: float = 0.0
    lose_ack: float = 0.0
    twice: float = 0.0


@dataclass(slots=True)
class Peer:
    """One live connection: whose it is and which rooms it receives."""

    user: str
    connection: Connection
    rooms: dict[str, None] = field(default_factory=dict)
    synced: bool = False


class Host:
    """Takes frames in order, answers after the commit, broadcasts after the commit.

    Attributes:
        server: the rules and the data; another object after a backup was restored.
        up: connections can be made.
        rates: faults of this server.
    """

    def __init__(self, world: World, server: ModelServer) -> None:
        self.world = world
        self.server = server
        self.up = True
        self.rates = Rates()
        self.peers: dict[int, Peer] = {}
        self._generations: dict[str, int] = {}

    # --- connections -----------------------------------------------------------------

    def admit(self, connection: Connection, user: str) -> None:
        """A handshake succeeded."""
        self.peers[connection.number] = Peer(user, connection)

    def ended(self, connection: Connection, code: str) -> None:
        """A connection is gone."""
        del code
        self.peers.pop(connection.number, None)

    def crash(self, *, silently: bool) -> None:
        """The process dies: what is committed stays, nobody is connected."""
        self.up = False
        peers, self.peers = self.peers, {}
        for peer in peers.values():
            if silently:
                peer.connection.vanish()
            else:
                peer.connection.shut("lost")

    def arrived(self, connection: Connection, frame: Frame) -> None:
        """A request came in; requests of one connection are handled in order."""
        _, number, ask = frame
        peer = self.peers.get(connection.number)
        if peer is None:
            return
        world = self.world
        if world.maybe(self.rates.busy):
            world.fault("refused for now")
            code = world.chance.choice(("busy", "rate_limited", "storage_full", "internal"))
            wait = world.lag(0, 3_000)
            connection.down.put(("ack", number, Refused(code, retryable=True, retry_after=wait)))
            return
        if isinstance(ask, READING):
            self._look(peer, number, ask)
            return
        answer = self._do(peer, ask)
        if world.maybe(self.rates.twice):
            world.fault("request doubled")
            answer = self._do(peer, ask)
        self._answer(peer, number, answer)

    def _do(self, peer: Peer, ask: Any) -> Any:
        try:
            answer, told = self.server.handle(peer.user, ask)
        except Refused as refused:
            return refused
        if self.world.telling:
            self.world.tell("server", f"{peer.user} {words(ask)} -> {words(answer)}")
        self.deliver(told)
        return answer

    def _look(self, peer: Peer, number: int, ask: Any) -> None:
        """What is read is answered later: what is committed in between is told before it."""
        if isinstance(ask, f.SendSync):
            peer.synced = True
            peer.rooms = {room.id: None for room in self.server.of_user(peer.user)}
        answer = self._do(peer, ask)
        generation = self._generations.get(peer.user, 0)

        def answer_now() -> None:
            if isinstance(ask, f.SendSync) and self._generations.get(peer.user, 0) != generation:
                self._look(peer, number, ask)
            else:
                self._answer(peer, number, answer)

        if self.world.maybe(0.5):
            self.world.later(self.world.lag(1, 60), answer_now)
        else:
            answer_now()

    def _answer(self, peer: Peer, number: int, answer: Any) -> None:
        if self.world.maybe(self.rates.lose_ack):
            self.world.fault("ack lost")
        elif peer.connection.number in self.peers:
            peer.connection.down.put(("ack", number, answer))

    # --- deliveries ----------------------------------------------------------------------

    def deliver(self, told: list[Delivery]) -> None:
        """Carry out what follows from a commit, in order."""
        for delivery in told:
            match delivery:
                case Enter(user=user, room=room):
                    self._generations[user] = self._generations.get(user, 0) + 1
                    for peer in self.peers.values():
                        if peer.user == user and peer.synced:
                            peer.rooms[room] = None
                case Exit(user=user, room=room):
                    self._generations[user] = self._generations.get(user, 0) + 1
                    for peer in self.peers.values():
                        if peer.user == user:
                            peer.rooms.pop(room, None)
                case Tell():
                    for peer in list(self.peers.values()):
                        if self._receives(peer, delivery):
                            self._tell(peer, delivery)

    @staticmethod
    def _receives(peer: Peer, tell: Tell) -> bool:
        if tell.user:
            return peer.user == tell.user
        return tell.room in peer.rooms and peer.user != tell.but

    def _tell(self, peer: Peer, tell: Tell) -> None:
        """A hint: it may be lost, doubled or late, as through a broker between nodes."""
        world, rates = self.world, self.rates
        if world.maybe(rates.lose):
            world.fault("broadcast lost")
            return
        if world.maybe(rates.double):
            world.fault("broadcast doubled")
            world.later(world.lag(0, 1_000), lambda: self._tell_late(peer, tell))
        if world.maybe(rates.late):
            world.fault("broadcast late")
            world.later(world.lag(1, 2_000), lambda: self._tell_late(peer, tell))
        else:
            peer.connection.down.put(("event", tell.what))

    def _tell_late(self, peer: Peer, tell: Tell) -> None:
        """Whoever was removed meanwhile gets nothing that waited."""
        if peer.connection.number in self.peers and self._receives(peer, tell):
            peer.connection.down.put(("event", tell.what))

    def resync(self) -> None:
        """Tell everybody that broadcasts may have been missed."""
        for peer in self.peers.values():
            peer.connection.down.put(("event", Resync()))
