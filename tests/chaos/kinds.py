"""The kinds of faults: one entry each, with the rows of the fault matrix that it shows."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.chaos import machine
from tests.chaos.frames import Sort
from tests.chaos.proxy import Fate, Rule, Way, Weather
from tests.chaos.world import World
from tests.histories.record import What

Deal = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What happens while everybody talks.

    rows: of the fault matrix (docs/guarantees.md). deal: deals the faults out and returns
    when the world has healed. prepare: before the clients start.
    """

    name: str
    rows: str
    deal: Deal
    prepare: Callable[[World], None] = lambda world: None


def weather(*phases: Weather, gap: float = 0.4, each: float = 0.9, rounds: int = 2) -> Deal:
    """Each proxy has these phases in turn, in its own rhythm, with good weather between."""

    async def one(world: World, name: str) -> None:
        proxy = world.proxies[name]
        for _round in range(rounds):
            for phase in phases:
                await asyncio.sleep(gap * world.dice.random() * 2)
                proxy.set(phase)
                world.done["weather"] += 1
                await asyncio.sleep(each * (0.5 + world.dice.random()))
                proxy.set(Weather())

    async def deal(world: World) -> None:
        await asyncio.gather(*(one(world, name) for name in world.proxies))

    return deal


def all_the_time(phase: Weather, seconds: float = 5.0) -> Deal:
    """The whole load under one weather."""

    async def deal(world: World) -> None:
        for proxy in world.proxies.values():
            proxy.set(phase)
            world.done["weather"] += 1
        await asyncio.sleep(seconds)
        for proxy in world.proxies.values():
            proxy.set(Weather())

    return deal


async def resets(world: World) -> None:
    """Every connection of somebody is cut with RST, again and again."""
    for _ in range(8):
        await asyncio.sleep(0.3 + 0.5 * world.dice.random())
        world.dice.choice(list(world.proxies.values())).reset_all()


async def calm(world: World) -> None:
    """Nothing happens: the run must find nothing either."""
    await asyncio.sleep(0)


async def kill_server(world: World) -> None:
    """`kill -9` of the server under load, twice."""
    for _ in range(2):
        await asyncio.sleep(0.6 + 1.5 * world.dice.random())
        await world.server.end(signal.SIGKILL)
        world.done["server killed"] += 1
        await world.start_server()


async def restart_server(world: World) -> None:
    """SIGTERM: what was taken is answered, it ends within 5 s, the clients come back."""
    for _ in range(2):
        await asyncio.sleep(0.6 + 1.5 * world.dice.random())
        assert await world.server.end(signal.SIGTERM, within=6.0) == 0
        world.done["server restarted"] += 1
        await world.start_server()


async def restart_storm(world: World) -> None:
    """Five restarts with hardly a second between."""
    for _ in range(5):
        await asyncio.sleep(0.2 + 0.4 * world.dice.random())
        await world.server.end(world.dice.choice([signal.SIGKILL, signal.SIGTERM]))
        world.done["server restarted"] += 1
        await world.start_server()


async def freeze_server(world: World) -> None:
    """SIGSTOP for some seconds: alive, and silent."""
    for _ in range(2):
        await asyncio.sleep(0.4 + 0.6 * world.dice.random())
        world.server.send(signal.SIGSTOP)
        world.done["server frozen"] += 1
        await asyncio.sleep(0.5 + 2.5 * world.dice.random())
        world.server.send(signal.SIGCONT)


async def freeze_clients(world: World) -> None:
    """A laptop that sleeps: SIGSTOP of one client after the other."""
    for name in world.clients:
        await asyncio.sleep(0.3 * world.dice.random())
        world.clients[name].send(signal.SIGSTOP)
        world.done["client frozen"] += 1
        await asyncio.sleep(0.4 + 1.2 * world.dice.random())
        world.clients[name].send(signal.SIGCONT)


async def kill_clients(world: World) -> None:
    """`kill -9` of one client after the other; each goes on where it was cut."""
    for name in (*world.clients, world.dice.choice(list(world.clients))):
        await asyncio.sleep(0.4 + 0.8 * world.dice.random())
        await world.kill_client(name)


async def kill_all(world: World) -> None:
    """Everything at once, as when a machine is switched off (its disk is `tests.crash`)."""
    await asyncio.sleep(1.0 + 1.5 * world.dice.random())
    await world.server.end(signal.SIGKILL)
    world.done["server killed"] += 1
    await asyncio.gather(*(world.kill_client(name) for name in world.clients))
    await world.start_server()


async def storm(world: World) -> None:
    """Resets, kills and bad weather together."""

    async def rain() -> None:
        await weather(
            Weather(latency=0.1, jitter=0.2, cut_after=8_000), Weather(holes=frozenset(Way))
        )(world)

    await asyncio.gather(rain(), resets(world), kill_server(world))


