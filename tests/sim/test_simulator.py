"""The simulator's own promises, and a few seconds of what `make sim` does for hours."""

from __future__ import annotations

import pytest

from tests.histories.record import What
from tests.sim.device import Device
from tests.sim.network import Connection, Frame
from tests.sim.simulation import Result, simulate
from tests.sim.world import World

# They share one set of runs.
pytestmark = pytest.mark.xdist_group("simulator")

SEEDS = 150
FAULTS = frozenset(
    {
        "cut",
        "black hole up",
        "black hole down",
        "black hole both",
        "unreachable",
        "server killed",
        "backup restored",
        "client killed",
        "client restarted",
        "disk full",
        "clock jump",
        "sleep",
        "broadcast lost",
        "broadcast doubled",
        "broadcast late",
        "refused for now",
        "ack lost",
        "request doubled",
        "connection refused",
    }
)


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return [simulate(seed) for seed in range(1, SEEDS + 1)]


@pytest.mark.timeout(240)  # seconds of work, but on machines that do much else besides
def test_no_promise_is_broken(results: list[Result]) -> None:
    broken = {r.seed: [str(v) for v in r.violations] for r in results if r.violations}
    assert not broken, "replay: python -m tests.sim --seed N --trace"


def test_every_kind_of_fault_is_injected(results: list[Result]) -> None:
    injected = {kind for result in results for kind in result.faults}
    assert injected == FAULTS


def test_every_kind_of_thing_is_recorded(results: list[Result]) -> None:
    recorded = {entry.what for result in results for entry in result.history}
    unused = {What.ASKED, What.ANSWERED, What.FAULT, What.ONLINE, What.OFFLINE, What.MARK}
    # At the end of a good run nothing is missing and nothing waits.
    at_rest = {What.GAP, What.PENDING}
    assert recorded == set(What) - unused - at_rest


@pytest.mark.parametrize("seed", [1, 19, 45])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    one, other = simulate(seed, telling=True), simulate(seed, telling=True)
    assert one.digest == other.digest
    assert one.trace == other.trace
    assert one.digest != simulate(seed + 1, telling=True).digest


def test_telling_changes_nothing() -> None:
    quiet, loud = simulate(7), simulate(7, telling=True)
    assert quiet.history == loud.history
    assert quiet.faults == loud.faults


# --- the network is TCP ------------------------------------------------------------------


class Ear:
    """One end of a connection."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self.code = ""

    def arrived(self, connection: Connection, frame: Frame) -> None:
        self.heard.append(frame)

    def ended(self, connection: Connection, code: str) -> None:
        self.code = code


def connected(seed: int) -> tuple[World, Connection, Ear, Ear]:
    world = World(seed)
    device, server = Ear(), Ear()
    return world, Connection(world, 1, device, server, (0, 300), "e"), device, server


@pytest.mark.parametrize("seed", range(20))
def test_one_direction_keeps_its_order_through_a_black_hole(seed: int) -> None:
    world, connection, device, _ = connected(seed)
    frames = [("event", number) for number in range(30)]
    for frame in frames:
        connection.down.put(frame)
        world.run(world.now + world.lag(0, 50))
        if frame[1] == 10:
            connection.stall(5_000, up=False, down=True)
    world.run(world.now + 2_000)
    assert len(device.heard) < 30
    world.run(world.now + 10_000)
    assert device.heard == frames
    assert device.code == ""


def test_a_path_that_stays_silent_is_noticed_by_both_ends() -> None:
    world, connection, device, server = connected(1)
    connection.stall(60_000, up=True, down=True)
    world.run(9_000)
    assert (device.code, server.code) == ("", "")
    world.run(26_000)
    assert (device.code, server.code) == ("silent", "silent")


def test_what_was_sent_before_a_polite_end_still_arrives() -> None:
    world, connection, device, server = connected(1)
    connection.down.put(("event", 1))
    connection.shut("draining")
    world.run(1_000)
    assert device.heard == [("event", 1)]
    assert device.code == "draining"
    connection.up.put(("ask", 1))
    world.run(2_000)
    assert server.heard == []


def test_a_device_that_sleeps_does_nothing_until_it_wakes() -> None:
    world = World(1)
    done: list[int] = []
    device = Device.__new__(Device)
    device.world, device.frozen_until, device._life = world, 0, 1
    device.later(100, lambda: done.append(world.now))
    world.later(50, lambda: device.freeze(1_000))
    world.run(1_000)
    assert done == []
    world.run(2_000)
    assert done == [1_100]
