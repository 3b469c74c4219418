"""A server whose pages make no sense: `tail` neither ends in a traceback nor asks in a storm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talkbot_tui.client.follow import Follower
from tests.client.script import ROOM, refusal
from tests.client.world import World, running
from tests.waiting import until

PAGES: tuple[Any, ...] = (
    {"ok": True, "events": [{"seq": "x"}], "headSeq": 9, "more": True},
    {"ok": True, "events": 7, "headSeq": 9, "more": True},
    {"ok": True, "events": [], "headSeq": 9, "more": True},
    {"ok": True, "events": [None, {"seq": True}], "headSeq": 9, "more": False},
    {"ok": False, "error": None},
    {"ok": "yes"},
    None,
)


@pytest.mark.parametrize("page", PAGES, ids=str)
async def test_pages_that_make_no_sense_are_asked_for_again_after_a_pause(page: object) -> None:
    world = World()
    world.server.post("the first")
    honest = world.server.answers["history"]
    world.server.answers["history"] = lambda _payload: page
    async with running(world):
        await world.online()
        follower = Follower(world.engine, ROOM, 0)
        told: list[dict[str, Any]] = []

        async def follow() -> None:
            async for event in follower.events():
                told.append(event)

        task = asyncio.create_task(follow())
        await until(lambda: world.link.count("history"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert world.link.count("history") < 5
        assert not task.done()
        world.server.answers["history"] = honest
        await until(lambda: told)
        assert [event["text"] for event in told] == ["the first"]
        task.cancel()


async def test_a_refusal_that_names_an_endless_wait_does_not_end_the_following() -> None:
    world = World()
    world.server.post("the first")
    world.server.answers["history"] = lambda _payload: refusal(
        "busy", retryable=True, wait_ms=10**400
    )
    async with running(world):
        await world.online()
        task = asyncio.ensure_future(anext(Follower(world.engine, ROOM, 0).events()))
        await until(lambda: world.link.count("history"))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not task.done()
        assert world.link.count("history") == 1
        task.cancel()
