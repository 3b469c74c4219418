"""One run: people and faults for some minutes, then peace, then every promise is checked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from talkbot_tui.core import events as e
from talkbot_tui.core.link import LinkState
from talkbot_tui.core.model import User
from tests.histories.checker import Violation, check
from tests.histories.record import Entry, History, What
from tests.sim import checks
from tests.sim.device import Device
from tests.sim.faults import Paths, Trouble
from tests.sim.host import Host
from tests.sim.people import ROBOT, Crowd
from tests.sim.recorder import Recorder
from tests.sim.server import ModelServer
from tests.sim.store import SimStore
from tests.sim.world import World

NAMES = ("ana", "bruno", "carla", "davi")
PERMANENT = frozenset({"not_member", "not_found", "empty", "expired", "internal"})
"""Reasons for which giving a message up is right."""

SETTLE_MS = 120_000
SLICE_MS = 5_000
PATIENCE = 80


@dataclass(slots=True)
class Result:
    """What came of a run."""

    seed: int
    violations: list[Violation]
    faults: Counter[str]
    messages: int
    virtual_ms: int
    digest: str = ""
    trace: list[str] = field(default_factory=list)
    history: History = field(default_factory=History)


class Simulation:
    """Everything of one seed."""

    def __init__(self, seed: int, *, telling: bool = False) -> None:
        self.seed = seed
        self.world = World(seed, telling=telling)
        chance = self.world.chance
        self.users = [User(f"u-{name}", name) for name in NAMES[: chance.randint(2, 4)]]
        server = ModelServer(
            [*self.users, ROBOT], chance.choice((2, 5, 20, 50)), chance.choice((3, 7, 30, 200))
        )
        self.host = Host(self.world, server)
        self.recorder = Recorder(self.world)
        self.paths = Paths(self.world, self.host, chance.choice(((0, 5), (5, 60), (20, 900))))
        self.devices: list[Device] = []
        self._make_rooms()
        self._make_devices()
        calm = chance.choice(((100, 2_000), (500, 8_000), (2_000, 30_000)))
        self.crowd = Crowd(self.world, self.recorder, self.host, self.devices, calm)
        self.trouble = Trouble(self.world, self.host, self.paths, self.devices, self.recorder)

    def _make_rooms(self) -> None:
        chance = self.world.chance
        for number in range(chance.randint(1, 3)):
            members = [user for user in self.users[1:] if chance.random() < 0.85]
            if chance.random() < 0.1:
                members.append(ROBOT)
            self.host.server.create(f"r{number}", self.users[0], members)

    def _make_devices(self) -> None:
        chance = self.world.chance
        for user in self.users:
            for number in range(1, 2 + (chance.random() < 0.3)):
                self.devices.append(self._device(user, number, asks=chance.random() < 0.5))

    def _device(self, user: User, number: int, *, asks: bool) -> Device:
        return Device(
            self.world,
            f"{user.name}.{number}",
            user.user_id,
            SimStore(self.world.chance.choice((3, 10, 200))),
            self.paths.dial,
            self.recorder,
            asks=asks,
        )

    def run(self) -> Result:
        """Live through it all."""
        world = self.world
        for device in self.devices:
            self.recorder.started(device)
            device.start()
        self.crowd.begin()
        self.trouble.begin()
        world.run(world.chance.choice((20_000, 60_000, 180_000)))
        self.trouble.heal()
        self.recorder.history.add(Entry(What.HEALED, world.now / 1000))
        self._settle()
        self._look()
        return self._result()

    # --- after the faults ------------------------------------------------------------

    def _settle(self) -> None:
        """Wait until nothing is on its way, for a bounded time; who sleeps wakes first."""
        self.world.run(max(self.world.now, *(device.frozen_until for device in self.devices)))
        for device in self.devices:
            if device.session.link.state is LinkState.REFUSED:
                device.feed(e.ReconnectNow())
        until = self.world.now + SETTLE_MS
        while self.world.now < until:
            self.world.run(self.world.now + SLICE_MS)
            for device in self.devices:
                for room in device.session.rooms():
                    if room.held:
                        device.feed(e.SendHeld(room.conversation.conversation_id))
            if all(self._rests(device) for device in self.devices):
                break
        for device in self.devices:
            if device.session.link.state is not LinkState.ONLINE:
                what = f"{device.name} is {device.session.link.state.value}"
                self.recorder.violations.append(Violation("not back online", what))
        # Once more around, so that everybody has asked for the heads.
        self.world.run(self.world.now + 30_000)

    def _rests(self, device: Device) -> bool:
        if device.session.link.state is not LinkState.ONLINE:
            return False
        return all(not room.queued for room in device.session.rooms())

    def _look(self) -> None:
        """Everybody looks at everything, twice: as it is, and after a `resync`."""
        found = self.recorder.violations
        for device in self.devices:
            self.recorder.check_copies(device)
            self._scroll(device)
            found += checks.log_agrees(device, self.host.server)
        self.host.resync()
        self.world.run(self.world.now + 10_000)
        for device in self.devices:
            self._scroll(device)
            found += checks.log_agrees(device, self.host.server)
            found += checks.rooms_agree(device, self.host.server)
            found += checks.disk_agrees(device, self.host.server)
            self.recorder.check_copies(device)
        self._fresh(self.world.chance.choice(self.devices))

    def _scroll(self, device: Device) -> None:
        """Look at all rooms from their ends to their beginnings."""
        for room in device.session.rooms():
            name = room.conversation.conversation_id
            if not room.conversation.role:
                continue
            device.feed(e.OpenConversation(name))
            patience = PATIENCE
            before = (0, 0)
            while patience:
                self.world.run(self.world.now + 250)
                timeline = device.session.timeline(name)
                if timeline.gaps:
                    device.feed(e.FillGap(name, timeline.gaps[-1].last))
                elif not (timeline.holds(1) and timeline.shows(1)):
                    device.feed(e.ReachedTop(name))
                elif not timeline.detached:
                    break
                now = (timeline.floor or 0, len(timeline.rows))
                patience = PATIENCE if now != before else patience - 1
                before = now

    def _fresh(self, device: Device) -> None:
        """A program that was never here sees what the old one sees."""
        user = next(user for user in self.users if user.user_id == device.user)
        fresh = self._device(user, 9, asks=False)
        self.recorder.started(fresh)
        fresh.start()
        self.world.run(self.world.now + 10_000)
        self._scroll(fresh)
        self.recorder.violations += checks.log_agrees(fresh, self.host.server)
        self.recorder.violations += checks.rooms_agree(fresh, self.host.server)
        self.recorder.violations += checks.live_equals_fresh(device, fresh)

    def _result(self) -> Result:
        recorder, server = self.recorder, self.host.server
        recorder.truth(server)
        for device in self.devices:
            for room in device.session.rooms():
                recorder.held(device, room.conversation.conversation_id)
        found = [*recorder.violations, *check(recorder.history, PERMANENT)]
        sent = sum(1 for _ in recorder.history.of(What.COMPOSED))
        return Result(
            self.seed,
            found,
            self.world.faults,
            sent,
            self.world.now,
            self.world.digest() if self.world.telling else "",
            self.world.trace,
            recorder.history,
        )


def simulate(seed: int, *, telling: bool = False) -> Result:
    """The run of this seed."""
    return Simulation(seed, telling=telling).run()
