"""What deploy/ ships, as it runs: three servers behind a balancer, under load."""

from __future__ import annotations

import asyncio
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from deploy import loopback
from deploy.loopback import Topology

from tests.chaos.world import Size
from tests.histories.record import What
from tests.nodes.topology import FREELY, Cluster


@asynccontextmanager
async def cluster(
    folder: Path, load: Size, polling_only: tuple[str, ...] = (), **about: Any
) -> AsyncIterator[Cluster]:
    """Everything started, three people connected."""
    topology = Topology(options=FREELY, **about)
    made = Cluster(folder, topology, load)
    made.polling_only = polling_only
    try:
        await asyncio.to_thread(topology.start)
        await made.open()
        yield made
    finally:
        await made.close()
        await asyncio.to_thread(topology.stop)


# One at a time: each is a dozen processes under load.
pytestmark = [pytest.mark.xdist_group("topology"), pytest.mark.timeout(200)]


async def _restart_all(made: Cluster) -> None:
    """One after the other, as an update does."""
    for number in range(3):
        took = await asyncio.to_thread(made.topology.restart_node, number)
        assert took < 7.0


async def _kill_one(made: Cluster) -> None:
    """Without a word; it comes back after a while."""
    await asyncio.to_thread(made.topology.end_node, 0, signal.SIGKILL)
    await asyncio.sleep(2)
    made.topology.nodes[0] = made.topology.start_node(0)
    await asyncio.to_thread(made.topology.wait_for_node, 0)


async def _freeze_one(made: Cluster) -> None:
    """It stands still, and goes on as if nothing had been."""
    made.topology.nodes[1].send_signal(signal.SIGSTOP)
    await asyncio.sleep(6)
    made.topology.nodes[1].send_signal(signal.SIGCONT)


async def _through(made: Cluster, *troubles: Callable[[Cluster], Awaitable[None]]) -> None:
    made.load()
    for trouble in troubles:
        await asyncio.sleep(1)
        assert made.talking(), "the load ended before the trouble began"
        await trouble(made)
    await made.spoken()
    made.tell(What.HEALED)
    stuck = await made.settle()
    acked, found = made.judge()
    assert not [str(one) for one in (*stuck, *found)]
    assert acked == made.size.messages * made.size.people


async def test_nothing_is_lost_behind_nginx_when_servers_come_and_go(tmp_path: Path) -> None:
    load = Size(messages=420, rate=12.0)
    async with cluster(tmp_path, load, polling_only=("carla",)) as made:
        await _through(made, _restart_all, _kill_one, _freeze_one)


async def test_nothing_is_lost_behind_haproxy_that_moves_clients_at_each_connect(
    tmp_path: Path,
) -> None:
    load = Size(messages=150, rate=12.0)
    async with cluster(tmp_path, load, balancer="haproxy", sticky=False) as made:
        await _through(made, _restart_all)


async def test_polling_that_is_moved_at_each_request_waits_and_loses_nothing(
    tmp_path: Path,
) -> None:
    load = Size(messages=20, rate=20.0, people=1)
    async with cluster(tmp_path, load, polling_only=("ana",), nodes=2, sticky=False) as made:
        made.load()
        await made.spoken()
        await asyncio.sleep(3)
        assert made.ask("SELECT count(*) FROM message") == [(0,)]
        made.topology.rebalance(sticky=True)
        made.tell(What.HEALED)
        stuck = await made.settle()
        acked, found = made.judge()
        assert not [str(one) for one in (*stuck, *found)]
        assert acked == load.messages


def test_the_script_says_how_to_get_in_and_leaves_nothing_behind() -> None:
    script = Path(loopback.__file__)
    command = [sys.executable, str(script), "--nodes", "2", "--port", str(loopback.free_port())]
    with subprocess.Popen(
        [*command, "--balancer", "haproxy"], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline().split()
        assert first[0] == "ready"
        assert running.stdout.readline() == "\n"
        words = running.stdout.readline().split()
        assert words[:3] == ["talkbot-tui", "login", first[1]]
        authority = Path(words[words.index("--ca-file") + 1])
        context = ssl.create_default_context(cafile=authority)
        with urllib.request.urlopen(first[1], context=context, timeout=10) as answer:
            assert answer.read() == b"OK\n"
        for hidden in ("metrics", "readyz"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(f"{first[1]}/{hidden}", context=context, timeout=10)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
    assert not authority.parent.exists()
