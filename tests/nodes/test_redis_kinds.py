"""Redis that is more than one server: a cluster's nodes, and sentinels that name another one."""

from __future__ import annotations

import time

from talkbot_tui.server.nodes.bus import Bus
from talkbot_tui.server.nodes.hints import Hint, Moved, Packet
from talkbot_tui.server.nodes.place import redis_place
from talkbot_tui.server.nodes.redis_bus import RedisBus
from tests.postgres import free_port
from tests.redis_server import redis_server
from tests.waiting import until


async def _at(url: str, node: str, heard: list[Hint]) -> Bus:
    found = redis_place({"TALKBOT_REDIS_URL": url}, {})
    assert found is not None

    def hear(packet: Packet) -> None:
        heard.extend(packet.hints)

    bus = RedisBus(found)
    await bus.start("chat", node, hear, lambda: None)
    return bus


async def test_servers_at_different_nodes_of_a_cluster_hear_each_other() -> None:
    on = ("--cluster-enabled", "yes", "--cluster-port")
    # Ten thousand above its own port, as it would choose, may be no port at all.
    between = str(free_port())
    with redis_server(*on, str(free_port())) as one, redis_server(*on, between) as two:
        half = "8191"
        assert b"OK" in one.ask("CLUSTER", "ADDSLOTSRANGE", "0", half)
        assert b"OK" in two.ask("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
        assert b"OK" in one.ask("CLUSTER", "MEET", "127.0.0.1", str(two.port), between)
        await until(lambda: b"cluster_state:ok" in one.ask("CLUSTER", "INFO"))
        heard: list[Hint] = []
        buses = [await _at(one.url, "a", []), await _at(two.url, "b", heard)]
        await until(lambda: all(bus.up for bus in buses))
        told = Moved(conversation_id="room", seq=7)
        buses[0].send(told)
        await until(lambda: told in heard)
        for bus in buses:
            await bus.stop()


async def test_sentinels_name_another_server_when_the_first_one_dies() -> None:
    with redis_server() as first, redis_server("--replicaof", "127.0.0.1", str(first.port)) as _:
        watched = (
            f"sentinel monitor chat 127.0.0.1 {first.port} 1\n"
            "sentinel down-after-milliseconds chat 500\n"
            "sentinel failover-timeout chat 3000\n"
        )
        with redis_server("--sentinel", settings=watched) as sentinel:
            await until(
                lambda: b"num-slaves\r\n$1\r\n1" in sentinel.ask("SENTINEL", "MASTER", "chat")
            )
            heard: list[Hint] = []
            url = f"redis+sentinel://127.0.0.1:{sentinel.port}/chat"
            buses = [await _at(url, "a", []), await _at(url, "b", heard)]
            await until(lambda: all(bus.up for bus in buses))
            first.stop()
            began = time.monotonic()
            await until(lambda: not any(bus.up for bus in buses))
            await until(lambda: all(bus.up for bus in buses), 30.0)
            told = Moved(conversation_id="room", seq=int(began))
            buses[0].send(told)
            await until(lambda: told in heard)
            for bus in buses:
                await bus.stop()
