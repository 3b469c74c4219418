"""Servers in trouble, and clocks that are wrong: the client neither gives up nor overruns them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from talkbot_tui.client.retry import NAMED_CAP_S, named_wait
from talkbot_tui.client.socketio_transport import parse_refusal
from talkbot_tui.client.transport import Unreachable
from talkbot_tui.core.link import LinkState
from tests.client.script import ROOM, refusal
from tests.client.world import World, running
from tests.waiting import until


async def later(world: World, condition: Callable[[], object]) -> None:
    """Let time pass until `condition` is true."""

    def asked() -> object:
        held = condition()
        if not held:
            world.clock.advance(1)
        return held

    await until(asked)


async def turns(world: World, times: int, seconds: float = 0.0) -> None:
    """Let the loop turn, and a little time pass with each turn."""
    for _ in range(times):
        world.clock.advance(seconds)
        await asyncio.sleep(0)


async def test_an_event_of_a_newer_server_at_the_logs_end_is_asked_for_once() -> None:
    async with running(World()) as world:
        await world.online()
        newer = world.server.post("pinned")
        newer["type"] = "pin"
        world.server.answers["heads"] = lambda payload: {"ok": True, "heads": {ROOM: 1}}
        await later(world, lambda: world.link.count("history"))
        await turns(world, 300)
        assert world.link.count("history") == 1
        assert world.engine.session.timeline(ROOM).cursor == 1


async def test_a_page_that_is_promised_and_not_given_is_asked_for_with_pauses() -> None:
    async with running(World()) as world:
        await world.online()
        world.server.answers["heads"] = lambda payload: {"ok": True, "heads": {ROOM: 1}}
        world.server.answers["history"] = lambda payload: {
            "ok": True,
            "events": [],
            "headSeq": 1,
            "more": False,
        }
        await later(world, lambda: world.link.count("history"))
        await turns(world, 300)
        assert world.link.count("history") == 1
        await later(world, lambda: world.link.count("history") == 2)


async def test_a_refused_sync_is_asked_again_with_growing_pauses() -> None:
    world = World()
    world.server.answers["sync"] = lambda payload: refusal("internal", retryable=True)
    async with running(world):
        await until(lambda: world.connector.transports and world.link.count("sync"))
        await turns(world, 1000, 0.003)
        assert 2 <= world.link.count("sync") <= 3
        assert len(world.connector.transports) == 1
        world.server.answers["sync"] = world.server.sync
        await later(world, lambda: world.state is LinkState.ONLINE)


async def test_a_connection_whose_sync_is_not_answered_is_replaced() -> None:
    world = World()
    world.server.answers["sync"] = lambda payload: _unanswered()
    async with running(world):
        await until(lambda: world.connector.transports and world.link.count("sync"))
        first = world.link
        await later(world, lambda: world.link is not first)
        assert first.count("sync") == 2


async def _unanswered() -> object:
    from talkbot_tui.client.transport import Unanswered

    raise Unanswered("sync")


async def test_a_message_whose_sending_ends_each_connection_does_not_end_the_pauses() -> None:
    async with running(World()) as world:
        await world.online()
        world.server.answers["message"] = lambda payload: asyncio.Event().wait()
        world.engine.send(ROOM, "poison")
        for times in range(1, 5):
            await until(lambda: world.state is LinkState.ONLINE and world.link.count("message"))
            world.link.abort("lost")
            await turns(world, 100)
            assert world.connector.attempts == times
            assert world.state is LinkState.WAITING
            world.clock.advance(10)
            await world.attempted(times + 1)


async def test_a_clock_far_ahead_makes_no_storm_of_renewals() -> None:
    world = World()
    world.clock.offset = 10 * 365 * 24 * 3_600_000
    world.server.expires_at = world.clock.now + 900_000
    async with running(world):
        await world.online()
        for _ in range(100):
            await turns(world, 1, 1)
            await turns(world, 20)
        assert 1 <= world.link.count("auth") <= 3


@pytest.mark.parametrize("named", [10**400, 10**12])
async def test_a_server_may_ask_for_a_few_minutes_and_no_more(named: int) -> None:
    async with running(World()) as world:
        await world.online()
        world.link.push("goodbye", {"code": "draining", "retryAfterMs": named})
        await turns(world, 20)
        world.link.abort("closed")
        await world.state_is(LinkState.WAITING)
        await world.pass_time(2 * NAMED_CAP_S)
        await world.online()


def test_a_wait_is_never_negative() -> None:
    assert [named_wait(ms) for ms in (-5, 0, 1500)] == [0, 0, 1.5]


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ({"message": "Unable to connect"}, True),
        ("Unable to connect", True),
        ({"message": "session_revoked"}, False),
        ({"message": "session_revoked", "data": {"retryable": True}}, True),
        ({"message": "anything", "data": {"retryable": False}}, False),
    ],
)
def test_a_refusal_that_says_nothing_of_the_future_is_not_final(said: object, again: bool) -> None:
    assert parse_refusal(said).retryable is again


async def test_why_there_is_no_link_has_a_name() -> None:
    world = World()
    world.connector.failures.append(Unreachable("tls"))
    async with running(world):
        await world.state_is(LinkState.WAITING)
        assert world.engine.session.link.code == "tls"
