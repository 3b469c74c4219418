"""What goes wrong, drawn from the seed: some kinds in each run, none once it has healed."""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.device import Device, Refusal
from tests.sim.host import Host, Rates
from tests.sim.network import Connection
from tests.sim.recorder import Recorder
from tests.sim.server import ModelServer
from tests.sim.world import World

HOUR = 3_600_000
JUMPS = (-10 * 365 * 24 * HOUR, -49 * HOUR, -HOUR, -5_000, 25_000, HOUR, 49 * HOUR)


class Paths:
    """How devices reach the server, and what breaks on the way.

    Attributes:
        lag: of one direction, in ms.
        refusing: how often the server will not have a device now, 0 to 1.
    """

    def __init__(self, world: World, host: Host, lag: tuple[int, int]) -> None:
        self.world = world
        self.host = host
        self.lag = lag
        self.refusing = 0.0
        self.away: dict[str, int] = {}
        self._numbers = 0

    def dial(self, device: Device) -> Connection | Refusal:
        """One attempt to connect."""
        world = self.world
        if not self.host.up:
            return ("refused", 0)
        if not world.healed and self.away.get(device.name, 0) > world.now:
            return ("network", 0)
        if world.maybe(self.refusing):
            world.fault("connection refused")
            if world.chance.random() < 0.1:
                return ("session_revoked", 0)
            return ("busy", world.lag(100, 5_000))
        self._numbers += 1
        connection = Connection(
            world, self._numbers, device, self.host, self.lag, self.host.server.epoch
        )
        self.host.admit(connection, device.user)
        return connection


class Trouble:
    """Injects faults at random moments."""

    def __init__(
        self, world: World, host: Host, paths: Paths, devices: list[Device], recorder: Recorder
    ) -> None:
        self.world = world
        self.host = host
        self.paths = paths
        self.devices = devices
        self.recorder = recorder
        self._backup: ModelServer | None = None
        self._kinds: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Choose this run's kinds of faults and begin with them."""
        chance = self.world.chance
        kinds: tuple[tuple[float, Callable[[], None]], ...] = (
            (0.7, self._cut),
            (0.6, self._stall),
            (0.4, self._away),
            (0.4, self._server_crash),
            (0.25, self._restore),
            (0.5, self._kill),
            (0.3, self._restart),
            (0.3, self._disk_full),
            (0.3, self._clock_jump),
            (0.3, self._freeze),
        )
        self._kinds = [kind for likely, kind in kinds if chance.random() < likely]
        self.host.rates = Rates(
            lose=self._rate(0.2),
            double=self._rate(0.2),
            late=self._rate(0.3),
            busy=self._rate(0.15),
            lose_ack=self._rate(0.15),
            twice=self._rate(0.15),
        )
        self.paths.refusing = self._rate(0.3)
        self._pace = chance.choice((3_000, 10_000, 30_000))
        if self._kinds:
            self._next()

    def heal(self) -> None:
        """Nothing is wrong any more, and nobody is away."""
        self.world.healed = True
        self.host.up = True
        self.host.rates = Rates()
        for peer in self.host.peers.values():
            peer.connection.clear()
        for device in self.devices:
            device.store.full = False
            if not device.running:
                self._begin(device)

    def _rate(self, most: float) -> float:
        chance = self.world.chance
        return chance.random() * most if chance.random() < 0.5 else 0.0

    def _next(self) -> None:
        self.world.later(self.world.lag(10, 2 * self._pace), self._strike)

    def _strike(self) -> None:
        if not self.world.healed:
            self.world.chance.choice(self._kinds)()
            self._next()

    def _device(self) -> Device:
        return self.world.chance.choice(self.devices)

    def _begin(self, device: Device) -> None:
        if not device.running:
            self.recorder.started(device)
            device.start()

    # --- paths -------------------------------------------------------------------------

    def _cut(self) -> None:
        connection = self._device().connection
        if connection is not None:
            self.world.fault("cut")
            connection.cut()

    def _stall(self) -> None:
        connection = self._device().connection
        if connection is not None:
            side = self.world.chance.choice(("up", "down", "both"))
            self.world.fault(f"black hole {side}")
            duration = self.world.chance.choice((500, 5_000, 12_000, 60_000))
            connection.stall(self.world.lag(100, duration), up=side != "down", down=side != "up")

    def _away(self) -> None:
        device = self._device()
        self.world.fault("unreachable")
        self.paths.away[device.name] = self.world.now + self.world.lag(500, 30_000)
        if device.connection is not None:
            device.connection.stall(self.world.lag(500, 30_000), up=True, down=True)

    # --- the server ----------------------------------------------------------------------

    def _server_crash(self) -> None:
        if self.host.up:
            self.world.fault("server killed")
            self.host.crash(silently=self.world.chance.random() < 0.3)
            self.world.later(self.world.lag(50, 15_000), self._server_up)

    def _server_up(self) -> None:
        self.host.up = True

    def _restore(self) -> None:
        """Keep a backup, or put the one kept in place of what is there now."""
        if self._backup is None:
            self._backup = self.host.server.backup()
            return
        if not self.host.up:
            return
        self.world.fault("backup restored")
        self.recorder.members(self.host.server)
        self.host.crash(silently=False)
        backup, self._backup = self._backup, None
        self.host.server = backup.restored_as(self.host.server)
        self.world.later(self.world.lag(50, 5_000), self._server_up)

    # --- a device --------------------------------------------------------------------------

    def _kill(self) -> None:
        device = self._device()
        if device.running:
            self.world.fault("client killed")
            self.recorder.ended(device)
            device.crash()
            self.world.later(self.world.lag(20, 20_000), lambda: self._begin(device))

    def _restart(self) -> None:
        device = self._device()
        if device.running and device.frozen_until <= self.world.now:
            self.world.fault("client restarted")
            device.stop()
            self.recorder.ended(device)
            self.world.later(self.world.lag(20, 20_000), lambda: self._begin(device))

    def _disk_full(self) -> None:
        store = self._device().store
        self.world.fault("disk full")
        store.full = True

        def space() -> None:
            store.full = False

        self.world.later(self.world.lag(100, 10_000), space)

    def _clock_jump(self) -> None:
        self.world.fault("clock jump")
        self._device().offset += self.world.chance.choice(JUMPS)

    def _freeze(self) -> None:
        device = self._device()
        if device.running and device.frozen_until <= self.world.now:
            self.world.fault("sleep")
            device.freeze(self.world.lag(1_000, 60_000))
            if self.world.chance.random() < 0.3:
                device.offset += 8 * HOUR