def frames(sort: Sort, fate: Fate, one_in: int = 4, seconds: float = 0.0) -> Deal:
    """Some frames of a sort are dropped, doubled or late for the whole load."""
    return all_the_time(Weather(rules=(Rule(sort, fate, one_in, seconds),)))


def only(*transports: str) -> Callable[[World], None]:
    """The clients may use these transports."""

    def prepare(world: World) -> None:
        world.transports = transports

    return prepare


def http(status: str, body: str = "<html>Oops</html>", extra: str = "") -> bytes:
    """What a box in between answers."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


async def answered(world: World) -> None:
    """The load balancer answers itself: 502, 503, 504, a page, a redirect."""
    answers = [
        http("502 Bad Gateway"),
        http("503 Service Unavailable", extra="Retry-After: 1\r\n"),
        http("504 Gateway Timeout"),
        http("200 OK"),
        http("302 Found", extra="Location: http://example.org/\r\n"),
    ]
    for answer in answers:
        for proxy in world.proxies.values():
            proxy.set(Weather(answer=answer))
            proxy.reset_all()
        await asyncio.sleep(0.4 + 0.5 * world.dice.random())
        for proxy in world.proxies.values():
            proxy.set(Weather())
        await asyncio.sleep(0.5)


SERVER_CLOCK, CLIENT_CLOCK = machine.clock("server"), machine.clock("client")
NO_PINGS = Weather(rules=(Rule(Sort.PING, Fate.DROP, 1),))
UNTIL_SEEN_S = 28.0
"""Ping interval and time-out of the server, and a little: only then is a lost ping noticed."""
BOTH = frozenset(Way)
UP, DOWN = frozenset({Way.UP}), frozenset({Way.DOWN})

KINDS: tuple[Kind, ...] = (
    Kind("calm", "", calm),
    Kind("reset", "F1", resets),
    Kind("cut at a byte", "F2 F3", weather(Weather(cut_after=3_000), rounds=3)),
    Kind("ack dropped", "F3 F4", frames(Sort.ACK, Fate.DROP, 40)),
    Kind("ack doubled", "F6", frames(Sort.ACK, Fate.DOUBLE, 2)),
    Kind("ack late", "F5", frames(Sort.ACK, Fate.DELAY, 30, 1.0)),
    Kind("event dropped", "F7", frames(Sort.EVENT, Fate.DROP, 5)),
    Kind("event doubled", "F7", frames(Sort.EVENT, Fate.DOUBLE, 2)),
    Kind("event late", "F7", frames(Sort.EVENT, Fate.DELAY, 30, 0.8)),
    Kind("ping dropped", "F18", all_the_time(NO_PINGS, UNTIL_SEEN_S)),
    Kind("hole", "F8", weather(Weather(holes=BOTH), each=1.5)),
    Kind("hole to the server", "F9", weather(Weather(holes=UP), each=1.5)),
    Kind("hole to the client", "F9", weather(Weather(holes=DOWN), each=1.5)),
    Kind("slow and shaky", "F10", all_the_time(Weather(latency=0.15, jitter=0.25))),
    Kind("thin", "F10", all_the_time(Weather(bandwidth=12_000))),
    Kind("slices of a byte", "F11", all_the_time(Weather(slices=1))),
    Kind("answered by a box", "F15", answered),
    Kind("mute box", "F8", weather(Weather(mute=True, cut_after=2_000), each=1.2)),
    Kind("polling only", "F14", resets, only("polling")),
    Kind("WebSocket only", "F1", resets, only("websocket")),
    Kind("server killed", "F23 F44", kill_server),
    Kind("server restarted", "F43", restart_server),
    Kind("restart storm", "F19", restart_storm),
    Kind("server frozen", "F49", freeze_server),
    Kind("client frozen", "F20", freeze_clients),
    Kind("client killed", "F21", kill_clients),
    Kind("all killed", "F21 F23", kill_all),
    Kind("storm", "F1 F2 F8 F23", storm),
    Kind("server's disk full", "F26 F27", machine.full_server),
    Kind("client's disk full", "F26 F27", machine.full_clients),
    Kind("no more files", "F46", machine.no_files),
    Kind("database locked", "F29", machine.locked),
    Kind("log pinned by a reader", "F30", machine.pinned),
    Kind("fsync fails", "F25", machine.fsync_fails),
    Kind("log's disk full", "F69", resets, machine.log_is_full),
    Kind("no processor free", "F48", machine.starved),
    Kind("server's clock", "F52", SERVER_CLOCK[1], SERVER_CLOCK[0]),
    Kind("client's clock", "F51", CLIENT_CLOCK[1], CLIENT_CLOCK[0]),
)
BY_NAME = {kind.name: kind for kind in KINDS}


async def heal(world: World) -> None:
    """Whatever was done, the day is good again."""
    for proxy in world.proxies.values():
        proxy.set(Weather())
    for process in (world.server, *world.clients.values()):
        process.send(signal.SIGCONT)
    world.tell(What.HEALED)
