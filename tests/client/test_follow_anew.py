"""A server whose log is another one after a reconnect: following goes on in it, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from talkbot_tui.client.follow import FollowEnded, Follower
from talkbot_tui.core.link import LinkState
from tests.client.script import ROOM
from tests.client.world import World, running
from tests.waiting import until


class Followed:
    """What a follower gave, and what it said of the log."""

    def __init__(self, world: World, since: int) -> None:
        self.told: list[str] = []
        self.heads: list[int] = []
        follower = Follower(world.engine, ROOM, since, self.heads.append)

        async def follow() -> None:
            async for event in follower.events():
                self.told.append(event["text"])

        self.task = asyncio.ensure_future(follow())


@asynccontextmanager
async def following(world: World, since: int) -> AsyncIterator[Followed]:
    async with running(world):
        await world.online()
        followed = Followed(world, since)
        try:
            yield followed
        finally:
            followed.task.cancel()
            await asyncio.wait({followed.task})


def with_five() -> World:
    world = World()
    for number in range(1, 6):
        world.server.post(f"old {number}")
    return world


def of_epoch(world: World, epoch: str, **more: Any) -> None:
    """The next `sync` is answered by the server of another database."""

    def sync(payload: dict[str, Any]) -> object:
        answer = world.server.sync({"cursors": {}})
        assert isinstance(answer, dict)
        return {**answer, "epoch": epoch, **more}

    world.server.answers["sync"] = sync


async def again_online(world: World) -> None:
    world.link.abort("lost")
    await world.state_is(LinkState.WAITING)
    await world.pass_time(60)
    await world.online()


async def test_a_restored_backup_does_not_silence_a_follower() -> None:
    world = with_five()
    async with following(world, 0) as followed:
        await until(lambda: len(followed.told) == 5)
        del world.server.log[3:]
        await again_online(world)
        await until(lambda: followed.heads == [3])
        for number in (4, 5, 6):
            world.link.push("message", world.server.post(f"new {number}"))
        await until(lambda: len(followed.told) == 8, what=lambda: str(followed.told))
        assert followed.told[5:] == ["new 4", "new 5", "new 6"]


async def test_another_database_is_followed_from_its_end_whatever_its_length() -> None:
    world = with_five()
    async with following(world, 0) as followed:
        await until(lambda: len(followed.told) == 5)
        world.server.log.clear()
        for number in range(1, 9):
            world.server.post(f"other {number}")
        of_epoch(world, "epoch-2")
        await again_online(world)
        await until(lambda: followed.heads == [8])
        world.link.push("message", world.server.post("new 9"))
        await until(lambda: len(followed.told) == 6, what=lambda: str(followed.told))
        assert followed.told[5:] == ["new 9"]


async def test_what_was_not_read_yet_of_a_restored_log_is_still_read() -> None:
    world = with_five()
    pages = world.server.answers.pop("history")
    async with following(world, 1) as followed:
        await until(lambda: world.link.count("history"))
        del world.server.log[3:]
        world.server.answers["history"] = pages
        await again_online(world)
        await until(lambda: followed.told == ["old 2", "old 3"], what=lambda: str(followed.told))
        assert followed.heads == []


async def test_a_page_of_the_old_log_that_comes_late_is_not_of_the_new_one() -> None:
    world = with_five()
    asked, let = asyncio.Event(), asyncio.Event()
    old = world.server.log[1:]

    async def late(_payload: dict[str, Any]) -> object:
        asked.set()
        await let.wait()
        return {"ok": True, "events": old, "headSeq": 5, "more": False}

    world.server.answers["history"] = late
    async with following(world, 1) as followed:
        await asked.wait()
        world.server.answers["history"] = world.server.history
        world.server.log.clear()
        for number in range(1, 4):
            world.server.post(f"other {number}")
        of_epoch(world, "epoch-2")
        world.link.push("resync", {})
        await until(lambda: followed.heads == [3])
        let.set()
        world.link.push("message", world.server.post("new 4"))
        await until(lambda: followed.told)
        assert followed.told == ["new 4"]


async def test_an_ordinary_reconnect_begins_nothing_anew() -> None:
    world = with_five()
    async with following(world, 0) as followed:
        await until(lambda: len(followed.told) == 5)
        world.server.post("missed")
        await again_online(world)
        await until(lambda: followed.told[5:] == ["missed"])
        assert followed.heads == []


@pytest.mark.parametrize("epoch", ["epoch-1", "epoch-2"])
async def test_a_room_that_we_are_not_in_any_more_is_not_followed_in_silence(epoch: str) -> None:
    world = with_five()
    async with following(world, 0) as followed:
        await until(lambda: len(followed.told) == 5)
        of_epoch(world, epoch, conversations=[])
        await again_online(world)
        with pytest.raises(FollowEnded) as ended:
            async with asyncio.timeout(20):
                await asyncio.shield(followed.task)
        assert ended.value.code == "not_found"
