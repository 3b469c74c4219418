"""Engines, stores and servers as they are, over networks as they are."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from talkbot_tui.client import addresses
from talkbot_tui.client.accounts import FILE, Accounts
from talkbot_tui.client.connect import store_in
from talkbot_tui.client.connector import SocketIoConnector
from talkbot_tui.client.engine import Engine
from talkbot_tui.client.follow import Follower
from talkbot_tui.client.ids import now_ms
from talkbot_tui.client.memory import FixedToken, MemoryStore
from talkbot_tui.core.events import OpenConversation
from talkbot_tui.core.model import Message, SendState
from talkbot_tui.wire.acks import Limits
from tests.proxy import Proxy, proxied
from tests.serving import PASSWORD, register, running_server
from tests.waiting import until

GENEROUS = Limits(message_burst=1000, messages_per_minute=6000)

pytestmark = pytest.mark.timeout(120)


def engine(url: str, token: str, folder: Path | None = None, **options: Any) -> Engine:
    return Engine(
        store=store_in(folder) if folder else MemoryStore(),
        connector=SocketIoConnector(addresses.parse(url), FixedToken(token), **options),
        draw=lambda: 0.03,
    )


async def opened(found: Engine) -> str:
    """Start, wait for the first room, and look at it; its id."""
    await found.start()
    await until(lambda: found.session.link.online and found.session.rooms())
    room = found.session.rooms()[0].conversation.conversation_id
    found.dispatch(OpenConversation(room))
    return room


def shown(found: Engine, room: str) -> list[tuple[int, str]]:
    rows = found.session.timeline(room).rows
    return [
        (row.seq, row.text)
        for row in rows
        if isinstance(row, Message) and row.state is SendState.SENT
    ]


def waiting(found: Engine) -> int:
    return sum(room.queued + room.failed for room in found.session.rooms())


async def harm(proxy: Proxy, dice: random.Random, until_done: asyncio.Event) -> None:
    while not until_done.is_set():
        await asyncio.sleep(dice.uniform(0.02, 0.2))
        if dice.random() < 0.3:
            proxy.freeze()
            await asyncio.sleep(dice.uniform(0.02, 0.1))
            proxy.thaw()
        proxy.cut()


@pytest.mark.parametrize("transports", [("websocket", "polling"), ("polling",)])
async def test_two_people_agree_after_a_bad_network(
    tmp_path: Path, transports: tuple[str, ...]
) -> None:
    async with running_server(limits=GENEROUS) as server, proxied(server.url) as proxy:
        ana_token = (await register(server, "ana"))["accessToken"]
        bruno_token = (await register(server, "bruno"))["accessToken"]
        ana = engine(proxy.url, ana_token, tmp_path, transports=transports)
        bruno = engine(server.url, bruno_token)
        try:
            room = await opened(ana)
            assert await opened(bruno) == room
            dice, calm = random.Random(7), asyncio.Event()
            harming = asyncio.ensure_future(harm(proxy, dice, calm))
            for number in range(40):
                ana.send(room, f"ana {number}")
                if number % 4 == 0:
                    bruno.send(room, f"bruno {number}")
                await asyncio.sleep(0.03)
            calm.set()
            await harming
            await until(lambda: not waiting(ana) and not waiting(bruno), within=60)
            await until(lambda: shown(ana, room) == shown(bruno, room), within=30)
            texts = [text for _, text in shown(bruno, room)]
            assert [t for t in texts if t.startswith("ana")] == [f"ana {n}" for n in range(40)]
            assert len([t for t in texts if t.startswith("bruno")]) == 10
        finally:
            await ana.stop()
            await bruno.stop()
        assert ana.faults == bruno.faults == 0


async def test_messages_written_offline_arrive_after_both_ends_restarted(tmp_path: Path) -> None:
    data, cache = tmp_path / "server", tmp_path / "ana"
    async with running_server(data_dir=data) as server:
        port = int(server.url.rsplit(":", 1)[1])
        token = (await register(server, "ana"))["accessToken"]
        ana = engine(server.url, token, cache)
        room = await opened(ana)
        await ana.delivered(ana.send(room, "before"))
    await until(lambda: not ana.session.link.online)
    ana.send(room, "offline 1")
    ana.send(room, "offline 2")
    await ana.stop()
    again = engine(server.url, token, cache)
    await again.start()
    try:
        assert waiting(again) == 2
        again.dispatch(OpenConversation(room))
        async with running_server(data_dir=data, port=port):
            await until(lambda: not waiting(again), within=30)
            texts = [text for _, text in shown(again, room)]
            assert texts == ["before", "offline 1", "offline 2"]
    finally:
        await again.stop()
    assert ana.faults == again.faults == 0


async def test_a_saved_session_outlives_its_access_tokens(tmp_path: Path) -> None:
    async with running_server(access_seconds=3) as server:
        accounts = Accounts(tmp_path)
        address = addresses.parse(server.url)
        account = await accounts.sign_in(address, "ana", PASSWORD, where=FILE, register=True)
        tokens = accounts.tokens(account)
        ana = Engine(store=MemoryStore(), connector=SocketIoConnector(address, tokens))
        room = await opened(ana)
        lost: list[str] = []
        ana.subscribe(
            lambda _: lost.append(ana.session.link.reason) if ana.session.link.reason else None
        )
        try:
            first = await tokens.token()
            await until(lambda: now_ms() > first.expires_at + 1_500)
            await ana.delivered(ana.send(room, "still here"))
            assert (await tokens.token()).value != first.value
            assert lost == []
        finally:
            await ana.stop()


async def test_a_follower_misses_and_doubles_nothing_on_a_bad_network() -> None:
    async with running_server(limits=GENEROUS) as server, proxied(server.url) as proxy:
        token = (await register(server, "ana"))["accessToken"]
        bruno = engine(server.url, (await register(server, "bruno"))["accessToken"])
        ana = engine(proxy.url, token)
        try:
            room = await opened(bruno)
            await opened(ana)
            seqs: list[int] = []

            async def follow() -> None:
                async for event in Follower(ana, room, 0).events():
                    seqs.append(event["seq"])

            following = asyncio.ensure_future(follow())
            calm = asyncio.Event()
            harming = asyncio.ensure_future(harm(proxy, random.Random(3), calm))
            for number in range(60):
                last = bruno.send(room, f"line {number}")
                await asyncio.sleep(0.02)
            head = (await bruno.delivered(last)).seq
            calm.set()
            await harming
            await until(lambda: seqs and seqs[-1] >= head, within=60)
            assert seqs == list(range(1, head + 1))
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        finally:
            await ana.stop()
            await bruno.stop()
