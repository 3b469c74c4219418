"""Redis freezes, dies, forgets, comes back: acks stay quick, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from talkbot_tui.wire.acks import Limits
from tests.nodes.world import place, texts, up, world
from tests.redis_server import RedisServer
from tests.server.peers import Person
from tests.waiting import until

ACK_SECONDS = 1.0
SEEN_SECONDS = 5.0
FREE = Limits(message_burst=10_000, messages_per_minute=600_000)


async def _freeze(redis: RedisServer) -> None:
    redis.freeze()
    await asyncio.sleep(6)
    redis.thaw()


async def _die(redis: RedisServer) -> None:
    redis.stop()
    await asyncio.sleep(3)
    redis.start()


async def _restart(redis: RedisServer) -> None:
    for _ in range(3):
        redis.stop()
        redis.start()
        await asyncio.sleep(0.5)


async def _flush(redis: RedisServer) -> None:
    for _ in range(5):
        assert b"OK" in redis.ask("FLUSHALL")
        redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
        redis.ask("CLIENT", "KILL", "TYPE", "normal")
        await asyncio.sleep(0.3)


async def _slow(redis: RedisServer) -> None:
    """It answers, but only every two seconds."""
    for _ in range(3):
        redis.freeze()
        await asyncio.sleep(1.9)
        redis.thaw()
        await asyncio.sleep(0.1)


class Talk:
    """Writes without a pause; when was each message acknowledged, and seen by whom?

    Who only listens is alone on a server: what that one stores itself would tell it of more.
    """

    def __init__(self, writer: Person, listener: Person, room: str) -> None:
        self._writer = writer
        self._people = [writer, listener]
        self._room = room
        self._going = True
        self.acked: dict[str, float] = {}
        self.slowest = 0.0
        self.seen: list[dict[str, float]] = [{}, {}]

    async def write(self, who: Person) -> None:
        turn = 0
        while self._going:
            turn += 1
            text = f"{who.user_id} {turn}"
            began = time.monotonic()
            await who.post(self._room, text)
            self.acked[text] = time.monotonic()
            self.slowest = max(self.slowest, self.acked[text] - began)
            await asyncio.sleep(0.05)

    async def watch(self) -> None:
        while True:
            for who, seen in zip(self._people, self.seen, strict=True):
                for text in texts(who, self._room)[len(seen) :]:
                    seen.setdefault(text, time.monotonic())
            await asyncio.sleep(0.02)

    async def through(self, trouble: Callable[[], Awaitable[None]]) -> None:
        watching = asyncio.create_task(self.watch())
        writing = asyncio.create_task(self.write(self._writer))
        await asyncio.sleep(0.5)
        await trouble()
        await asyncio.sleep(0.5)
        self._going = False
        await writing
        await until(lambda: all(len(seen) >= len(self.acked) for seen in self.seen), SEEN_SECONDS)
        watching.cancel()

    def check(self) -> None:
        assert len(self.acked) > 20
        assert self.slowest < ACK_SECONDS
        for who, seen in zip(self._people, self.seen, strict=True):
            assert len(texts(who, self._room)) == len(self.acked)
            assert seen.keys() == self.acked.keys()
            late = {text: seen[text] - at for text, at in self.acked.items()}
            assert max(late.values()) < SEEN_SECONDS, max(late.items(), key=lambda one: one[1])


@pytest.mark.parametrize("trouble", [_freeze, _die, _restart, _flush, _slow])
async def test_acks_stay_quick_and_nothing_is_lost(
    url: str, redis: RedisServer, trouble: Callable[[RedisServer], Awaitable[None]]
) -> None:
    async with world(url) as made:
        for _ in range(2):
            await made.start(redis=place(redis), limits=FREE)
        await until(lambda: all(up(server) for server in made.servers))
        ana = await made.person(made.servers[0], "ana")
        bruno = await made.person(made.servers[1], "bruno")
        talk = Talk(ana, bruno, ana.rooms["general"])
        await talk.through(partial(trouble, redis))
        talk.check()
        await until(lambda: all(up(server) for server in made.servers))
        await ana.emit("typing", {"conversationId": ana.rooms["general"], "on": True})
        await until(lambda: bruno.got("typing"), 1.0)


async def test_a_redis_that_is_not_there_is_no_reason_not_to_start(
    url: str, redis: RedisServer
) -> None:
    redis.stop()
    async with world(url) as made:
        for _ in range(2):
            began = time.monotonic()
            server = await made.start(redis=place(redis))
            assert time.monotonic() - began < 5
            assert not up(server)
        ana = await made.person(made.servers[0], "ana")
        bruno = await made.person(made.servers[1], "bruno")
        room = ana.rooms["general"]
        await ana.post(room, "um")
        await until(lambda: texts(bruno, room) == ["um"], SEEN_SECONDS)
        redis.start()
        await until(lambda: all(up(server) for server in made.servers))


async def test_a_frozen_redis_does_not_hold_up_start_or_end(url: str, redis: RedisServer) -> None:
    redis.freeze()
    async with world(url) as made:
        began = time.monotonic()
        server = await made.start(redis=place(redis))
        assert time.monotonic() - began < 6
        began = time.monotonic()
        await server.stop()
        assert time.monotonic() - began < 5
        redis.thaw()
